//! Plain products of 8-bit integers beside the machine's limit and another library's, on one and two threads.
//!
//! The limit is the dot-product instruction on registers alone, of one thread. Operands come as arrays; only the right one
//! is packed before, on both sides. Then binary and ternary codes counted as bits beside the same multiplied as bytes
//! (where one code is 2), and 16-bit codes; a loop over columns, as a user would write it, compiled for the running CPU,
//! beside both. Then products through a register, over the share of columns that cannot overflow and over K.

mod support;

use std::hint::black_box;

use fewbit::{
    Accumulator, Isa, MatmulOptions, PackedMatrix, ReportLevel, byte_products, matmul_i32,
    matmul_into, matmul_packed,
};
use ndarray::Array2;
use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_tensor::NdTensorView;
use support::{Bench, Contestant, Numbers, Unit, native, on_threads};

/// Rounds of the limit's instructions in a call.
const LIMIT_ROUNDS: usize = 20_000;

fn limit<'a>(isa: Isa) -> Contestant<'a> {
    let amount = byte_products(isa, LIMIT_ROUNDS).unwrap_or_else(|e| panic!("{e}"));
    Contestant::peer("limit", amount as usize, move || {
        black_box(byte_products(isa, LIMIT_ROUNDS)).ok();
    })
}

fn main() {
    let bench = Bench::from_args();
    for (m, k, n) in [(1024, 1024, 1024), (2048, 2048, 2048), (64, 4096, 256), (128, 4096, 4096)] {
        for threads in [1, 2] {
            on_threads(threads, || shape(&bench, m, k, n, threads));
        }
    }
    on_threads(1, || {
        for isa in Isa::available() {
            for shape in [(64, 128, 256), (256, 256, 256), (64, 4096, 256), (512, 1024, 512)] {
                codes(&bench, isa, shape);
            }
        }
        for percent in [0, 25, 50, 75, 100] {
            registers(&bench, &format!("certified-{percent}"), 4096, percent);
        }
        for k in [64, 256, 1024, 16384] {
            registers(&bench, &format!("k-{k}"), k, 0);
        }
    });
}

/// Products through 20 bits, where `percent` of the columns have weights so small that they cannot overflow.
fn registers(bench: &Bench, case: &str, k: usize, percent: usize) {
    const M: usize = 64;
    const N: usize = 512;
    let mut numbers = Numbers::new(1);
    let mut normal = || (0..12).map(|_| numbers.next() as f64 / 2f64.powi(31)).sum::<f64>() - 6.0;
    let a = Array2::from_shape_simple_fn((M, k), || (normal().max(0.0) * 64.0).min(255.0) as u8);
    let b = Array2::from_shape_fn((k, N), |(_, j)| {
        let deviation = if j * 37 % 100 < percent { 0.5 } else { 36.0 };
        (normal() * deviation).round().clamp(-128.0, 127.0) as i8
    });
    let packed = PackedMatrix::new(b.view());
    let contestant = |text: &str, report: ReportLevel| {
        let acc: Accumulator = text.parse().unwrap_or_else(|e| panic!("{e}"));
        let options = MatmulOptions { report, ..MatmulOptions::default() };
        let (a, packed) = (&a, &packed);
        let work = move || {
            black_box(matmul_packed(a.view(), packed, &acc, &options)).ok();
        };
        Contestant::ours(format!("{text}/{report:?}").to_lowercase(), M * k * N, work)
    };
    bench.race(
        &format!("registers/{M}x{k}x{N}/{case}"),
        Unit::Products,
        vec![
            contestant("exact", ReportLevel::None),
            contestant("int20-sat", ReportLevel::None),
            contestant("int20-sat", ReportLevel::Events),
            contestant("int20-wrap", ReportLevel::Events),
            contestant("int20-sat", ReportLevel::Full),
        ],
    );
}

native! {
    /// Columns innermost, so that the compiler vectorises; every eighth row.
    fn loop_over_columns(a: &[i16], b: &[i16], k: usize, n: usize) -> Vec<i64> {
        let mut out = vec![0; n];
        for row in a.chunks(k).step_by(8) {
            for (&x, b) in row.iter().zip(b.chunks(n)) {
                for (sum, &w) in out.iter_mut().zip(b) {
                    *sum += i64::from(i32::from(x) * i32::from(w));
                }
            }
        }
        out
    }
}

/// Products of codes of few and of many bits.
fn codes(bench: &Bench, isa: Isa, (m, k, n): (usize, usize, usize)) {
    let mut numbers = Numbers::new(1);
    let mut draw = |rows, cols, codes: std::ops::RangeInclusive<i16>, step: usize| {
        let all: Vec<i16> = codes.step_by(step).collect();
        Array2::from_shape_simple_fn((rows, cols), || all[numbers.next() as usize % all.len()])
    };
    let mut pairs: Vec<(String, Array2<i8>, Array2<i16>)> = Vec::new();
    for (name, left, right) in
        [("binary-binary", 2, 2), ("binary-ternary", 2, 1), ("ternary-ternary", 1, 1)]
    {
        let (a, mut b) = (draw(m, k, -1..=1, left), draw(k, n, -1..=1, right));
        let a = a.mapv(|x| x as i8);
        pairs.push((name.into(), a.clone(), b.clone()));
        b[[0, 0]] = 2;
        pairs.push((format!("{name}-as-bytes"), a, b));
    }
    let words: Vec<_> = [("i16-i16", 32767), ("12-bit-12-bit", 2047)]
        .map(|(name, most)| {
            (name, draw(m, k, -most - 1..=most, 1), draw(k, n, -most - 1..=most, 1))
        })
        .into();
    let exact = Accumulator::exact();
    let options = MatmulOptions { isa: Some(isa), ..MatmulOptions::default() };
    let (exact, options) = (&exact, &options);
    let (_, a16, b16) = &words[0];
    let (a16, b16) = (a16.as_slice().unwrap_or_default(), b16.as_slice().unwrap_or_default());
    let mut contestants = vec![
        limit(isa),
        Contestant::peer("i16-loop", m.div_ceil(8) * k * n, move || {
            black_box(loop_over_columns(black_box(a16), b16, k, n));
        }),
    ];
    for (name, a, b) in &pairs {
        let (packed, mut out) = (PackedMatrix::new(b.view()), Array2::<i32>::zeros((m, n)));
        contestants.push(Contestant::ours(name.clone(), m * k * n, move || {
            let done = matmul_into(a.view(), &packed, exact, options, out.view_mut());
            done.map_or_else(|e| panic!("{e}"), drop);
        }));
    }
    for (name, a, b) in &words {
        let (packed, mut out) = (PackedMatrix::new(b.view()), Array2::<i64>::zeros((m, n)));
        contestants.push(Contestant::ours(*name, m * k * n, move || {
            let done = matmul_into(a.view(), &packed, exact, options, out.view_mut());
            done.map_or_else(|e| panic!("{e}"), drop);
        }));
    }
    bench.race(&format!("codes/{m}x{k}x{n}/{isa}"), Unit::Products, contestants);
}

fn shape(bench: &Bench, m: usize, k: usize, n: usize, threads: usize) {
    let mut numbers = Numbers::new(1);
    let unsigned = Array2::from_shape_simple_fn((m, k), || numbers.next() as u8);
    let signed = Array2::from_shape_simple_fn((m, k), || numbers.next() as i8);
    let b = Array2::from_shape_simple_fn((k, n), || numbers.next() as i8);
    let packed = PackedMatrix::new(b.view());
    let products = m * k * n;
    let exact = Accumulator::exact();
    let wrap: Accumulator = "int16-wrap".parse().unwrap_or_else(|e| panic!("{e}"));
    let gemm = GemmExecutor::<u8, i8, i32>::default();
    let their_b = gemm.prepack_b(NdTensorView::from_data([k, n], b.as_slice().unwrap_or_default()));
    let mut theirs = vec![0i32; m * n];
    let rten = Contestant::peer("rten-gemm", products, || {
        let a = NdTensorView::from_data([m, k], unsigned.as_slice().unwrap_or_default());
        let (a, b) = (GemmInputA::Unpacked(a), GemmInputB::Packed(&their_b));
        let done = gemm.gemm(&mut theirs, a, b, GemmOptions::default());
        assert!(done.is_ok());
        black_box(&theirs);
    });
    // The instruction that multiplies bytes in vectors, also where there are tiles.
    let mut contestants = vec![limit(Isa::best()), rten];
    // The widest vectors, and tiles where the CPU has them.
    let best = Isa::best();
    for isa in Isa::available().filter(|&isa| isa == best || isa == Isa::Avx512) {
        let options = MatmulOptions { isa: Some(isa), ..MatmulOptions::default() };
        let (exact, wrap, unsigned, signed, packed) = (&exact, &wrap, &unsigned, &signed, &packed);
        let named = |name: &str| format!("{name}/{isa}");
        let mut out = Array2::<i32>::zeros((m, n));
        contestants.push(Contestant::ours(named("u8-i8-to-i32"), products, move || {
            let done = matmul_i32(unsigned.view(), packed, out.view_mut(), Some(isa));
            done.map_or_else(|e| panic!("{e}"), drop);
        }));
        let mut out = Array2::<i32>::zeros((m, n));
        contestants.push(Contestant::ours(named("i8-i8-to-i32"), products, move || {
            let done = matmul_i32(signed.view(), packed, out.view_mut(), Some(isa));
            done.map_or_else(|e| panic!("{e}"), drop);
        }));
        let mut out = Array2::<i32>::zeros((m, n));
        contestants.push(Contestant::ours(named("int16-wrap-to-i32"), products, move || {
            let done = matmul_into(signed.view(), packed, wrap, &options, out.view_mut());
            done.map_or_else(|e| panic!("{e}"), drop);
        }));
        let mut out = Array2::<i16>::zeros((m, n));
        contestants.push(Contestant::ours(named("int16-wrap-to-i16"), products, move || {
            let done = matmul_into(signed.view(), packed, wrap, &options, out.view_mut());
            done.map_or_else(|e| panic!("{e}"), drop);
        }));
        for (name, acc) in [("exact-to-new-i64", exact), ("int16-wrap-to-new-i64", wrap)] {
            contestants.push(Contestant::ours(named(name), products, move || {
                black_box(matmul_packed(signed.view(), packed, acc, &options)).ok();
            }));
        }
    }
    bench.race(&format!("bytes/{m}x{k}x{n}/{threads}t"), Unit::Products, contestants);
}
