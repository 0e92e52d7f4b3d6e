//! Products through float registers against the loops that a user would write, in one run, on one thread.
//!
//! The loops go over the outputs innermost, so that compilers vectorise them, and are compiled for the running CPU. They
//! round `f32` sums, so that their half-precision result is off by a rounding now and then: they are there for their
//! speed.

mod support;

use std::hint::black_box;

use fewbit::formats::Format;
use fewbit::reference::{FloatOperand, Scales};
use fewbit::{Accumulator, FloatOptions, ReportLevel, matmul_float};
use ndarray::Array2;
use support::{Bench, Contestant, Unit, native, on_threads};

const M: usize = 32;
const K: usize = 4096;
const N: usize = 256;
const PRODUCTS: usize = M * K * N;

fn codes(rows: usize, cols: usize, seed: u32) -> Array2<u32> {
    Array2::from_shape_fn((rows, cols), |(i, j)| {
        let word = (i * cols + j) as u32 ^ seed << 20;
        let word = word.wrapping_mul(0x9e37_79b9) ^ word >> 3;
        // Magnitudes around 1, either sign.
        ((word >> 5 & 0x1f) + 0x28) | ((word >> 15 & 1) << 7)
    })
}

/// To 11 digits, where half precision is normal.
#[inline(always)]
fn half(x: f32) -> f32 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0xfff).wrapping_add(bits >> 13 & 1) & !0x1fff;
    f32::from_bits(rounded).clamp(-65504.0, 65504.0)
}

#[inline(always)]
fn e8m13(x: f32) -> f32 {
    f32::from_bits(x.to_bits() & !0x3ff)
}

/// The product, a row of outputs at a time.
#[inline(always)]
fn looped(a: &[f64], b: &[f64], round: impl Fn(f32) -> f32) -> Vec<f32> {
    let a: Vec<f32> = a.iter().map(|&x| x as f32).collect();
    let b: Vec<f32> = b.iter().map(|&x| x as f32).collect();
    let mut out = vec![0.0f32; M * N];
    for (row, out) in a.chunks(K).zip(out.chunks_mut(N)) {
        for (&x, b) in row.iter().zip(b.chunks(N)) {
            for (sum, &w) in out.iter_mut().zip(b) {
                *sum = round(*sum + x * w);
            }
        }
    }
    out
}

type Loop = fn(&[f64], &[f64]) -> Vec<f32>;

native! {
    fn half_loop(a: &[f64], b: &[f64]) -> Vec<f32> {
        looped(a, b, half)
    }

    fn e8m13_loop(a: &[f64], b: &[f64]) -> Vec<f32> {
        looped(a, b, e8m13)
    }
}

fn main() {
    let bench = Bench::from_args();
    println!("# M={M} K={K} N={N}, one thread");
    on_threads(1, || run(&bench));
}

/// Accumulators on the same operands, beside one loop.
fn race(
    bench: &Bench,
    case: &str,
    (a, b): (&FloatOperand, &FloatOperand),
    naive: (&str, Loop),
    accumulators: &[&str],
) {
    let (x, w): (Vec<f64>, Vec<f64>) =
        (a.values().iter().copied().collect(), b.values().iter().copied().collect());
    let mut contestants = vec![Contestant::peer(naive.0, PRODUCTS, || {
        black_box(naive.1(black_box(&x), &w));
    })];
    for name in accumulators {
        let acc: Accumulator = name.parse().unwrap_or_else(|e| panic!("{e}"));
        let product = move || {
            let product = matmul_float(a, b, &acc, &FloatOptions::default());
            product.unwrap_or_else(|e| panic!("{e}"))
        };
        let engine = product().engine.to_string();
        let work = move || {
            black_box(product());
        };
        contestants.push(Contestant::ours(*name, PRODUCTS, work).noted(engine));
    }
    bench.race(case, Unit::Products, contestants);
}

/// Accumulators on the same operands with a report: the same at every level that has one.
fn reported(
    bench: &Bench,
    case: &str,
    (a, b): (&FloatOperand, &FloatOperand),
    accumulators: &[&str],
) {
    let mut contestants = Vec::new();
    for name in accumulators {
        for (level, report) in [("events", ReportLevel::Events), ("full", ReportLevel::Full)] {
            let acc: Accumulator = name.parse().unwrap_or_else(|e| panic!("{e}"));
            let product = move || {
                let options = FloatOptions { report, ..Default::default() };
                matmul_float(a, b, &acc, &options).unwrap_or_else(|e| panic!("{e}"))
            };
            let engine = product().engine.to_string();
            let work = move || {
                black_box(product());
            };
            let name = format!("{name} {level}");
            contestants.push(Contestant::ours(name, PRODUCTS, work).noted(engine));
        }
    }
    bench.race(case, Unit::Products, contestants);
}

fn run(bench: &Bench) {
    let operand = |codes: Array2<u32>| {
        FloatOperand::from_codes(codes.view(), Format::E4M3FN).unwrap_or_else(|e| panic!("{e}"))
    };
    let (a, b) = (operand(codes(M, K, 1)), operand(codes(K, N, 2)));
    let specs = ["e5m10", "e5m10-rz", "bf16", "e6m9", "e5m10*4", "e5m10/64,f32", "e5m10/4,f32"];
    race(bench, "e4m3fn", (&a, &b), ("e5m10-loop", half_loop), &specs);
    let specs = [
        "e8m13-rz",
        "e8m13",
        "f32",
        "f32-rz",
        "aligned13-rz:e8m13-rz*32",
        "aligned13-rz:e8m13-rz*32/128,f32",
        "aligned25-rz:f32-rz*16",
        "preset:h100-wgmma-fp8",
        "preset:blackwell-fp8",
    ];
    race(bench, "e4m3fn", (&a, &b), ("e8m13-rz-loop", e8m13_loop), &specs);
    let specs = [
        "e5m10-rne",
        "e5m10-rz",
        "bf16",
        "f32",
        "e6m9",
        "e5m10*4",
        "e5m10/64,f32",
        "bf16/1,f32",
        "aligned13-rz:e8m13-rz*32",
        "aligned24-rz:f32-rz*8",
        "preset:h100-wgmma-fp8",
        "preset:blackwell-fp8",
    ];
    reported(bench, "report e4m3fn", (&a, &b), &specs);
    // Sums that overflow early and often.
    let large = |codes: Array2<u32>| operand(codes.mapv(|code| code + 0x28));
    let (c, d) = (large(codes(M, K, 1)), large(codes(K, N, 2)));
    reported(bench, "report overflowing", (&c, &d), &["e5m10-rne", "e5m10-rz"]);
    let halves = |rows, cols, seed| {
        let values = codes(rows, cols, seed).mapv(|code| Format::E4M3FN.decode(code) * 1.0625);
        FloatOperand::from_values(values.view(), Format::F16).unwrap_or_else(|e| panic!("{e}"))
    };
    let (x, y) = (halves(M, K, 3), halves(K, N, 4));
    let specs = ["e5m10", "f32", "preset:a100-f16", "preset:v100-f16", "preset:h100-wgmma-f16"];
    race(bench, "f16", (&x, &y), ("e5m10-loop", half_loop), &specs);
    let specs = ["e5m10", "f32", "preset:a100-f16", "preset:v100-f16"];
    reported(bench, "report f16", (&x, &y), &specs);
    let blocks = |rows: usize, cols: usize, scales: (usize, usize), format: Format, block, seed| {
        let four = codes(rows, cols, seed).mapv(|code| code & 15);
        let scale =
            |(i, j)| format.decode(format.code_count() as u32 / 2 + ((i * 7 + j * 3) % 5) as u32);
        let values = Array2::from_shape_fn(scales, scale);
        let elements = FloatOperand::from_codes(four.view(), Format::E2M1FN);
        elements.unwrap_or_else(|e| panic!("{e}")).with_scales(Scales { format, block, values })
    };
    for (name, format, block) in [
        ("preset:blackwell-nvfp4", Format::E4M3FNU, 16),
        ("preset:blackwell-mxfp4", Format::E8M0FNU, 32),
    ] {
        let a = blocks(M, K, (M, K / block), format, block, 5);
        let b = blocks(K, N, (K / block, N), format, block, 6);
        race(bench, "e2m1fn-in-blocks", (&a, &b), ("e8m13-rz-loop", e8m13_loop), &[name]);
        reported(bench, "report e2m1fn-in-blocks", (&a, &b), &[name]);
    }
    // The reference, on a small part of it.
    let (a, b) = (operand(codes(2, 256, 1)), operand(codes(256, 8, 2)));
    let acc: Accumulator = "e5m10".parse().unwrap_or_else(|e| panic!("{e}"));
    let work = || drop(black_box(fewbit::reference::matmul_float(&a, &b, &acc, None, 0)));
    bench.race("reference", Unit::Products, vec![Contestant::ours("e5m10", 2 * 256 * 8, work)]);
}
