//! Any sequence of calls of the C functions, with handles of any kind, null pointers, names, codes and lengths as they come: nothing
//! panics, and every error has a message.
//!
//! Memory is what C cannot promise away: pointers are null or into this program's own arrays, with no more room stated than there is.
#![no_main]

use std::ffi::{CStr, CString, c_void};
use std::ptr::{null, null_mut};

use arbitrary::{Arbitrary, Result, Unstructured};
use fewbit_c::*;
use libfuzzer_sys::fuzz_target;

/// Elements of the arrays.
const ROOM: usize = 64;

const NAMES: [&str; 40] = [
    "e4m3fn",
    "e5m2",
    "e2m1fn",
    "bf16",
    "f32",
    "int8",
    "uint4",
    "ternary",
    "e8m0fnu",
    "fix8.4",
    "posit8",
    "hif8",
    "ties-even,saturate",
    "rz,special,nan=zero",
    "sr8,sat,nan=largest",
    "ocp-1.0",
    "up,wrap",
    "int16-sat",
    "int8-wrap/3,int12-sat",
    "exact",
    "int9-sat*4",
    "int10-sat%3",
    "f16",
    "bf16-sr4",
    "aligned8-rz:f32-rz*4/8,f32",
    "preset:h100-wgmma-fp8",
    "mxfp4",
    "nvfp4",
    "mxfp8e4m3",
    "mx(int4,e8m0fnu,7)",
    "torchao-0.13-nvfp4",
    "tosa32",
    "gemmlowp",
    "onnx",
    "shift-ties-up",
    "thresholds",
    "exact-ties-even",
    "sigmoid,in=int8*0.0625,out=uint8*0.00390625",
    "tanh,in=fix6.3,out=fix8.7",
    "saturate",
];

/// Objects, of whatever kind.
struct World<'a, 'b> {
    input: &'a mut Unstructured<'b>,
    handles: Vec<(usize, unsafe extern "C" fn(*mut c_void))>,
    /// What is read, and what is written.
    read: Box<[u64; ROOM]>,
    written: Box<[u64; 4 * ROOM]>,
    reports: Box<[FewbitStageReport; 4]>,
    float_reports: Box<[FewbitFloatStageReport; 4]>,
    bounds: Box<[FewbitBound; 16]>,
    foreign: Box<[u64; 4]>,
}

impl World<'_, '_> {
    fn draw<T: for<'x> Arbitrary<'x>>(&mut self) -> T {
        self.input
            .arbitrary()
            .unwrap_or_else(|_| T::arbitrary(&mut Unstructured::new(&[0; 64])).unwrap())
    }

    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        usize::from(self.draw::<u8>()) % n.max(1)
    }

    /// Any object, null, or memory that is none.
    fn handle<T>(&mut self) -> *mut T {
        match self.below(12) {
            0 => null_mut(),
            1 => self.foreign.as_mut_ptr().cast(),
            2 => self.foreign.as_mut_ptr().cast::<u8>().wrapping_add(3).cast(),
            _ if self.handles.is_empty() => null_mut(),
            _ => {
                let at = self.below(self.handles.len());
                self.handles[at].0 as *mut T
            }
        }
    }

    /// An object of the list's kind, more often than another.
    fn of<T>(&mut self, free: unsafe extern "C" fn(*mut T)) -> *mut T {
        let free: unsafe extern "C" fn(*mut c_void) = unsafe { std::mem::transmute(free) };
        let fit: Vec<usize> =
            self.handles.iter().filter(|h| h.1 as usize == free as usize).map(|h| h.0).collect();
        if fit.is_empty() || self.below(16) == 0 {
            return self.handle();
        }
        let at = self.below(fit.len());
        fit[at] as *mut T
    }

    fn keep<T>(&mut self, handle: *mut T, free: unsafe extern "C" fn(*mut T)) {
        if handle.is_null() {
            check(0x100);
        } else {
            let free = unsafe {
                std::mem::transmute::<unsafe extern "C" fn(*mut T), unsafe extern "C" fn(*mut c_void)>(
                    free,
                )
            };
            self.handles.push((handle as usize, free));
        }
    }

    fn name(&mut self) -> CString {
        let at = self.below(NAMES.len());
        let mut bytes = NAMES[at].as_bytes().to_vec();
        if self.below(8) == 0 {
            let at = self.below(bytes.len());
            bytes[at] = self.draw::<u8>().max(1);
        }
        CString::new(bytes).unwrap_or_default()
    }

    fn input<T>(&mut self) -> *const T {
        match self.below(10) {
            0 => null(),
            1 => self.read.as_ptr().cast::<u8>().wrapping_add(1).cast(),
            _ => self.read.as_ptr().cast(),
        }
    }

    fn output<T>(&mut self) -> *mut T {
        match self.below(10) {
            0 => null_mut(),
            1 => self.written.as_mut_ptr().cast::<u8>().wrapping_add(1).cast(),
            _ => self.written.as_mut_ptr().cast(),
        }
    }

    /// Room of its own, behind that of [`Self::output`].
    fn far<T>(&mut self) -> *mut T {
        let near = self.output::<T>();
        if near.is_null() { near } else { near.cast::<u8>().wrapping_add(8 * ROOM * 2).cast() }
    }

    fn length(&mut self) -> usize {
        match self.below(12) {
            0 => usize::MAX,
            1 => usize::MAX / 8,
            _ => self.below(ROOM / 2),
        }
    }

    /// A length that there is room for.
    fn fitting(&mut self) -> usize {
        self.below(ROOM / 2)
    }

    fn kind(&mut self) -> u32 {
        self.below(11) as u32
    }

    fn matrix(&mut self, written: bool) -> FewbitMatrix {
        let data = if written { self.output() } else { self.input::<c_void>().cast_mut() };
        let (rows, cols) = (self.below(6), self.below(6));
        let element = self.kind();
        let (row_stride, col_stride) = match self.below(4) {
            0 => (1, rows.max(1)),
            // Refused, unless there is but one element.
            1 => (usize::MAX / 2 + 9, usize::MAX / 2 + 9),
            _ => (cols.max(1), 1),
        };
        let huge = self.below(10) == 0;
        FewbitMatrix {
            data,
            element,
            rows: if huge { usize::MAX } else { rows },
            cols,
            row_stride,
            col_stride,
        }
    }

    fn operand(&mut self) -> FewbitOperand {
        FewbitOperand {
            codes: self.matrix(false),
            format: self.of(fewbit_format_free),
            scales: self.matrix(false),
            scale_format: if self.below(2) == 0 { null() } else { self.of(fewbit_format_free) },
            block: self.below(5),
        }
    }

    fn maybe<T>(&mut self, value: &T) -> *const T {
        if self.below(12) == 0 { null() } else { value }
    }
}

fn check(status: u32) {
    assert_ne!(status, FewbitStatus::ErrorInternal as u32, "{:?}", unsafe {
        CStr::from_ptr(fewbit_last_error())
    });
    if status & FewbitStatus::Error as u32 != 0 {
        assert!(unsafe { *fewbit_last_error() } != 0, "an error without a message");
        assert_eq!(status & 0xff, 0);
    } else {
        assert!(status < 32, "{status:#x}");
    }
}

fn text(text: *const std::ffi::c_char) {
    assert!(!text.is_null());
    let _ = unsafe { CStr::from_ptr(text) }.to_str().unwrap();
}

fn step(w: &mut World<'_, '_>) {
    let (a, b, c): (u64, u64, u64) = match w.below(3) {
        0 => (w.draw(), w.draw(), w.draw()),
        _ => (w.draw::<u8>().into(), w.draw::<u8>().into(), w.draw::<u8>().into()),
    };
    let (x, random, index) = (w.draw::<f64>(), w.draw::<u32>(), w.below(4) as u32);
    let name = w.name();
    let name = if w.below(20) == 0 { null() } else { name.as_ptr() };
    let format = w.of(fewbit_format_free);
    let other = w.of(fewbit_format_free);
    let policy = w.of(fewbit_policy_free);
    let acc = w.of(fewbit_accumulator_free);
    let machine = w.of(fewbit_machine_free);
    let array = w.of(fewbit_array_free);
    let buffer = w.of(fewbit_buffer_free);
    let second = w.of(fewbit_buffer_free);
    let third = w.of(fewbit_buffer_free);
    let group = w.of(fewbit_group_free);
    let job = w.of(fewbit_requantizer_free);
    let table = w.of(fewbit_table_free);
    let packed = w.of(fewbit_packed_free);
    let none = null::<FewbitThreads>();
    let layout = FewbitGroupLayout { before: w.below(3), length: w.below(11), behind: w.below(3) };
    let reports = w.reports.as_mut_ptr();
    unsafe {
        match w.below(70) {
            0..3 => w.keep(fewbit_format_new(name), fewbit_format_free),
            3..5 => w.keep(fewbit_policy_new(name), fewbit_policy_free),
            5..8 => w.keep(fewbit_accumulator_new(name), fewbit_accumulator_free),
            8 => w.keep(fewbit_machine_new(acc), fewbit_machine_free),
            9 => w.keep(fewbit_machine_for(acc, format, other), fewbit_machine_free),
            10 => w.keep(
                fewbit_machine_for_scaled(acc, format, other, format, other),
                fewbit_machine_free,
            ),
            11 => {
                let (rows, cols) = (w.below(6) as u32, w.below(6) as u32);
                w.keep(fewbit_array_new(acc, rows, cols), fewbit_array_free);
            }
            12 => {
                let length = if w.below(20) == 0 { u64::MAX } else { w.below(20) as u64 };
                w.keep(fewbit_buffer_new(length), fewbit_buffer_free);
            }
            13 => {
                let preset = w.name();
                w.keep(fewbit_group_new(name, preset.as_ptr()), fewbit_group_free);
            }
            14 => w.keep(
                fewbit_requantizer_new(name, format, a as i32, b as i8 as i32),
                fewbit_requantizer_free,
            ),
            15 => {
                let (scales, length) = (w.input(), w.fitting());
                w.keep(
                    fewbit_requantizer_of_scales(name, format, scales, length),
                    fewbit_requantizer_free,
                );
            }
            16 => {
                let (list, shifts, length) = (w.input(), w.input(), w.fitting());
                w.keep(
                    fewbit_requantizer_of_multipliers(name, format, list, shifts, length),
                    fewbit_requantizer_free,
                );
            }
            17 => {
                let (list, count, channels) = (w.input(), w.below(6), w.below(6));
                let made = fewbit_requantizer_of_thresholds(
                    format, list, count, channels, b as i64, c as i64,
                );
                w.keep(made, fewbit_requantizer_free);
            }
            18 => w.keep(fewbit_table_new(name), fewbit_table_free),
            19 => {
                let m = w.matrix(false);
                let m = if m.rows > 6 {
                    FewbitMatrix { row_stride: usize::MAX / 2 + 9, ..m }
                } else {
                    m
                };
                w.keep(fewbit_packed_new(&m), fewbit_packed_free);
            }
            20 => check(fewbit_encode(format, policy, x, random, w.output())),
            21 => check(fewbit_encode_f32(format, policy, x as f32, random, w.output())),
            22 => check(fewbit_encode_i64(format, policy, a as i64, random, w.output())),
            23 => check(fewbit_decode(format, a, w.output())),
            24 => check(fewbit_convert(format, a, other, policy, random, w.output())),
            25 => check(fewbit_add(format, policy, a, b, random, w.output())),
            26 => check(fewbit_sub(format, policy, a, b, random, w.output())),
            27 => check(fewbit_mul(format, policy, a, b, random, w.output())),
            28 => check(fewbit_div(format, policy, a, b, random, w.output())),
            29 => check(fewbit_sqrt(format, policy, a, random, w.output())),
            30 => check(fewbit_fma(format, policy, a, b, c, random, w.output())),
            31 => {
                let operation = w.below(13) as u32;
                check(fewbit_operate(
                    operation,
                    format,
                    a,
                    other,
                    b,
                    format,
                    c,
                    other,
                    policy,
                    random,
                    w.output(),
                ));
            }
            32 => check(fewbit_format_check(format, a)),
            33 => {
                text(fewbit_format_name(format));
                text(fewbit_accumulator_text(acc));
                text(fewbit_machine_steps(machine));
                let _ = fewbit_format_bits(format);
            }
            34 => check(fewbit_format_range(format, w.output(), w.output())),
            35 | 36 => {
                let (from, kind, length, to, code) =
                    (w.input(), w.kind(), w.length(), w.output(), w.kind());
                check(fewbit_encode_array(
                    format, policy, a, b, from, kind, length, to, code, none,
                ));
            }
            37 => {
                let (from, kind, length, to, x) =
                    (w.input(), w.kind(), w.length(), w.output(), w.kind());
                check(fewbit_decode_array(format, from, kind, length, to, x, none));
            }
            38 => {
                let (from, kind, length, to, x) =
                    (w.input(), w.kind(), w.length(), w.output(), w.kind());
                check(fewbit_convert_array(
                    format, from, kind, length, other, policy, a, b, to, x, none,
                ));
            }
            39..42 => check(fewbit_machine_push(machine, a as i64)),
            42 => check(fewbit_machine_push_codes(machine, a, b)),
            43 => check(fewbit_machine_push_scaled(machine, a, c, b, a)),
            44 => check(fewbit_machine_push_real(machine, x, a as f64)),
            45 => {
                let (list, length) = (w.input(), w.fitting());
                check(fewbit_machine_push_group(machine, list, length));
                check(fewbit_machine_push_code_group(machine, list.cast(), list.cast(), length));
            }
            46 => check(fewbit_machine_drain(machine)),
            47 => {
                check(fewbit_machine_value(machine, w.output()));
                check(fewbit_machine_real(machine, w.output()));
                check(fewbit_machine_code(machine, w.output()));
            }
            48 => {
                check(fewbit_machine_stage(machine, index, w.output()));
                check(fewbit_machine_stage_real(machine, index, w.output()));
                check(fewbit_machine_events(machine, index, w.output()));
            }
            49 => {
                check(fewbit_machine_report(machine, reports, index as usize));
                check(fewbit_machine_float_report(
                    machine,
                    w.float_reports.as_mut_ptr(),
                    index as usize,
                ));
            }
            50 => match w.below(4) {
                0 => check(fewbit_machine_reset(machine, a as i64)),
                1 => check(fewbit_machine_reset_real(machine, x)),
                2 => check(fewbit_machine_seed(machine, a, b)),
                _ => check(fewbit_machine_record(machine, index)),
            },
            51 | 52 => check(fewbit_array_push_outer(array, w.input(), w.input())),
            53 => check(fewbit_array_push_products(array, w.input())),
            54 => check(fewbit_array_push_buffers(array, buffer, second)),
            55 => {
                check(fewbit_array_values(array, w.output()));
                check(fewbit_array_all_events(array, index, w.output()));
                check(fewbit_array_value(array, a as u32, b as u32, w.output()));
                check(fewbit_array_events(array, index, b as u32, c as u32, w.output()));
            }
            56 => match w.below(3) {
                0 => check(fewbit_array_drain(array)),
                1 => check(fewbit_array_reset(array)),
                _ => check(fewbit_array_reset_to(array, w.input())),
            },
            57 => {
                check(fewbit_buffer_set(buffer, a, b as i64));
                check(fewbit_buffer_get(buffer, c, w.output()));
                let _ = fewbit_buffer_length(buffer);
            }
            58 => {
                check(fewbit_dot_buffers(acc, buffer, second, w.output(), w.output()));
                check(fewbit_matmul_buffers(acc, buffer, second, third, a, b, c));
            }
            59 | 60 => {
                let (m, n, init, out) =
                    (w.matrix(false), w.matrix(false), w.matrix(false), w.matrix(true));
                let init = if w.below(2) == 0 { null() } else { &raw const init };
                let (left, right, room) = (w.maybe(&m), w.maybe(&n), w.maybe(&out));
                let room_for_reports = if w.below(8) == 0 { null_mut() } else { reports };
                let level = index;
                if m.rows > 6 || n.rows > 6 || out.rows > 6 {
                    // Refused for its size, before anything is read.
                    let m = FewbitMatrix { rows: usize::MAX, cols: 2, row_stride: 8, ..m };
                    check(fewbit_matmul(acc, &m, right, init, room, level, room_for_reports, none));
                } else if w.below(2) == 0 {
                    check(fewbit_matmul(
                        acc,
                        left,
                        right,
                        init,
                        room,
                        level,
                        room_for_reports,
                        none,
                    ));
                } else {
                    check(fewbit_matmul_packed(
                        acc,
                        left,
                        packed,
                        init,
                        room,
                        level,
                        room_for_reports,
                        none,
                    ));
                }
                if m.rows <= 6 && n.rows <= 6 {
                    text(fewbit_explain(acc, left, right, w.below(7), w.below(7), a, b));
                }
            }
            61 => {
                let (m, n, out) = (w.operand(), w.operand(), w.matrix(true));
                if [&m.codes, &m.scales, &n.codes, &n.scales, &out].iter().all(|m| m.rows <= 6) {
                    let reports = w.float_reports.as_mut_ptr();
                    check(fewbit_matmul_float(acc, &m, &n, null(), a, &out, index, reports, none));
                    text(fewbit_explain_float(acc, &m, &n, a, w.below(7), w.below(7), 0, b));
                }
            }
            62 => {
                let (kind, other, length) = (w.kind(), w.kind(), w.fitting());
                check(fewbit_dot(
                    acc,
                    w.input(),
                    kind,
                    w.input(),
                    other,
                    length,
                    w.output(),
                    index,
                    reports,
                ));
            }
            63 => {
                let mut small = || w.below(3);
                let conv = FewbitConv2d {
                    images: small(),
                    channels: small(),
                    height: small() + 1,
                    width: small() + 1,
                    outputs: small(),
                    kernel_height: small(),
                    kernel_width: small(),
                    stride: [small(), small()],
                    padding_before: [small(), small()],
                    padding_after: [small(), small()],
                    dilation: [small(), small()],
                    groups: small(),
                    padding_code: a as i64,
                };
                check(fewbit_conv2d_output(&conv, w.output(), w.output()));
                let (kind, other, length) = (w.kind(), w.kind(), w.below(200));
                let (input, weights, out) = (w.input(), w.input(), w.output());
                let status = fewbit_conv2d(
                    acc,
                    &conv,
                    input,
                    kind,
                    weights,
                    other,
                    null(),
                    out,
                    length,
                    index,
                    reports,
                    none,
                );
                check(status);
            }
            64 => {
                let (list, scales, codes, kind) =
                    (w.input(), w.output::<u32>(), w.far::<c_void>(), w.kind());
                check(fewbit_group_scales(group, &layout, w.output(), w.output()));
                // Scales above scales are few: they lie between the scales and the codes.
                let outer = if w.below(2) == 0 || scales.is_null() {
                    null_mut()
                } else {
                    scales.cast::<u8>().wrapping_add(8 * ROOM).cast()
                };
                check(fewbit_group_encode(
                    group,
                    a,
                    list,
                    &layout,
                    codes,
                    kind,
                    scales,
                    null_mut(),
                    outer,
                    none,
                ));
                let outer = w.input();
                check(fewbit_group_decode(
                    group,
                    w.input(),
                    kind,
                    &layout,
                    w.input(),
                    null(),
                    outer,
                    w.output(),
                    none,
                ));
                let _ = fewbit_group_size(group);
            }
            65 => {
                check(fewbit_requantizer_run(job, a, b as i64, w.output()));
                let (kind, other, length) = (w.kind(), w.kind(), w.length());
                check(fewbit_requantizer_run_array(
                    job,
                    w.input(),
                    kind,
                    length,
                    w.output(),
                    other,
                    none,
                ));
            }
            66 => match w.below(5) {
                0 => check(fewbit_requantizer_set_zero_point(job, a as i64)),
                1 => check(fewbit_requantizer_set_bias(job, a as i64)),
                2 => check(fewbit_requantizer_set_biases(job, w.input(), w.fitting())),
                3 => check(fewbit_requantizer_set_overflow(job, name)),
                _ => check(fewbit_requantizer_set_seed(job, a)),
            },
            67 => {
                check(fewbit_table_run(table, a, w.output()));
                check(fewbit_table_run_array(table, w.input(), w.fitting(), w.output()));
                let _ = fewbit_table_length(table);
            }
            68 => {
                let m = w.matrix(false);
                if m.rows <= 6 {
                    let room = w.bounds.as_mut_ptr();
                    check(fewbit_bounds(acc, &m, a as i64, b as i64, room, w.below(16)));
                    check(fewbit_witness(
                        &m,
                        a as i64,
                        b as i64,
                        w.below(7),
                        index,
                        w.output(),
                        w.below(7),
                    ));
                }
            }
            _ => {
                if !w.handles.is_empty() {
                    let at = w.below(w.handles.len());
                    let (handle, free) = w.handles.swap_remove(at);
                    free(handle as *mut c_void);
                }
                fewbit_machine_free(w.foreign.as_mut_ptr().cast());
            }
        }
    }
}

fn run(data: &[u8]) -> Result<()> {
    let mut input = Unstructured::new(data);
    let mut w = World {
        input: &mut input,
        handles: Vec::new(),
        read: Box::new([0; ROOM]),
        written: Box::new([0; 4 * ROOM]),
        reports: Box::new(unsafe { std::mem::zeroed() }),
        float_reports: Box::new(Default::default()),
        bounds: Box::new(Default::default()),
        foreign: Box::new([0x1234; 4]),
    };
    for word in w.read.iter_mut() {
        *word = w.input.arbitrary()?;
        if w.input.len() < data.len() / 2 {
            break;
        }
    }
    for _ in 0..64 {
        if w.input.is_empty() {
            break;
        }
        step(&mut w);
    }
    for (handle, free) in std::mem::take(&mut w.handles) {
        unsafe { free(handle as *mut c_void) };
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let _ = run(data);
});
