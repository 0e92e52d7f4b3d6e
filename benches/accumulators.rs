//! Products through narrow accumulators beside the loops that a user would write, on one thread.
//!
//! Operands come as arrays; the weights are packed once, everything else counts. The loops go over the columns innermost,
//! so that compilers vectorise them, and are compiled for the running CPU.
//!
//! On an Intel Xeon of 2023 (family 6, model 207, AVX-512) they reach 8.9 (wrapping), 17.6 (saturating) and 6.7 GMAC/s
//! (saturating and counting), on w4a8; the same loops in C, by gcc 12.2 with `-O3 -march=native`, 8.5, 10.8 and 6.8, and
//! with `-mprefer-vector-width=512` too 10.0, 17.5 and 6.8.

mod support;

use std::hint::black_box;

use fewbit::{Accumulator, MatmulOptions, PackedMatrix, ReportLevel, matmul_packed};
use ndarray::Array2;
use support::{Bench, Contestant, Numbers, Unit, native, on_threads};

const M: usize = 64;
const K: usize = 4096;
const N: usize = 256;
const PRODUCTS: usize = M * K * N;

/// Operands of one case.
struct Case {
    name: &'static str,
    a: Array2<u8>,
    b: Array2<i8>,
    bits: u32,
}

fn cases() -> Vec<Case> {
    let mut numbers = Numbers::new(1);
    let mut uniform = |weight_bits: u32| {
        let a = Array2::from_shape_simple_fn((M, K), || (numbers.next() % 256) as u8);
        let half = 1i64 << (weight_bits - 1);
        let b = Array2::from_shape_simple_fn((K, N), || {
            (numbers.next() as i64 % (2 * half) - half) as i8
        });
        (a, b)
    };
    let (a4, b4) = uniform(4);
    let (a8, b8) = uniform(8);
    // Weights are about normal with the greatest of a column at the end of the range; activations are a normal cut at
    // zero, as after a rectifier.
    let mut real = |weight_bits: u32| {
        let half = f64::from(1u32 << (weight_bits - 1));
        let a = Array2::from_shape_simple_fn((M, K), || {
            (numbers.normal().max(0.0) * 64.0).min(255.0) as u8
        });
        let b = Array2::from_shape_simple_fn((K, N), || {
            (numbers.normal() * half / 3.5).round().clamp(-half, half - 1.0) as i8
        });
        (a, b)
    };
    let (ra4, rb4) = real(4);
    let (ra8, rb8) = real(8);
    // Long runs of one sign: the register sits at an end of its range, and every product overflows.
    let runs = |weight_bits: u32| {
        let top = (1i64 << (weight_bits - 1)) - 1;
        let b = Array2::from_shape_fn((K, N), |(k, n)| {
            (if (k / 1024 + n) % 2 == 0 { top } else { -top - 1 }) as i8
        });
        (Array2::from_elem((M, K), u8::MAX), b)
    };
    let (xa4, xb4) = runs(4);
    let (xa8, xb8) = runs(8);
    vec![
        Case { name: "w4a8-uniform", a: a4, b: b4, bits: 16 },
        Case { name: "w4a8-real", a: ra4, b: rb4, bits: 16 },
        Case { name: "w4a8-adversarial", a: xa4, b: xb4, bits: 16 },
        Case { name: "w8a8-uniform", a: a8, b: b8, bits: 20 },
        Case { name: "w8a8-real", a: ra8, b: rb8, bits: 20 },
        Case { name: "w8a8-adversarial", a: xa8, b: xb8, bits: 20 },
    ]
}

native! {
    /// One output after another, of every eighth row: the loop is that slow.
    fn one_at_a_time(a: &[u8], b: &[i8], low: i32, high: i32) -> i64 {
        let mut sum = 0;
        for row in a.chunks(K).step_by(8) {
            for col in 0..N {
                let mut register = 0i32;
                for (k, &x) in row.iter().enumerate() {
                    register = (register + i32::from(x) * i32::from(b[k * N + col])).clamp(low, high);
                }
                sum += i64::from(register);
            }
        }
        sum
    }

    fn wrapping_loop(a: &[u8], b: &[i8], low: i32, high: i32) -> Vec<i32> {
        let mut out = vec![0i32; M * N];
        for (row, out) in a.chunks(K).zip(out.chunks_mut(N)) {
            for (&x, b) in row.iter().zip(b.chunks(N)) {
                for (sum, &w) in out.iter_mut().zip(b) {
                    let next = sum.wrapping_add(i32::from(x) * i32::from(w));
                    *sum = (next.wrapping_sub(low) & (high - low)) + low;
                }
            }
        }
        out
    }

    fn saturating_loop(a: &[u8], b: &[i8], low: i32, high: i32) -> Vec<i32> {
        let mut out = vec![0i32; M * N];
        for (row, out) in a.chunks(K).zip(out.chunks_mut(N)) {
            for (&x, b) in row.iter().zip(b.chunks(N)) {
                for (sum, &w) in out.iter_mut().zip(b) {
                    *sum = (*sum + i32::from(x) * i32::from(w)).clamp(low, high);
                }
            }
        }
        out
    }

    /// Saturates and counts how often, per output.
    fn counting_loop(a: &[u8], b: &[i8], low: i32, high: i32) -> (Vec<i32>, Vec<i32>) {
        let (mut out, mut events) = (vec![0i32; M * N], vec![0i32; M * N]);
        for (row, (out, events)) in
            a.chunks(K).zip(out.chunks_mut(N).zip(events.chunks_mut(N)))
        {
            for (&x, b) in row.iter().zip(b.chunks(N)) {
                for ((sum, count), &w) in out.iter_mut().zip(events.iter_mut()).zip(b) {
                    let next = *sum + i32::from(x) * i32::from(w);
                    *sum = next.clamp(low, high);
                    *count += i32::from(*sum != next);
                }
            }
        }
        (out, events)
    }
}

fn main() {
    let bench = Bench::from_args();
    println!("# M={M} K={K} N={N}, one thread");
    on_threads(1, || cases().iter().for_each(|case| run(&bench, case)));
}

fn run(bench: &Bench, case: &Case) {
    use ReportLevel::{Events, Full, None};
    let Case { name, a, b, bits } = case;
    let packed = PackedMatrix::new(b.view());
    let ours = |acc: String, report: ReportLevel, name: &str| {
        let acc: Accumulator = acc.parse().unwrap_or_else(|e| panic!("{e}"));
        let options = MatmulOptions { report, ..Default::default() };
        let packed = &packed;
        Contestant::ours(name, PRODUCTS, move || {
            black_box(matmul_packed(a.view(), packed, &acc, &options)).ok();
        })
    };
    let (low, high) = (-(1i32 << (bits - 1)), (1i32 << (bits - 1)) - 1);
    let (x, w) = (a.as_slice().unwrap_or_default(), b.as_slice().unwrap_or_default());
    bench.race(
        &format!("{name}/wrap"),
        Unit::Products,
        vec![
            Contestant::peer("loop", PRODUCTS, || {
                black_box(wrapping_loop(black_box(x), w, low, high));
            }),
            ours(format!("int{bits}-wrap"), None, "none"),
            ours(format!("int{bits}-wrap"), Full, "full"),
        ],
    );
    bench.race(
        &format!("{name}/saturate"),
        Unit::Products,
        vec![
            Contestant::peer("one-at-a-time", PRODUCTS / 8, || {
                black_box(one_at_a_time(black_box(x), w, low, high));
            }),
            Contestant::peer("loop", PRODUCTS, || {
                black_box(saturating_loop(black_box(x), w, low, high));
            }),
            Contestant::peer("counting-loop", PRODUCTS, || {
                black_box(counting_loop(black_box(x), w, low, high));
            }),
            ours(format!("int{bits}-sat"), None, "none"),
            ours(format!("int{bits}-sat"), Events, "events"),
            ours(format!("int{bits}-sat"), Full, "full"),
            ours(format!("int{bits}-sat*4"), Full, "four-at-a-time/full"),
            ours(format!("int{bits}-sat/64,int24-sat"), None, "tiles-of-64/none"),
            ours(format!("int{bits}-sat/64,int24-sat"), Events, "tiles-of-64/events"),
            ours(format!("int{bits}-sat/64,int24-sat"), Full, "tiles-of-64/full"),
        ],
    );
}
