//! The fast products through float registers equal the reference, bit for bit, on every instruction set.

mod edges;
mod reports;

use fewbit::reference::{self, FloatOperand, Scales};
use fewbit::{Accumulator, FloatEngine, FloatOptions, Isa, ReportLevel, matmul_float};
use fewbit_formats::Format;
use ndarray::{Array2, ArrayView2};
use proptest::prelude::*;
use proptest::sample::select;

/// Values as bits; a NaN is a NaN.
fn bits(values: &Array2<f64>) -> Vec<u64> {
    values.iter().map(|x| if x.is_nan() { f64::NAN } else { *x }.to_bits()).collect()
}

/// Compares all instruction sets with the reference; what computed the product.
fn check(
    a: &FloatOperand,
    b: &FloatOperand,
    acc: &str,
    init: Option<ArrayView2<'_, f64>>,
) -> FloatEngine {
    let acc: Accumulator = acc.parse().unwrap();
    let expected = reference::matmul_float(a, b, &acc, init, 3);
    let mut engine = FloatEngine::Reference;
    for isa in Isa::available() {
        let report = ReportLevel::Full;
        let options = FloatOptions { isa: Some(isa), seed: 3, init, report };
        match (&expected, matmul_float(a, b, &acc, &options)) {
            (Ok(expected), Ok(found)) => {
                let names = (a.format(), b.format(), found.engine);
                assert_eq!(found.report.as_ref(), Some(&expected.report), "{acc} {isa} {names:?}");
                assert_eq!(bits(&found.values), bits(&expected.values), "{acc} {isa} {names:?}");
                assert_eq!(found.rounded, expected.rounded);
            }
            (Err(expected), Err(found)) => assert_eq!(expected.to_string(), found.to_string()),
            (expected, found) => panic!("{acc} {isa}: {found:?} instead of {expected:?}"),
        }
        let options = FloatOptions { isa: Some(isa), seed: 3, init, ..Default::default() };
        match (&expected, matmul_float(a, b, &acc, &options)) {
            (Ok(expected), Ok(found)) => {
                let (found_bits, bits) = (bits(&found.values), bits(&expected.values));
                for (index, (f, e)) in found_bits.iter().zip(&bits).enumerate() {
                    let values = (f64::from_bits(*f), f64::from_bits(*e));
                    assert_eq!(
                        f,
                        e,
                        "{acc} {isa} output {index}: {values:?} {} {}",
                        a.format(),
                        b.format()
                    );
                }
                assert_eq!(found.rounded, expected.rounded);
                engine = found.engine;
            }
            (Err(_), Err(_)) => {}
            (expected, found) => panic!("{acc} {isa}: {found:?} instead of {expected:?}"),
        }
    }
    engine
}

fn operand(format: &str, shape: (usize, usize), codes: &[u32]) -> FloatOperand {
    let format: Format = format.parse().unwrap();
    let mask = (format.code_count() - 1) as u32;
    let code = |index: usize| {
        let code = codes[index % codes.len()].rotate_left(index as u32 / codes.len() as u32) & mask;
        // Not every format has NaN, and not every code stands for something.
        if FloatOperand::from_codes(Array2::from_elem((1, 1), code).view(), format).is_ok() {
            code
        } else {
            0
        }
    };
    let codes = (0..shape.0 * shape.1).map(code).collect();
    FloatOperand::from_codes(Array2::from_shape_vec(shape, codes).unwrap().view(), format).unwrap()
}

const ELEMENTS: [&str; 14] = [
    "e4m3fn",
    "e5m2",
    "e4m3fnuz",
    "e2m1fn",
    "e3m2fn",
    "f16",
    "bf16",
    "tf32",
    "f32",
    "int8",
    "uint4",
    "e3m4",
    "e5m3b20fn",
    "ternary",
];

const FLOATS: [&str; 14] = [
    "f16", "bf16", "e8m13", "f32", "e8m22", "e8m21", "e8m1", "e6m9", "e5m2", "e4m3", "e3m11",
    "e11m20", "e4m3fn", "e8m10",
];

/// Codes around a middle exponent with few others, so that sums cancel and end on ties; or any.
fn any_codes(format: &'static str) -> impl Strategy<Value = Vec<u32>> {
    let bits = format.parse::<Format>().unwrap().bits();
    let fraction = match format.parse::<Format>().unwrap() {
        Format::Float(float) => float.fraction_bits(),
        _ => bits - 1,
    };
    let top = 1u32 << (bits - 1);
    let middle = top / 2;
    let spread = (6 << fraction).min(middle);
    let code = prop_oneof![
        6 => middle - spread..middle + spread,
        // Few digits: powers of two and their neighbours.
        4 => (0..top >> fraction.min(bits - 2), 0u32..3).prop_map(move |(field, low)| (field << fraction.min(bits - 2)) + low),
        1 => 0..top,
        1 => Just(0),
    ];
    prop::collection::vec(
        (code, any::<bool>())
            .prop_map(move |(code, sign)| (code % top) | if sign { top } else { 0 }),
        1..200,
    )
}

fn any_stage() -> impl Strategy<Value = String> {
    let float = (select(&FLOATS), select(vec!["rne", "rz", "rne", "rz", "rd", "ro"]))
        .prop_map(|(format, rounding)| format!("{format}-{rounding}"));
    let aligned = (
        select(vec![0u32, 3, 7, 10, 13, 20, 24, 25, 30, 40]),
        select(vec!["rz", "rz", "rz", "rd"]),
        select(&FLOATS),
        select(vec!["rne", "rz", "rz", "ru"]),
    )
        .prop_map(|(bits, cut, format, rounding)| {
            format!("aligned{bits}-{cut}:{format}-{rounding}")
        });
    let width =
        prop_oneof![4 => Just(String::new()), 3 => (1u32..40).prop_map(|w| format!("*{w}"))];
    let turns = prop_oneof![19 => Just(""), 1 => Just("%3")];
    (prop_oneof![5 => float, 5 => aligned, 1 => Just("exact".to_owned())], width, turns)
        .prop_map(|(register, width, turns)| register + &width + turns)
}

fn any_acc() -> impl Strategy<Value = String> {
    let inner = (any_stage(), 1u32..50).prop_map(|(stage, count)| format!("{stage}/{count},"));
    (prop::collection::vec(inner, 0..=2), any_stage())
        .prop_map(|(inner, last)| inner.concat() + &last)
}

/// Shapes of less and of more than a panel, on both sides.
fn any_shape() -> impl Strategy<Value = (usize, usize, usize)> {
    let k = prop_oneof![1 => Just(0usize), 4 => 1usize..80];
    prop_oneof![3 => (1usize..6, k.clone(), 1usize..6), 1 => (1usize..3, k.clone(), 60usize..70), 1 => (30usize..70, k, 1usize..3)]
}

type Operands = (&'static str, Vec<u32>);

fn any_operand() -> impl Strategy<Value = Operands> {
    select(&ELEMENTS)
        .prop_flat_map(|format| any_codes(format).prop_map(move |codes| (format, codes)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn any_product_equals_the_reference(
        (format_a, codes_a) in any_operand(),
        (format_b, codes_b) in any_operand(),
        acc in any_acc(),
        (m, k, n) in any_shape(),
        start in prop::option::of((any_operand(), -20i32..20)),
    ) {
        let (a, b) = (operand(format_a, (m, k), &codes_a), operand(format_b, (k, n), &codes_b));
        let init = start.map(|((format, codes), scale)| {
            operand(format, (m, n), &codes).values().mapv(|x| x * 2f64.powi(scale))
        });
        check(&a, &b, &acc, init.as_ref().map(|init| init.view()));
    }

    /// Registers of one product per step, with the operands that they are made for.
    #[test]
    fn plain_registers(
        (format_a, codes_a) in any_operand(),
        (format_b, codes_b) in any_operand(),
        register in select(vec!["f16", "f16-rz", "bf16", "bf16-rz", "e8m13", "e8m13-rz", "f32", "f32-rz"]),
        (m, k, n) in any_shape(),
    ) {
        let (a, b) = (operand(format_a, (m, k), &codes_a), operand(format_b, (k, n), &codes_b));
        prop_assert_eq!(check(&a, &b, register, None), FloatEngine::Lanes);
    }
}

/// Formats of elements and scales, the length of a block, codes of both.
type Blocks = (&'static str, &'static str, usize, Vec<u32>, Vec<u32>);

/// Elements, codes of scales around 1 or anywhere.
fn any_blocks() -> impl Strategy<Value = Blocks> {
    let elements = select(vec!["e2m1fn", "e2m3fn", "e3m2fn", "e4m3fn", "e5m2", "int8"]);
    let scale = select(vec!["e8m0fnu", "e4m3fnu"]);
    (elements, scale, select(vec![1usize, 5, 16, 32]), any::<bool>()).prop_flat_map(
        |(element, scale, block, wide)| {
            let top = scale.parse::<Format>().unwrap().code_count() as u32;
            let scales = if wide { 0..top } else { top / 2 - 6..top / 2 + 6 };
            (any_codes(element), prop::collection::vec(scales, 1..40))
                .prop_map(move |(codes, scales)| (element, scale, block, codes, scales))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Block dots with exact element sums, and any register between or within blocks.
    #[test]
    fn scaled_blocks(
        a in any_blocks(),
        b in any_blocks(),
        acc in select(vec![
            "exact/32,f32", "exact/16,f32", "exact/32,bf16", "f32*32", "f32*16", "exact/16,e5m10/4,f32", "f32", "f16",
            "e8m13-rz", "aligned13-rz:e8m13-rz*32", "aligned25-rz:f32-rz*32", "exact/32,f32-rz/2,f32", "exact/5,f32", "e6m9*5/20,f32",
        ]),
        (m, k, n) in any_shape(),
    ) {
        let build = |(element, scale, block, codes, scales): &Blocks, shape: (usize, usize), turned: bool| {
            let blocks = k.div_ceil(*block);
            let dims = if turned { (blocks, shape.1) } else { (shape.0, blocks) };
            let codes_of_scales = Array2::from_shape_fn(dims, |(i, j)| scales[(i * dims.1 + j) % scales.len()]);
            let scales = Scales::from_codes(codes_of_scales.view(), scale.parse().unwrap(), *block).unwrap();
            operand(element, shape, codes).with_scales(scales)
        };
        check(&build(&a, (m, k), false), &build(&b, (k, n), true), acc, None);
    }
}

#[test]
fn block_products_run_in_lanes() {
    for (elements, scale, block) in
        [("e4m3fn", "e8m0fnu", 32), ("e2m1fn", "e4m3fnu", 16), ("e2m1fn", "e8m0fnu", 32)]
    {
        let codes: Vec<u32> = (0..500u32).map(|i| i.wrapping_mul(2654435761) >> 8 & 0x7d).collect();
        let build = |shape, dims| {
            let top = scale.parse::<Format>().unwrap().code_count() as u32 / 2;
            let codes_of_scales =
                Array2::from_shape_fn(dims, |(i, j)| top - 30 + (i * 7 + j * 13) as u32 % 50);
            let scales =
                Scales::from_codes(codes_of_scales.view(), scale.parse().unwrap(), block).unwrap();
            operand(elements, shape, &codes).with_scales(scales)
        };
        let (a, b) = (build((3, 96), (3, 96 / block)), build((96, 5), (96 / block, 5)));
        for acc in
            [format!("exact/{block},f32"), format!("exact/{block},e5m10/2,f32"), "bf16".into()]
        {
            assert_eq!(check(&a, &b, &acc, None), FloatEngine::Lanes, "{acc} {elements}");
        }
    }
}

/// Sums of two: every register value beside every product of two FP8 formats, near ties and away from them.
#[test]
fn every_half_beside_products_of_fp8() {
    for (format, other) in [("e4m3fn", "e4m3fn"), ("e5m2", "e5m2"), ("e4m3fn", "e5m2")] {
        let all = |format: &str| {
            let format: Format = format.parse().unwrap();
            let codes =
                (0..128).filter(|&code| format.decode(code).is_finite()).collect::<Vec<u32>>();
            let n = codes.len();
            (format, Array2::from_shape_vec((1, n), codes).unwrap())
        };
        let ((format_a, left), (format_b, right)) = (all(format), all(other));
        let a = FloatOperand::from_codes(left.t(), format_a).unwrap();
        // Ascending magnitudes: k = 0 alone, so that outputs are init + product.
        let b = FloatOperand::from_codes(right.view(), format_b).unwrap();
        let (m, n) = (a.values().nrows(), b.values().ncols());
        for register in ["f16", "bf16", "e8m13-rz", "f16-rz", "bf16-rz", "e8m13"] {
            let acc: Accumulator = register.parse().unwrap();
            let register: Format = register.split('-').next().unwrap().parse().unwrap();
            let mut state = 1u64;
            for round in 0..40 {
                let init = Array2::from_shape_fn((m, n), |(row, col)| {
                    state =
                        state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    let code = (state >> 40) as u32 % register.code_count() as u32;
                    let x = register.decode(code);
                    // Half of them of the product's size or a little larger.
                    let product = a.values()[[row, 0]] * b.values()[[0, col]];
                    let near = product.abs() * 2f64.powi((state >> 60) as i32 - 2);
                    if round % 2 == 0 || product == 0.0 || near < 1e-4 {
                        if x.is_finite() { x } else { 0.0 }
                    } else {
                        let sign = if x < 0.0 { -1.0 } else { 1.0 };
                        let policy = fewbit_formats::Policy::new(
                            fewbit_formats::Rounding::TiesEven,
                            fewbit_formats::Overflow::Saturate,
                        );
                        let jitter = 1.0 + f64::from(code % 64) / 64.0;
                        register
                            .decode(register.encode(sign * near * jitter, &policy, 0).unwrap().code)
                    }
                });
                let options = FloatOptions { init: Some(init.view()), ..Default::default() };
                let found = matmul_float(&a, &b, &acc, &options).unwrap();
                assert_eq!(found.engine, FloatEngine::Lanes);
                let expected = reference_sums(&a, &b, &init, &acc);
                assert_eq!(bits(&found.values), bits(&expected), "{acc} {format} {other}");
            }
        }
    }
}

/// `round(init + a b)` through formats alone: 43 to 50 digits are exact in f64, or their rest is far below.
fn reference_sums(
    a: &FloatOperand,
    b: &FloatOperand,
    init: &Array2<f64>,
    acc: &Accumulator,
) -> Array2<f64> {
    reference::matmul_float(a, b, acc, Some(init.view()), 0).unwrap().values
}

#[test]
fn presets_run_in_lanes() {
    for row in fewbit::accumulate::Datapath::table() {
        let formats: Vec<String> = row.operands.iter().map(Format::to_string).collect();
        let k = 2 * row.width as usize + 3;
        for (index, format) in formats.iter().enumerate() {
            let codes = |seed: u32| {
                (0..97u32)
                    .map(|i| i.wrapping_mul(2654435761).wrapping_add(seed) >> 7)
                    .collect::<Vec<_>>()
            };
            let other = &formats[(index + 1) % formats.len()];
            let mut a = operand(format, (5, k), &codes(1));
            let mut b = operand(other, (k, 37), &codes(99));
            if let Some(scales) = row.scales {
                let blocks = k.div_ceil(scales.block as usize);
                let top = scales.format.code_count() as u32 - 1;
                let scale = |shape, seed: u32| Scales {
                    format: scales.format,
                    block: scales.block as usize,
                    values: Array2::from_shape_fn(shape, |(i, j)| {
                        scales
                            .format
                            .decode((i as u32 * 31 + j as u32 * 17 + seed) % 24 + top / 2 - 12)
                    }),
                };
                a = a.with_scales(scale((5, blocks), 1));
                b = b.with_scales(scale((blocks, 37), 5));
            }
            let engine = check(&a, &b, &format!("preset:{}", row.name), None);
            let reference = row.name.starts_with("cdna") || row.name == "x86-vdpbf16ps";
            let expected = if reference { FloatEngine::Reference } else { FloatEngine::Lanes };
            assert_eq!(engine, expected, "{} {format} {other}", row.name);
        }
    }
}

#[test]
fn any_number_of_threads_and_any_report() {
    let codes: Vec<u32> = (0..1000u32).map(|i| i.wrapping_mul(2654435761) >> 9).collect();
    let (a, b) = (operand("e4m3fn", (37, 50), &codes), operand("e5m2", (50, 90), &codes));
    let acc = "e5m10/16,e8m13-rz".parse().unwrap();
    let run = |threads, report| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let options = FloatOptions { report, ..Default::default() };
        pool.install(|| matmul_float(&a, &b, &acc, &options)).unwrap()
    };
    let expected = reference::matmul_float(&a, &b, &acc, None, 0).unwrap();
    for threads in [1, 2, 5] {
        let values = run(threads, ReportLevel::None);
        assert_eq!((values.engine, values.report), (FloatEngine::Lanes, None));
        assert_eq!(bits(&values.values), bits(&expected.values));
        let full = run(threads, ReportLevel::Full);
        assert_eq!((full.engine, full.report), (FloatEngine::Lanes, Some(expected.report.clone())));
        assert_eq!(bits(&full.values), bits(&expected.values));
    }
}

#[test]
fn bad_input_is_named() {
    let (a, b) = (operand("e4m3fn", (2, 3), &[1]), operand("e4m3fn", (4, 5), &[1]));
    let run = |acc: &str| {
        matmul_float(&a, &b, &acc.parse().unwrap(), &FloatOptions::default())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(run("f16"), "A is 2x3 and B is 4x5: the columns of A must equal the rows of B");
    assert!(run("preset:a100-f16").contains("2x3"));
}
