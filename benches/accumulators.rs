//! Products through narrow accumulators beside the loops that a user would write, on one thread.
//!
//! Every contestant runs in turn, again and again; a line gives the median rate in 10^9 products per second (GMAC/s) and
//! its ratio to the vectorised loop of the same case. Operands come as arrays; the weights are packed once, everything
//! else counts.

use std::hint::black_box;
use std::time::Instant;

use fewbit::{Accumulator, Isa, MatmulOptions, PackedMatrix, ReportLevel, matmul_packed};
use ndarray::Array2;

const M: usize = 64;
const K: usize = 4096;
const N: usize = 256;
const ROUNDS: usize = 9;

/// Operands of one case.
struct Case {
    name: &'static str,
    a: Array2<u8>,
    b: Array2<i8>,
    bits: u32,
}

/// A small generator: the bench needs variety, not quality.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    /// About normal, of variance 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next() as f64 / f64::from(1u32 << 31)).sum::<f64>() - 6.0
    }
}

fn cases() -> Vec<Case> {
    let mut numbers = Numbers(1);
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
        Case { name: "w4a8 uniform", a: a4, b: b4, bits: 16 },
        Case { name: "w4a8 real-looking", a: ra4, b: rb4, bits: 16 },
        Case { name: "w4a8 adversarial", a: xa4, b: xb4, bits: 16 },
        Case { name: "w8a8 uniform", a: a8, b: b8, bits: 20 },
        Case { name: "w8a8 real-looking", a: ra8, b: rb8, bits: 20 },
        Case { name: "w8a8 adversarial", a: xa8, b: xb8, bits: 20 },
    ]
}

/// One output after another.
fn scalar_saturate(a: &Array2<u8>, b: &Array2<i8>, bits: u32) -> i64 {
    let (low, high) = (-(1i32 << (bits - 1)), (1i32 << (bits - 1)) - 1);
    let (a, b) = (a.as_slice().unwrap(), b.as_slice().unwrap());
    let mut sum = 0;
    // Every eighth row: the loop is that slow.
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

/// Columns innermost, so that the compiler vectorises; `step` is one product's update of a column's state.
#[inline(always)]
fn columns_innermost<S: Copy + Default>(
    a: &Array2<u8>,
    b: &Array2<i8>,
    step: impl Fn(S, i32) -> S,
) -> Vec<S> {
    let (a, b) = (a.as_slice().unwrap(), b.as_slice().unwrap());
    let mut out = vec![S::default(); M * N];
    for (row, out) in a.chunks(K).zip(out.chunks_mut(N)) {
        for (&x, b) in row.iter().zip(b.chunks(N)) {
            for (state, &w) in out.iter_mut().zip(b) {
                *state = step(*state, i32::from(x) * i32::from(w));
            }
        }
    }
    out
}

/// Compiles a loop with AVX2 where there is AVX2: what `-C target-cpu=native` would give the user.
macro_rules! native {
    ($name:ident, $state:ty, ($bits:ident) $low:ident $high:ident, $step:expr) => {
        fn $name(a: &Array2<u8>, b: &Array2<i8>, $bits: u32) -> i64 {
            #[inline(always)]
            fn plain(a: &Array2<u8>, b: &Array2<i8>, $bits: u32) -> i64 {
                let ($low, $high) = (-(1i32 << ($bits - 1)), (1i32 << ($bits - 1)) - 1);
                let out = columns_innermost::<$state>(a, b, $step);
                black_box(&out).len() as i64
            }
            plain(a, b, $bits)
        }
    };
}

native!(naive_wrap, i32, (bits) low high, |s: i32, p| ((s.wrapping_add(p).wrapping_sub(low)) & (high - low)) + low);
native!(naive_saturate, i32, (bits) low high, |s: i32, p| (s + p).clamp(low, high));
native!(naive_report, (i32, u32), (bits) low high, |(s, n): (i32, u32), p| {
    let sum = s + p;
    let kept = sum.clamp(low, high);
    (kept, n + u32::from(kept != sum))
});

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    println!(
        "M={M} K={K} N={N}, one thread, {}; GMAC/s (ratio to the vectorised loop)",
        Isa::best()
    );
    pool.install(|| cases().iter().for_each(run));
}

type Contestant<'a> = (String, f64, Box<dyn Fn() + Send + Sync + 'a>);

fn run(case: &Case) {
    let Case { name, a, b, bits } = case;
    let packed = PackedMatrix::new(b.view());
    let macs = (M * K * N) as f64;
    let ours = |register: &str, report| -> Box<dyn Fn() + Send + Sync + '_> {
        let acc: Accumulator = format!("int{bits}-{register}").parse().unwrap();
        let options = MatmulOptions { report, ..Default::default() };
        let packed = &packed;
        Box::new(move || {
            black_box(matmul_packed(a.view(), packed, &acc, &options).unwrap());
        })
    };
    let naive = |f: fn(&Array2<u8>, &Array2<i8>, u32) -> i64| -> Box<dyn Fn() + Send + Sync + '_> {
        Box::new(move || {
            black_box(f(a, b, *bits));
        })
    };
    let contestants: Vec<Contestant<'_>> = vec![
        ("wrap, loop".into(), 1.0, naive(naive_wrap)),
        ("wrap".into(), 1.0, ours("wrap", ReportLevel::None)),
        ("saturate, scalar dot".into(), 0.125, naive(scalar_saturate)),
        ("saturate, loop".into(), 1.0, naive(naive_saturate)),
        ("saturate".into(), 1.0, ours("sat", ReportLevel::None)),
        ("saturate+report, loop".into(), 1.0, naive(naive_report)),
        ("saturate+events".into(), 1.0, ours("sat", ReportLevel::Events)),
        ("saturate+report".into(), 1.0, ours("sat", ReportLevel::Full)),
        ("wrap+report".into(), 1.0, ours("wrap", ReportLevel::Full)),
        ("four at a time+report".into(), 1.0, ours("sat*4", ReportLevel::Full)),
        ("tiles of 64".into(), 1.0, ours("sat/64,int24-sat", ReportLevel::None)),
        ("tiles of 64+events".into(), 1.0, ours("sat/64,int24-sat", ReportLevel::Events)),
        ("tiles of 64+report".into(), 1.0, ours("sat/64,int24-sat", ReportLevel::Full)),
    ];
    let mut seconds = vec![Vec::new(); contestants.len()];
    for _ in 0..ROUNDS {
        for ((_, _, work), seconds) in contestants.iter().zip(&mut seconds) {
            let start = Instant::now();
            work();
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    println!("\n{name}, P={bits}");
    let mut naive = f64::NAN;
    for ((name, share, _), seconds) in contestants.iter().zip(seconds) {
        let rate = share * macs / median(seconds) / 1e9;
        if name.ends_with("loop") {
            naive = rate;
        }
        println!("  {name:24} {rate:8.2}  ({:.2})", rate / naive);
    }
}
