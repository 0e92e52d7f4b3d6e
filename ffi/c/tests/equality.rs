//! The C functions beside the Rust functions below them: the same values, flags and reports, on whole code spaces, random operands
//! and every kind of accumulator.

#![allow(unsafe_code, reason = "calls of C functions, with this file's own arrays")]

use std::ffi::{CStr, CString};
use std::ptr::{null, null_mut};

use fewbit::convert::{Encoder, GroupEncoder, GroupLayout};
use fewbit::formats::{
    Arithmetic, BlockScale, Format, GroupFormat, Policy, PolicyPreset, Rounding, philox,
};
use fewbit::machine::OperandFormat;
use fewbit::reference::{FloatOperand, RandomBits};
use fewbit::{
    Accumulator, FloatOptions, MatmulOptions, ReportLevel, matmul, matmul_float, reference,
};
use fewbit_c::*;
use ndarray::{Array2, ArrayView2};

fn text(text: &str) -> CString {
    CString::new(text).unwrap()
}

fn last_error() -> String {
    // SAFETY: the library's text.
    unsafe { CStr::from_ptr(fewbit_last_error()) }.to_string_lossy().into_owned()
}

fn format(name: &str) -> *mut FewbitFormat {
    // SAFETY: text that ends with a zero.
    let handle = unsafe { fewbit_format_new(text(name).as_ptr()) };
    assert!(!handle.is_null(), "{}", last_error());
    handle
}

fn policy(name: &str) -> *mut FewbitPolicy {
    // SAFETY: text that ends with a zero.
    let handle = unsafe { fewbit_policy_new(text(name).as_ptr()) };
    assert!(!handle.is_null(), "{}", last_error());
    handle
}

fn accumulator(name: &str) -> *mut FewbitAccumulator {
    // SAFETY: text that ends with a zero.
    let handle = unsafe { fewbit_accumulator_new(text(name).as_ptr()) };
    assert!(!handle.is_null(), "{}", last_error());
    handle
}

/// Numbers that depend on a seed alone.
struct Draw(u64, u64);

impl Draw {
    fn bits(&mut self) -> u32 {
        self.1 += 1;
        philox::bits(self.0, self.1)
    }

    fn within(&mut self, low: i64, high: i64) -> i64 {
        low + (u64::from(self.bits()) % (high - low + 1) as u64) as i64
    }
}

/// Policies as text and as values.
fn policies() -> Vec<(&'static str, Policy)> {
    use fewbit::formats::{NanPolicy, NanSign, Overflow, SubnormalOutput, ZeroSign};
    let nearest = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    vec![
        ("ties-even,saturate", nearest),
        (
            "rz,special,nan=zero",
            nearest
                .with_rounding(Rounding::TowardZero)
                .with_overflow(Overflow::Special)
                .with_nan(NanPolicy::Zero),
        ),
        (
            "up, zero, nan=largest, zero-sign=positive, nan-sign=positive, subnormal-output=flush-after",
            nearest
                .with_rounding(Rounding::Up)
                .with_overflow(Overflow::Zero)
                .with_nan(NanPolicy::Largest)
                .with_zero_sign(ZeroSign::Positive)
                .with_nan_sign(NanSign::Positive)
                .with_subnormal_output(SubnormalOutput::FlushAfter),
        ),
        (
            "stochastic8,saturate,nan=zero",
            nearest.with_rounding(Rounding::Stochastic { bits: 8 }).with_nan(NanPolicy::Zero),
        ),
    ]
}

#[test]
fn scalars_are_those_of_the_formats() {
    let names = [
        "e4m3fn", "e5m2", "e2m1fn", "bf16", "f16", "int8", "ufix8.4", "e8m0fnu", "ternary",
        "posit8",
    ];
    let mut draw = Draw(1, 0);
    for name in names {
        let (of, handle): (Format, _) = (name.parse().unwrap(), format(name));
        for (words, policy_value) in policies() {
            let policy = policy(words);
            for _ in 0..2000 {
                let x = f64::from_bits(u64::from(draw.bits()) << 32 | u64::from(draw.bits()));
                let x = if draw.bits().is_multiple_of(4) {
                    x
                } else {
                    draw.within(-5000, 5000) as f64 / 16.0
                };
                let random = draw.bits();
                let mut code = 0;
                // SAFETY: handles that were made, a number of this function.
                let status = unsafe { fewbit_encode(handle, policy, x, random, &raw mut code) };
                match of.encode(x, &policy_value, random) {
                    Ok(encoded) => assert_eq!(
                        (status, code),
                        (encoded.status.bits().into(), encoded.code.into()),
                        "{name} {words} {x:e}"
                    ),
                    Err(error) => {
                        assert_eq!(status, FewbitStatus::ErrorValue as u32);
                        assert_eq!(last_error(), error.to_string());
                    }
                }
            }
        }
    }
}

#[test]
fn operations_are_those_of_the_formats() {
    let mut draw = Draw(2, 0);
    let names = ["e4m3fn", "e5m2", "bf16", "int8"];
    for name in names {
        let (of, handle): (Format, _) = (name.parse().unwrap(), format(name));
        for (words, policy_value) in policies() {
            let policy = policy(words);
            let unit = Arithmetic::new(of, policy_value);
            for _ in 0..1000 {
                let codes: [u64; 3] =
                    std::array::from_fn(|_| u64::from(draw.bits()) % of.code_count());
                let random = draw.bits();
                let [a, b, c] = codes.map(|code| of.decode_real(code as u32));
                let [x, y, z] = codes;
                let mut got = 0;
                // SAFETY: handles that were made, a number of this function.
                let results = unsafe {
                    [
                        (
                            fewbit_add(handle, policy, x, y, random, &raw mut got),
                            got,
                            unit.add(a, b, random),
                        ),
                        (
                            fewbit_sub(handle, policy, x, y, random, &raw mut got),
                            got,
                            unit.sub(a, b, random),
                        ),
                        (
                            fewbit_mul(handle, policy, x, y, random, &raw mut got),
                            got,
                            unit.mul(a, b, random),
                        ),
                        (
                            fewbit_div(handle, policy, x, y, random, &raw mut got),
                            got,
                            unit.div(a, b, random),
                        ),
                        (
                            fewbit_sqrt(handle, policy, x, random, &raw mut got),
                            got,
                            unit.sqrt(a, random),
                        ),
                        (
                            fewbit_fma(handle, policy, x, y, z, random, &raw mut got),
                            got,
                            unit.mul_add(a, b, c, random),
                        ),
                        (
                            fewbit_operate(
                                4,
                                handle,
                                x,
                                handle,
                                y,
                                null(),
                                0,
                                handle,
                                policy,
                                random,
                                &raw mut got,
                            ),
                            got,
                            unit.rem(a, b, random),
                        ),
                        (
                            fewbit_operate(
                                7,
                                handle,
                                x,
                                handle,
                                y,
                                null(),
                                0,
                                handle,
                                policy,
                                random,
                                &raw mut got,
                            ),
                            got,
                            unit.minimum(a, b, random),
                        ),
                    ]
                };
                for (status, code, expected) in results {
                    match expected {
                        Ok(encoded) => {
                            let expected = (encoded.status.bits().into(), encoded.code.into());
                            assert_eq!((status, code), expected, "{name} {words} {codes:x?}");
                        }
                        Err(_) => assert_eq!(status, FewbitStatus::ErrorValue as u32),
                    }
                }
            }
        }
    }
}

#[test]
fn arrays_are_scalars_one_after_the_other() {
    let mut draw = Draw(3, 0);
    let x: Vec<f32> = (0..40_000).map(|_| draw.within(-90_000, 90_000) as f32 / 64.0).collect();
    for name in ["e4m3fn", "bf16", "int8"] {
        let handle = format(name);
        for (words, _) in policies() {
            let policy = policy(words);
            let mut codes = vec![0u16; x.len()];
            let mut wide = vec![0.0f64; x.len()];
            // SAFETY: handles that were made, arrays of this function.
            unsafe {
                let status = fewbit_encode_array(
                    handle,
                    policy,
                    7,
                    100,
                    x.as_ptr().cast(),
                    FewbitType::F32 as u32,
                    x.len(),
                    codes.as_mut_ptr().cast(),
                    FewbitType::U16 as u32,
                    null(),
                );
                assert_eq!(status, 0, "{}", last_error());
                let status = fewbit_decode_array(
                    handle,
                    codes.as_ptr().cast(),
                    FewbitType::U16 as u32,
                    codes.len(),
                    wide.as_mut_ptr().cast(),
                    FewbitType::F64 as u32,
                    null(),
                );
                assert_eq!(status, 0, "{}", last_error());
                for (i, &x) in x.iter().enumerate() {
                    let (mut code, mut value) = (0, 0.0);
                    let random = fewbit_random_bits(7, 100 + i as u64);
                    fewbit_encode_f32(handle, policy, x, random, &raw mut code);
                    assert_eq!(u64::from(codes[i]), code, "{name} {words} {x}");
                    fewbit_decode(handle, code, &raw mut value);
                    assert_eq!(wide[i].to_bits(), value.to_bits());
                }
            }
        }
    }
}

#[test]
fn conversions_of_arrays_are_scalars_too() {
    let (f16, e4m3) = (format("f16"), format("e4m3fn"));
    // Whole code spaces, NaNs with payloads among them; a table answers where there are enough codes, and none for few.
    let codes: Vec<u16> = (0..=u16::MAX).chain(0..1000).collect();
    for (words, _) in policies() {
        let policy = policy(words);
        for part in [&codes[..], &codes[65_000..], &codes[..100]] {
            let mut results = vec![0u8; part.len()];
            // SAFETY: handles that were made, arrays of this function.
            unsafe {
                let status = fewbit_convert_array(
                    f16,
                    part.as_ptr().cast(),
                    FewbitType::U16 as u32,
                    part.len(),
                    e4m3,
                    policy,
                    9,
                    5,
                    results.as_mut_ptr().cast(),
                    FewbitType::U8 as u32,
                    null(),
                );
                assert_eq!(status, 0, "{}", last_error());
                for (i, &code) in part.iter().enumerate() {
                    let mut result = 0;
                    let random = fewbit_random_bits(9, 5 + i as u64);
                    fewbit_convert(f16, code.into(), e4m3, policy, random, &raw mut result);
                    assert_eq!(u64::from(results[i]), result, "{words} {code:#x}");
                }
            }
        }
    }
}

#[test]
fn encoders_of_rust_and_c_agree_on_all_cores() {
    let mut draw = Draw(4, 0);
    let x: Vec<f64> = (0..100_000).map(|_| f64::from(draw.bits()) / 1e6 - 2000.0).collect();
    let policy_value =
        Policy::new(Rounding::Stochastic { bits: 16 }, fewbit::formats::Overflow::Saturate);
    let mut expected = vec![0u8; x.len()];
    Encoder::new(Format::E5M2, policy_value).with_seed(3).encode(&x, &mut expected).unwrap();
    let threads = fewbit_threads_new(3);
    for pool in [null_mut(), threads] {
        let mut codes = vec![0u8; x.len()];
        // SAFETY: handles that were made, arrays of this function.
        let status = unsafe {
            fewbit_encode_array(
                format("e5m2"),
                policy("stochastic16,saturate"),
                3,
                0,
                x.as_ptr().cast(),
                FewbitType::F64 as u32,
                x.len(),
                codes.as_mut_ptr().cast(),
                FewbitType::U8 as u32,
                pool,
            )
        };
        assert_eq!((status, &codes), (0, &expected));
    }
}

fn matrix<T>(data: &[T], element: FewbitType, (rows, cols): (usize, usize)) -> FewbitMatrix {
    assert_eq!(data.len(), rows * cols);
    FewbitMatrix {
        data: data.as_ptr().cast_mut().cast(),
        element: element as u32,
        rows,
        cols,
        row_stride: cols,
        col_stride: 1,
    }
}

const ACCUMULATORS: [&str; 7] = [
    "int16-sat",
    "int12-wrap",
    "int16-sat*4",
    "int12-wrap/5,int14-sat",
    "exact/8,int15-sat",
    "int14-sat%3",
    "exact",
];

#[test]
fn products_machines_and_arrays_of_machines_agree() {
    let mut draw = Draw(5, 0);
    for name in ACCUMULATORS {
        let acc: Accumulator = name.parse().unwrap();
        let handle = accumulator(name);
        let (m, k, n) = (5, 37, 4);
        let mut numbers =
            |count| -> Vec<i8> { (0..count).map(|_| draw.within(-128, 127) as i8).collect() };
        let (a, b) = (numbers(m * k), numbers(k * n));
        let starts: Vec<i64> = (0..m * n).map(|i| (i as i64 - 10) * 100).collect();
        let view_a = ArrayView2::from_shape((m, k), &a).unwrap();
        let view_b = ArrayView2::from_shape((k, n), &b).unwrap();
        let options = MatmulOptions {
            report: ReportLevel::Full,
            init: Some(ArrayView2::from_shape((m, n), &starts).unwrap()),
            ..MatmulOptions::default()
        };
        let expected = matmul(view_a, view_b, &acc, &options).unwrap();
        let report = expected.report.unwrap();
        let mut out = vec![0i64; m * n];
        let mut reports = vec![blank(); acc.stages().len()];
        let ma = matrix(&a, FewbitType::I8, (m, k));
        // The right operand column by column.
        let columns: Vec<i8> = view_b.t().iter().copied().collect();
        let mb = FewbitMatrix {
            row_stride: 1,
            col_stride: k,
            ..matrix(&columns, FewbitType::I8, (k, n))
        };
        let mi = matrix(&starts, FewbitType::I64, (m, n));
        let mut mo = matrix(&out, FewbitType::I64, (m, n));
        mo.data = out.as_mut_ptr().cast();
        // SAFETY: handles that were made, matrices of this function.
        unsafe {
            let status = fewbit_matmul(handle, &ma, &mb, &mi, &mo, 2, reports.as_mut_ptr(), null());
            assert_eq!(status, 0, "{}", last_error());
        }
        assert_eq!(out, expected.values.iter().copied().collect::<Vec<_>>(), "{name}");
        for (got, stage) in reports.iter().zip(&report.stages) {
            assert_eq!((got.events, got.outputs), (stage.events, stage.outputs));
            assert_eq!(got.required_bits, stage.required_bits);
            assert_eq!((got.min, got.max), (stage.min.into(), stage.max.into()));
            let first = stage.first.map(|e| (e.row, e.col, e.k, FewbitInt128::from(e.value)));
            let found = (got.first_row, got.first_col, got.first_k, got.first_value);
            assert_eq!((got.has_first == 1).then_some(found), first);
            for (bits, &count) in got.histogram.iter().enumerate() {
                assert_eq!(stage.histogram.get(&(bits as u32)).copied().unwrap_or(0), count);
            }
        }
        // Every output by machines, and all of them by an array.
        let mut events = vec![0; acc.stages().len()];
        // SAFETY: handles that were made, arrays of this function.
        unsafe {
            let array = fewbit_array_new(handle, m as u32, n as u32);
            fewbit_array_reset_to(array, starts.as_ptr());
            for p in 0..k {
                let column: Vec<i32> = (0..m).map(|i| view_a[[i, p]].into()).collect();
                let row: Vec<i32> = (0..n).map(|j| view_b[[p, j]].into()).collect();
                assert_eq!(fewbit_array_push_outer(array, column.as_ptr(), row.as_ptr()), 0);
            }
            assert_eq!(fewbit_array_drain(array), 0);
            let mut values = vec![0; m * n];
            assert_eq!(fewbit_array_values(array, values.as_mut_ptr()), 0);
            assert_eq!(values, out, "{name}");
            let machine = fewbit_machine_new(handle);
            let coded = fewbit_machine_for(handle, format("int8"), format("int8"));
            for i in 0..m {
                for j in 0..n {
                    fewbit_machine_reset(machine, starts[i * n + j]);
                    fewbit_machine_reset(coded, starts[i * n + j]);
                    for p in 0..k {
                        let (x, y) = (view_a[[i, p]], view_b[[p, j]]);
                        let status = fewbit_machine_push(machine, i64::from(x) * i64::from(y));
                        let codes = (x as u8).into();
                        assert_eq!(
                            status,
                            fewbit_machine_push_codes(coded, codes, (y as u8).into())
                        );
                    }
                    fewbit_machine_drain(machine);
                    fewbit_machine_drain(coded);
                    let (mut value, mut other) = (0, 0);
                    assert_eq!(fewbit_machine_value(machine, &raw mut value), 0);
                    assert_eq!(fewbit_machine_value(coded, &raw mut other), 0);
                    assert_eq!((value, other), (out[i * n + j], value), "{name} ({i}, {j})");
                    for (stage, sum) in events.iter_mut().enumerate() {
                        let (mut one, mut of_array) = (0, 0);
                        fewbit_machine_events(machine, stage as u32, &raw mut one);
                        let (row, col) = (i as u32, j as u32);
                        fewbit_array_events(array, stage as u32, row, col, &raw mut of_array);
                        assert_eq!(one, of_array);
                        *sum += one;
                    }
                }
            }
            fewbit_machine_free(machine);
            fewbit_machine_free(coded);
            fewbit_array_free(array);
        }
        let expected: Vec<u64> = report.stages.iter().map(|stage| stage.events).collect();
        assert_eq!(events, expected, "{name}");
    }
}

fn blank() -> FewbitStageReport {
    // SAFETY: numbers alone, for which zero is a value.
    unsafe { std::mem::zeroed() }
}

#[test]
fn float_products_and_machines_agree() {
    let mut draw = Draw(6, 0);
    let (m, k, n) = (3, 70, 2);
    for (name, of) in [
        ("f16", "e4m3fn"),
        ("bf16-sr8", "e5m2"),
        ("aligned13-rz:f32-rz*32/128,f32", "e4m3fn"),
        ("e4m3fn-rne-sat", "e4m3fn"),
        ("preset:h100-wgmma-fp8", "e4m3fn"),
    ] {
        let acc: Accumulator = name.parse().unwrap();
        let element: Format = of.parse().unwrap();
        let mut codes = |count| -> Vec<u8> {
            let nan = |code: &u8| element.decode((*code).into()).is_finite();
            std::iter::repeat_with(|| draw.bits() as u8).filter(nan).take(count).collect()
        };
        let (a, b) = (codes(m * k), codes(k * n));
        let wide = |codes: &[u8], shape| -> Array2<u32> {
            ArrayView2::from_shape(shape, codes).unwrap().mapv(u32::from)
        };
        let (wide_a, wide_b) = (wide(&a, (m, k)), wide(&b, (k, n)));
        let left = FloatOperand::from_codes(wide_a.view(), element).unwrap();
        let right = FloatOperand::from_codes(wide_b.view(), element).unwrap();
        let options =
            FloatOptions { report: ReportLevel::Full, seed: 11, ..FloatOptions::default() };
        let expected = matmul_float(&left, &right, &acc, &options).unwrap();
        let mut out = vec![0.0f64; m * n];
        let format = format(of);
        let operand = |codes: &[u8], shape| FewbitOperand {
            codes: matrix(codes, FewbitType::U8, shape),
            format,
            scales: matrix::<u8>(&[], FewbitType::U8, (0, 0)),
            scale_format: null(),
            block: 0,
        };
        let mut mo = matrix(&out, FewbitType::F64, (m, n));
        mo.data = out.as_mut_ptr().cast();
        let mut reports = vec![FewbitFloatStageReport::default(); acc.stages().len()];
        let handle = accumulator(name);
        // SAFETY: handles that were made, matrices of this function.
        unsafe {
            let (a, b) = (operand(&a, (m, k)), operand(&b, (k, n)));
            let status = fewbit_matmul_float(
                handle,
                &a,
                &b,
                null(),
                11,
                &mo,
                2,
                reports.as_mut_ptr(),
                null(),
            );
            assert_eq!(status, 0, "{}", last_error());
        }
        for (got, expected) in out.iter().zip(&expected.values) {
            assert_eq!(got.to_bits(), expected.to_bits(), "{name}");
        }
        for (got, stage) in reports.iter().zip(&expected.report.unwrap().stages) {
            let counts = (got.events, got.outputs, got.steps, got.inexact, got.absorbed);
            let of = (stage.events, stage.outputs, stage.steps, stage.inexact, stage.absorbed);
            assert_eq!(counts, of, "{name}");
            assert_eq!((got.min, got.max), (stage.min.to_f64(), stage.max.to_f64()));
        }
        // SAFETY: handles that were made, numbers of this function.
        unsafe {
            let machine = fewbit_machine_for(handle, format, format);
            assert!(!machine.is_null(), "{}", last_error());
            for i in 0..m {
                for j in 0..n {
                    let index = (i * n + j) as u64;
                    fewbit_machine_seed(machine, 11, index);
                    let row: Vec<u64> = wide_a.row(i).iter().map(|&c| c.into()).collect();
                    let col: Vec<u64> = wide_b.column(j).iter().map(|&c| c.into()).collect();
                    let status =
                        fewbit_machine_push_code_group(machine, row.as_ptr(), col.as_ptr(), k);
                    assert_eq!(status & 0x100, 0, "{}", last_error());
                    fewbit_machine_drain(machine);
                    let mut value = 0.0;
                    fewbit_machine_real(machine, &raw mut value);
                    assert_eq!(value.to_bits(), out[i * n + j].to_bits(), "{name}");
                    let mut direct = acc
                        .machine_for(OperandFormat::from(element), OperandFormat::from(element))
                        .unwrap()
                        .with_random(RandomBits { seed: 11, output: index });
                    for (&a, &b) in wide_a.row(i).iter().zip(wide_b.column(j)) {
                        direct.push(a, b).unwrap();
                    }
                    assert_eq!(direct.drain().unwrap().to_f64().to_bits(), value.to_bits());
                }
            }
            fewbit_machine_free(machine);
        }
    }
}

#[test]
fn groups_are_those_of_rust() {
    let mut draw = Draw(8, 0);
    let (before, length, behind) = (3, 70, 2);
    let x: Vec<f32> = (0..before * length * behind)
        .map(|_| draw.within(-4000, 4000) as f32 / 7.0 * f32::exp2(draw.within(-9, 9) as f32))
        .collect();
    for (name, preset) in [
        ("mxfp4", "ocp-1.0"),
        ("mxfp8e4m3", "torchao-0.13-rceil"),
        ("nvfp4", "torchao-0.13-nvfp4"),
        ("mx(int4,e8m0fnu,16)", "ocp-1.0"),
    ] {
        let format: GroupFormat = name.parse().unwrap();
        let policy = preset.parse::<PolicyPreset>().unwrap().group_policy(&format);
        let layout = GroupLayout { before, length, behind };
        let encoder = GroupEncoder::new(format, policy).unwrap().with_seed(4);
        let outer = encoder.outer(&x, layout).unwrap();
        let mut codes = vec![0u8; x.len()];
        let mut blocks = vec![BlockScale::default(); layout.groups(&format)];
        encoder.encode(&x, layout, &outer, &mut codes, &mut blocks).unwrap();
        let mut values = vec![0.0f32; x.len()];
        fewbit::convert::GroupDecoder::new(format)
            .decode(&codes, layout, &blocks, &mut values)
            .unwrap();
        // SAFETY: handles that were made, arrays of this function.
        unsafe {
            let group = fewbit_group_new(text(name).as_ptr(), text(preset).as_ptr());
            assert!(!group.is_null(), "{}", last_error());
            let layout = FewbitGroupLayout { before, length, behind };
            let (mut scales, mut outers) = (0, 0);
            fewbit_group_scales(group, &layout, &raw mut scales, &raw mut outers);
            assert_eq!((scales, outers), (blocks.len(), outer.len()));
            let mut got = vec![0u8; x.len()];
            let (mut scale_codes, mut zeros) = (vec![0u32; scales], vec![0u32; scales]);
            let mut outer_codes = vec![0u32; outers];
            let status = fewbit_group_encode(
                group,
                4,
                x.as_ptr(),
                &layout,
                got.as_mut_ptr().cast(),
                FewbitType::U8 as u32,
                scale_codes.as_mut_ptr(),
                zeros.as_mut_ptr(),
                outer_codes.as_mut_ptr(),
                null(),
            );
            assert_eq!(status, 0, "{}", last_error());
            assert_eq!(got, codes, "{name}");
            assert!(blocks.iter().map(|b| b.code).eq(scale_codes.iter().copied()));
            assert!(outer.iter().map(|o| o.code).eq(outer_codes.iter().copied()));
            let mut back = vec![0.0f32; x.len()];
            let status = fewbit_group_decode(
                group,
                got.as_ptr().cast(),
                FewbitType::U8 as u32,
                &layout,
                scale_codes.as_ptr(),
                zeros.as_ptr(),
                outer_codes.as_ptr(),
                back.as_mut_ptr(),
                null(),
            );
            assert_eq!(status, 0, "{}", last_error());
            for (got, expected) in back.iter().zip(&values) {
                assert_eq!(got.to_bits(), expected.to_bits(), "{name}");
            }
            fewbit_group_free(group);
        }
    }
}

#[test]
fn requantization_is_the_reference_s() {
    let mut draw = Draw(10, 0);
    let int8 = format("int8");
    let scales = [0.013, 0.5, 0.0007];
    for name in ["tosa32", "tosa32-double", "gemmlowp", "tflite-single", "onnx", "exact-ties-even"]
    {
        // SAFETY: handles that were made, arrays of this function.
        unsafe {
            let job = fewbit_requantizer_of_scales(text(name).as_ptr(), int8, scales.as_ptr(), 3);
            assert!(!job.is_null(), "{}", last_error());
            fewbit_requantizer_set_zero_point(job, -3);
            let biases = [10, -20, 30];
            fewbit_requantizer_set_biases(job, biases.as_ptr(), 3);
            let values: Vec<i32> = (0..3000).map(|_| draw.within(-60_000, 60_000) as i32).collect();
            let mut results = vec![0i8; values.len()];
            let status = fewbit_requantizer_run_array(
                job,
                values.as_ptr().cast(),
                FewbitType::I32 as u32,
                values.len(),
                results.as_mut_ptr().cast(),
                FewbitType::I8 as u32,
                null(),
            );
            assert_eq!(status, 0, "{}", last_error());
            let Format::Int(out) = Format::INT8 else { unreachable!() };
            let policy: fewbit::requantize::RequantizePolicy = name.parse().unwrap();
            let per_channel = fewbit::requantize::PerChannel::Channels(scales.to_vec());
            let numbers = policy.parameters(&per_channel).unwrap();
            let reference = fewbit::requantize::Requantization::new(policy, numbers, out)
                .and_then(|job| job.with_zero_point(-3))
                .and_then(|job| {
                    job.with_bias(fewbit::requantize::PerChannel::Channels(biases.to_vec()))
                })
                .unwrap();
            for (i, &value) in values.iter().enumerate() {
                let mut one = 0;
                fewbit_requantizer_run(job, i as u64, value.into(), &raw mut one);
                let expected = reference::requantize::element(&reference, i, value.into()).unwrap();
                assert_eq!((i64::from(results[i]), one), (expected, expected), "{name} {value}");
            }
            fewbit_requantizer_free(job);
        }
    }
}
