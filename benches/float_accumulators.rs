//! Products through float registers against the loops that a user would write, in one run.
//!
//! The loops are plain Rust, the innermost over the outputs so that compilers vectorise them; build with
//! `RUSTFLAGS="-C target-cpu=native"` to give them the instructions of this machine. They round `f32` sums, so that
//! their half-precision result is off by a rounding now and then: they are there for their speed.

use std::hint::black_box;
use std::time::Instant;

use fewbit::formats::Format;
use fewbit::reference::{Operand, Scales};
use fewbit::{FloatOptions, Isa, matmul_float};
use ndarray::Array2;

const M: usize = 32;
const K: usize = 4096;
const N: usize = 256;
const ROUNDS: usize = 5;

fn codes(rows: usize, cols: usize, seed: u32) -> Array2<u32> {
    Array2::from_shape_fn((rows, cols), |(i, j)| {
        let word = (i * cols + j) as u32 ^ seed << 20;
        let word = word.wrapping_mul(0x9e37_79b9) ^ word >> 3;
        // Magnitudes around 1, either sign.
        ((word >> 5 & 0x1f) + 0x28) | ((word >> 15 & 1) << 7)
    })
}

/// The product by the loop, a row of outputs at a time.
fn looped(a: &Operand, b: &Operand, round: impl Fn(f32) -> f32) -> f32 {
    let a: Vec<f32> = a.values().iter().map(|&x| x as f32).collect();
    let b: Vec<f32> = b.values().iter().map(|&x| x as f32).collect();
    let mut out = vec![0.0f32; M * N];
    for (row, out) in a.chunks(K).zip(out.chunks_mut(N)) {
        for (&x, b) in row.iter().zip(b.chunks(N)) {
            for (sum, &w) in out.iter_mut().zip(b) {
                *sum = round(*sum + x * w);
            }
        }
    }
    black_box(&out)[7]
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

fn rate(macs: usize, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    macs as f64 / best / 1e9
}

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(run);
}

fn run() {
    let e4m3 = |codes: Array2<u32>| Operand::from_codes(codes.view(), Format::E4M3FN).unwrap();
    let (a, b) = (e4m3(codes(M, K, 1)), e4m3(codes(K, N, 2)));
    let macs = M * K * N;
    println!("e4m3fn, M={M} K={K} N={N}, one thread, {}; GMAC/s (ratio to the loop)", Isa::best());
    let loops = [
        rate(macs, || _ = black_box(looped(&a, &b, half))),
        rate(macs, || _ = black_box(looped(&a, &b, e8m13))),
    ];
    println!("  {:34} {:8.2}", "loop, e5m10", loops[0]);
    println!("  {:34} {:8.2}", "loop, e8m13 rz", loops[1]);
    let specs = [
        ("e5m10", 0),
        ("e5m10-rz", 0),
        ("bf16", 0),
        ("e8m13-rz", 1),
        ("e8m13", 1),
        ("f32", 1),
        ("f32-rz", 1),
        ("e6m9", 0),
        ("e5m10*4", 0),
        ("e5m10/64,f32", 0),
        ("e5m10/4,f32", 0),
        ("aligned13-rz:e8m13-rz*32", 1),
        ("aligned13-rz:e8m13-rz*32/128,f32", 1),
        ("aligned25-rz:f32-rz*16", 1),
        ("preset:h100-wgmma-fp8", 1),
        ("preset:blackwell-fp8", 1),
    ];
    // `cargo bench --bench float_accumulators -- aligned` runs the accumulators with that in their name.
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    let ours = |name: &str, a: &Operand, b: &Operand, share: usize, naive: f64| {
        if !name.contains(&filter) {
            return;
        }
        let acc = name.parse().unwrap();
        let mut engine = String::new();
        let mut seconds = f64::INFINITY;
        for _ in 0..ROUNDS {
            let product = matmul_float(a, b, &acc, None, &FloatOptions::default()).unwrap();
            engine = product.engine.to_string();
            seconds = seconds.min(product.seconds);
        }
        let rate = (macs / share) as f64 / seconds / 1e9;
        println!("  {name:34} {rate:8.2}  ({:.2}) {engine}", rate / naive);
    };
    for (name, naive) in specs {
        ours(name, &a, &b, 1, loops[naive]);
    }
    let halves = |rows, cols, seed| {
        let values = codes(rows, cols, seed).mapv(|code| Format::E4M3FN.decode(code) * 1.0625);
        Operand::from_values(values.view(), Format::F16).unwrap()
    };
    let (x, y) = (halves(M, K, 3), halves(K, N, 4));
    println!("f16");
    for name in ["e5m10", "f32", "preset:a100-f16", "preset:v100-f16", "preset:h100-wgmma-f16"] {
        ours(name, &x, &y, 1, loops[0]);
    }
    println!("f4 in blocks");
    let blocks = |rows: usize, cols: usize, scales: (usize, usize), format: Format, block, seed| {
        let four = codes(rows, cols, seed).mapv(|code| code & 15);
        let scale =
            |(i, j)| format.decode(format.code_count() as u32 / 2 + ((i * 7 + j * 3) % 5) as u32);
        let values = Array2::from_shape_fn(scales, scale);
        let elements = Operand::from_codes(four.view(), Format::E2M1FN).unwrap();
        elements.with_scales(Scales { format, block, values })
    };
    for (name, format, block) in [
        ("preset:blackwell-nvfp4", Format::E4M3FNU, 16),
        ("preset:blackwell-mxfp4", Format::E8M0FNU, 32),
    ] {
        let a = blocks(M, K, (M, K / block), format, block, 5);
        let b = blocks(K, N, (K / block, N), format, block, 6);
        ours(name, &a, &b, 1, loops[1]);
    }
    // The reference, on a small part of it.
    let (a, b) = (e4m3(codes(2, 256, 1)), e4m3(codes(256, 8, 2)));
    let acc = "e5m10".parse().unwrap();
    let reference = rate(2 * 256 * 8, || {
        drop(black_box(fewbit::reference::matmul_float(&a, &b, &acc, None, 0)));
    });
    println!("  {:34} {reference:8.4}", "the reference, e5m10");
}
