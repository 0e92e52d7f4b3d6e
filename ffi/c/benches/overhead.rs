//! What a call through C costs: the same work through the functions of libfewbit and through the Rust functions below them, on one
//! thread.
//!
//! The C functions are called through pointers that the compiler cannot see behind, as a program that is linked with the library
//! calls them.

#![allow(unsafe_code, reason = "calls of C functions, with this file's own arrays")]

#[path = "../../../benches/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::ptr::null;

use fewbit::convert::Encoder;
use fewbit::formats::{Format, Overflow, Policy, Rounding};
use fewbit::{Accumulator, MatmulOptions, PackedMatrix, matmul_into};
use fewbit_c::*;
use ndarray::{Array2, ArrayView2};
use support::{Bench, Contestant, Numbers, Unit, on_threads};

/// Calls of a single function.
const CALLS: usize = 1 << 16;
/// Rows, columns and depth of a product.
const N: usize = 256;
/// Rows and columns of an array of machines, and its steps.
const TILE: usize = 16;
const CYCLES: usize = 1 << 10;

fn main() {
    let bench = Bench::from_args();
    println!(
        "# one thread; {CALLS} calls, products {N}x{N}x{N}, arrays {TILE}x{TILE} of {CYCLES} steps"
    );
    on_threads(1, || run(&bench));
}

fn run(bench: &Bench) {
    encode(bench);
    push(bench);
    array(bench);
    product(bench);
    many(bench);
}

const NEAREST: Policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);

fn format(name: &std::ffi::CStr) -> usize {
    // As a number, which may go to the thread that runs the race.
    // SAFETY: the name ends with a zero.
    unsafe { fewbit_format_new(name.as_ptr()) as usize }
}

fn policy() -> usize {
    // SAFETY: the text ends with a zero.
    unsafe { fewbit_policy_new(c"ties-even,saturate".as_ptr()) as usize }
}

fn accumulator(text: &std::ffi::CStr) -> *mut FewbitAccumulator {
    // SAFETY: the text ends with a zero.
    unsafe { fewbit_accumulator_new(text.as_ptr()) }
}

fn encode(bench: &Bench) {
    let mut numbers = Numbers::new(1);
    let x: Vec<f64> =
        (0..CALLS).map(|_| ((numbers.next() % 100_000) as f64 - 50_000.0) / 37.0).collect();
    let (e4m3, nearest) = (format(c"e4m3fn"), policy());
    let call = black_box(
        fewbit_encode
            as unsafe extern "C" fn(
                *const FewbitFormat,
                *const FewbitPolicy,
                f64,
                u32,
                *mut u64,
            ) -> u32,
    );
    let values = &x;
    let rust = Contestant::peer("rust", CALLS, move || {
        for &x in values {
            let format = black_box(Format::E4M3FN);
            black_box(format.encode(x, black_box(&NEAREST), 0).map(|e| e.code).unwrap_or(0));
        }
    });
    let c = Contestant::ours("c", CALLS, move || {
        let mut code = 0;
        for &x in values {
            // SAFETY: handles that were made above, a number of this function.
            unsafe {
                call(
                    e4m3 as *const FewbitFormat,
                    nearest as *const FewbitPolicy,
                    x,
                    0,
                    &raw mut code,
                )
            };
            black_box(code);
        }
    });
    bench.race("ffi/encode", Unit::Elements, vec![rust, c]);
}

fn push(bench: &Bench) {
    let mut numbers = Numbers::new(2);
    let products: Vec<i64> =
        (0..CALLS).map(|_| (numbers.next() % 65_536) as i64 - 32_768).collect();
    let products = &products;
    let acc: Accumulator = "int16-sat".parse().unwrap_or_else(|e| panic!("{e}"));
    let mut machine = acc.machine().unwrap_or_else(|e| panic!("{e}"));
    let rust = Contestant::peer("rust", CALLS, move || {
        for &product in products {
            black_box(machine.push_product(product)[0].event);
        }
    });
    // SAFETY: an accumulator that was made.
    let handle = unsafe { fewbit_machine_new(accumulator(c"int16-sat")) } as usize;
    let call =
        black_box(fewbit_machine_push as unsafe extern "C" fn(*mut FewbitMachine, i64) -> u32);
    let c = Contestant::ours("c", CALLS, move || {
        for &product in products {
            // SAFETY: a machine that was made, and that nobody else uses.
            black_box(unsafe { call(handle as *mut FewbitMachine, product) });
        }
    });
    bench.race("ffi/push", Unit::Products, vec![rust, c]);
}

fn array(bench: &Bench) {
    let mut numbers = Numbers::new(3);
    let factors: Vec<[i32; TILE]> = (0..2 * CYCLES)
        .map(|_| std::array::from_fn(|_| (numbers.next() % 256) as i32 - 128))
        .collect();
    let factors = &factors;
    let acc: Accumulator = "int16-sat".parse().unwrap_or_else(|e| panic!("{e}"));
    let mut tile = acc.machine_array(TILE, TILE).unwrap_or_else(|e| panic!("{e}"));
    let amount = CYCLES * TILE * TILE;
    let rust = Contestant::peer("rust", amount, move || {
        for pair in factors.chunks(2) {
            tile.push_outer(&pair[0], &pair[1]).unwrap_or_else(|e| panic!("{e}"));
        }
    });
    let size = TILE as u32;
    // SAFETY: an accumulator that was made.
    let handle = unsafe { fewbit_array_new(accumulator(c"int16-sat"), size, size) } as usize;
    let call = black_box(
        fewbit_array_push_outer
            as unsafe extern "C" fn(*mut FewbitArray, *const i32, *const i32) -> u32,
    );
    let c = Contestant::ours("c", amount, move || {
        for pair in factors.chunks(2) {
            // SAFETY: an array that was made, and as many factors as it takes.
            black_box(unsafe {
                call(handle as *mut FewbitArray, pair[0].as_ptr(), pair[1].as_ptr())
            });
        }
    });
    bench.race("ffi/array", Unit::Products, vec![rust, c]);
}

type Multiply = unsafe extern "C" fn(
    *const FewbitAccumulator,
    *const FewbitMatrix,
    *const FewbitPacked,
    *const FewbitMatrix,
    *const FewbitMatrix,
    u32,
    *mut FewbitStageReport,
    *const FewbitThreads,
) -> u32;

type EncodeMany = unsafe extern "C" fn(
    *const FewbitFormat,
    *const FewbitPolicy,
    u64,
    u64,
    *const std::ffi::c_void,
    u32,
    usize,
    *mut std::ffi::c_void,
    u32,
    *const FewbitThreads,
) -> u32;

fn product(bench: &Bench) {
    let mut numbers = Numbers::new(4);
    let mut bytes =
        || -> Vec<i8> { (0..N * N).map(|_| (numbers.next() % 256) as u8 as i8).collect() };
    let (a, b) = (bytes(), bytes());
    let acc: Accumulator = "int16-sat/64,int24-sat".parse().unwrap_or_else(|e| panic!("{e}"));
    let view = |x| ArrayView2::from_shape((N, N), x).unwrap_or_else(|e| panic!("{e}"));
    let packed = PackedMatrix::new(view(&b));
    let mut out = Array2::<i32>::zeros((N, N));
    let rows = &a;
    let rust = Contestant::peer("rust", N * N * N, move || {
        let options = MatmulOptions::default();
        let a = ArrayView2::from_shape((N, N), rows).unwrap_or_else(|e| panic!("{e}"));
        let done = matmul_into(a, &packed, &acc, &options, out.view_mut());
        black_box(done.unwrap_or_else(|e| panic!("{e}")));
    });
    let mut out = vec![0i32; N * N];
    // SAFETY: the matrix that was just made.
    let packed = unsafe { fewbit_packed_new(&matrix(b.as_ptr().cast(), FewbitType::I8)) } as usize;
    let acc = accumulator(c"int16-sat/64,int24-sat") as usize;
    let call = black_box(fewbit_matmul_packed as Multiply);
    let c = Contestant::ours("c", N * N * N, move || {
        let a = matrix(rows.as_ptr().cast(), FewbitType::I8);
        let out = matrix(out.as_mut_ptr().cast_const().cast(), FewbitType::I32);
        // SAFETY: handles that were made, matrices of this function.
        black_box(unsafe {
            call(
                acc as *const FewbitAccumulator,
                &raw const a,
                packed as *const FewbitPacked,
                null(),
                &raw const out,
                0,
                std::ptr::null_mut(),
                null(),
            )
        });
    });
    bench.race("ffi/matmul", Unit::Products, vec![rust, c]);
}

fn many(bench: &Bench) {
    const LENGTH: usize = 1 << 20;
    let mut numbers = Numbers::new(5);
    let x: Vec<f32> = (0..LENGTH).map(|_| (numbers.next() % 100_000) as f32 / 37.0).collect();
    let values = &x;
    let mut codes = vec![0u8; LENGTH];
    let encoder = Encoder::new(Format::E4M3FN, NEAREST);
    let rust = Contestant::peer("rust", LENGTH, move || {
        encoder.encode(values, &mut codes).unwrap_or_else(|e| panic!("{e}"));
    });
    let mut codes = vec![0u8; LENGTH];
    let (e4m3, nearest) = (format(c"e4m3fn"), policy());
    let call = black_box(fewbit_encode_array as EncodeMany);
    let c = Contestant::ours("c", LENGTH, move || {
        // SAFETY: handles that were made, arrays of this function.
        black_box(unsafe {
            call(
                e4m3 as *const FewbitFormat,
                nearest as *const FewbitPolicy,
                0,
                0,
                values.as_ptr().cast(),
                FewbitType::F32 as u32,
                LENGTH,
                codes.as_mut_ptr().cast(),
                FewbitType::U8 as u32,
                null(),
            )
        });
    });
    bench.race("ffi/encode-array", Unit::Elements, vec![rust, c]);
}

fn matrix(data: *const std::ffi::c_void, element: FewbitType) -> FewbitMatrix {
    FewbitMatrix {
        data: data.cast_mut(),
        element: element as u32,
        rows: N,
        cols: N,
        row_stride: N,
        col_stride: 1,
    }
}
