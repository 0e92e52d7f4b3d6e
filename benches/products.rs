//! Plain products of 8-bit integers beside the machine's limit and another library's, on one and two threads.
//!
//! Contestants take turns; a line gives the median rate in 10^9 products per second and its ratio to the limit, the
//! dot-product instruction on registers alone. Operands come as arrays; only the right one is packed before, on both
//! sides. Then binary and ternary codes counted as bits beside the same multiplied as bytes (where one code is 2), and
//! 16-bit codes; a loop over columns, as a user would write it, beside both. Then products through a register, over the
//! share of columns that cannot overflow and over K, whose ratio is to the plain product of the same shape.

use std::hint::black_box;
use std::time::Instant;

use fewbit::{
    Accumulator, Isa, MatmulOptions, PackedMatrix, ReportLevel, byte_products, matmul_i32,
    matmul_into, matmul_packed,
};
use ndarray::Array2;
use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_tensor::NdTensorView;

/// A small generator: the bench needs variety, not quality.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

type Contestant<'a> = (String, Box<dyn FnMut() -> f64 + Send + 'a>);

/// Runs all in turn, again and again; each gives the products that it computed.
fn compare(title: &str, mut contestants: Vec<Contestant<'_>>) {
    let mut seconds = vec![Vec::new(); contestants.len()];
    let mut products = vec![0.0; contestants.len()];
    for _ in 0..11 {
        for (index, (_, work)) in contestants.iter_mut().enumerate() {
            let start = Instant::now();
            products[index] = work();
            seconds[index].push(start.elapsed().as_secs_f64());
        }
    }
    println!("\n{title}");
    let mut limit = f64::NAN;
    for (((name, _), products), seconds) in contestants.iter().zip(products).zip(seconds) {
        let rate = products / median(seconds) / 1e9;
        if limit.is_nan() {
            limit = rate;
        }
        println!("  {name:44} {rate:8.1}  ({:.3})", rate / limit);
    }
}

fn main() {
    println!("{}; GMAC/s (ratio to the first line)", Isa::best());
    for (m, k, n) in [(1024, 1024, 1024), (2048, 2048, 2048), (64, 4096, 256), (128, 4096, 4096)] {
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| shape(m, k, n, threads));
        }
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        for isa in Isa::available() {
            for shape in [(64, 128, 256), (256, 256, 256), (64, 4096, 256), (512, 1024, 512)] {
                codes(isa, shape);
            }
        }
        for percent in [0, 25, 50, 75, 100] {
            registers(&format!("{percent} % of the columns certified"), 4096, percent);
        }
        for k in [64, 256, 1024, 4096, 16384] {
            registers(&format!("K = {k}"), k, 0);
        }
    });
}

/// Products through 20 bits, where `percent` of the columns have weights so small that they cannot overflow.
fn registers(title: &str, k: usize, percent: usize) {
    const M: usize = 64;
    const N: usize = 512;
    let mut numbers = Numbers(1);
    let mut normal = || (0..12).map(|_| numbers.next() as f64 / 2f64.powi(31)).sum::<f64>() - 6.0;
    let a = Array2::from_shape_simple_fn((M, k), || (normal().max(0.0) * 64.0).min(255.0) as u8);
    let b = Array2::from_shape_fn((k, N), |(_, j)| {
        let deviation = if j * 37 % 100 < percent { 0.5 } else { 36.0 };
        (normal() * deviation).round().clamp(-128.0, 127.0) as i8
    });
    let packed = PackedMatrix::new(b.view());
    let products = (M * k * N) as f64;
    let contestant = |text: &str, report| -> Contestant<'_> {
        let acc: Accumulator = text.parse().unwrap();
        let options = MatmulOptions { report, ..MatmulOptions::default() };
        let (a, packed) = (&a, &packed);
        let work = move || {
            black_box(matmul_packed(a.view(), packed, &acc, &options).unwrap());
            products
        };
        (format!("{text}, {report:?}"), Box::new(work))
    };
    compare(
        &format!("{M} x {k} x {N}, {title}"),
        vec![
            contestant("exact", ReportLevel::None),
            contestant("int20-sat", ReportLevel::None),
            contestant("int20-sat", ReportLevel::Events),
            contestant("int20-wrap", ReportLevel::Events),
            contestant("int20-sat", ReportLevel::Full),
        ],
    );
}

/// Columns innermost, so that the compiler vectorises.
fn loop_over_columns(a: &Array2<i16>, b: &Array2<i16>) -> Vec<i64> {
    let mut out = vec![0; b.ncols()];
    for row in a.rows().into_iter().step_by(8) {
        for (&x, b) in row.iter().zip(b.rows()) {
            for (sum, &w) in out.iter_mut().zip(b.as_slice().unwrap()) {
                *sum += i64::from(i32::from(x) * i32::from(w));
            }
        }
    }
    out
}

/// Products of codes of few and of many bits.
fn codes(isa: Isa, (m, k, n): (usize, usize, usize)) {
    let mut numbers = Numbers(1);
    let mut draw = |rows, cols, codes: std::ops::RangeInclusive<i16>, step: usize| {
        let all: Vec<i16> = codes.step_by(step).collect();
        Array2::from_shape_simple_fn((rows, cols), || all[numbers.next() as usize % all.len()])
    };
    let mut pairs: Vec<(String, Array2<i8>, Array2<i16>)> = Vec::new();
    for (name, left, right) in
        [("binary binary", 2, 2), ("binary ternary", 2, 1), ("ternary ternary", 1, 1)]
    {
        let (a, mut b) = (draw(m, k, -1..=1, left), draw(k, n, -1..=1, right));
        let a = a.mapv(|x| x as i8);
        pairs.push((name.into(), a.clone(), b.clone()));
        b[[0, 0]] = 2;
        pairs.push((format!("{name} as bytes"), a, b));
    }
    let words: Vec<_> = [("i16 i16", 32767), ("12 bits, 12 bits", 2047)]
        .map(|(name, most)| {
            (name, draw(m, k, -most - 1..=most, 1), draw(k, n, -most - 1..=most, 1))
        })
        .into();
    let products = (m * k * n) as f64;
    let exact = Accumulator::exact();
    let options = MatmulOptions { isa: Some(isa), ..MatmulOptions::default() };
    let rounds = if isa >= Isa::Avx512 { 100_000 } else { 10_000 };
    let mut contestants: Vec<Contestant<'_>> = vec![(
        "limit of bytes".into(),
        Box::new(move || byte_products(isa, rounds).unwrap() as f64),
    )];
    let (exact, options) = (&exact, &options);
    for (name, a, b) in &pairs {
        let (packed, mut out) = (PackedMatrix::new(b.view()), Array2::<i32>::zeros((m, n)));
        let work = move || {
            matmul_into(a.view(), &packed, exact, options, out.view_mut()).unwrap();
            products
        };
        contestants.push((name.clone(), Box::new(work)));
    }
    for (name, a, b) in &words {
        let (packed, mut out) = (PackedMatrix::new(b.view()), Array2::<i64>::zeros((m, n)));
        let work = move || {
            matmul_into(a.view(), &packed, exact, options, out.view_mut()).unwrap();
            products
        };
        contestants.push(((*name).into(), Box::new(work)));
    }
    let (_, a, b) = &words[0];
    let naive = move || {
        black_box(loop_over_columns(a, b));
        products / 8.0
    };
    contestants.push(("i16 i16, loop over columns".into(), Box::new(naive)));
    compare(&format!("{m} x {k} x {n}, {isa}"), contestants);
}

fn shape(m: usize, k: usize, n: usize, threads: usize) {
    let mut numbers = Numbers(1);
    let unsigned = Array2::from_shape_simple_fn((m, k), || numbers.next() as u8);
    let signed = Array2::from_shape_simple_fn((m, k), || numbers.next() as i8);
    let b = Array2::from_shape_simple_fn((k, n), || numbers.next() as i8);
    let packed = PackedMatrix::new(b.view());
    let products = (m * k * n) as f64;
    let exact: Accumulator = "exact".parse().unwrap();
    let wrap: Accumulator = "int16-wrap".parse().unwrap();
    let gemm = GemmExecutor::<u8, i8, i32>::default();
    let their_b = gemm.prepack_b(NdTensorView::from_data([k, n], b.as_slice().unwrap()));
    let mut theirs = vec![0i32; m * n];
    // The instruction that multiplies bytes in vectors, also where there are tiles.
    let limit = || byte_products(Isa::best(), 400_000).unwrap() as f64;
    let mut contestants: Vec<Contestant<'_>> = vec![
        ("limit of vectors, one thread".into(), Box::new(limit)),
        (
            format!("u8 i8 -> i32, rten-gemm {}", gemm.kernel_name()),
            Box::new(|| {
                let a = NdTensorView::from_data([m, k], unsigned.as_slice().unwrap());
                let options = GemmOptions::default();
                let (a, b) = (GemmInputA::Unpacked(a), GemmInputB::Packed(&their_b));
                gemm.gemm(&mut theirs, a, b, options).unwrap();
                black_box(&theirs);
                products
            }),
        ),
    ];
    // The widest vectors, and tiles where the CPU has them.
    let best = Isa::best();
    let isas: Vec<_> = Isa::available().filter(|&isa| isa == best || isa == Isa::Avx512).collect();
    for isa in isas {
        let options = MatmulOptions { isa: Some(isa), ..MatmulOptions::default() };
        let (exact, wrap, unsigned, signed, packed) = (&exact, &wrap, &unsigned, &signed, &packed);
        let mut out = Array2::<i32>::zeros((m, n));
        let work = move || {
            matmul_i32(unsigned.view(), packed, out.view_mut(), Some(isa)).unwrap();
            products
        };
        contestants.push((format!("{isa}: u8 i8 -> i32"), Box::new(work)));
        let mut out = Array2::<i32>::zeros((m, n));
        let work = move || {
            matmul_i32(signed.view(), packed, out.view_mut(), Some(isa)).unwrap();
            products
        };
        contestants.push((format!("{isa}: i8 i8 -> i32"), Box::new(work)));
        let mut out = Array2::<i32>::zeros((m, n));
        let work = move || {
            matmul_into(signed.view(), packed, wrap, &options, out.view_mut()).unwrap();
            products
        };
        contestants.push((format!("{isa}: i8 i8 int16-wrap -> i32"), Box::new(work)));
        let mut out = Array2::<i16>::zeros((m, n));
        let work = move || {
            matmul_into(signed.view(), packed, wrap, &options, out.view_mut()).unwrap();
            products
        };
        contestants.push((format!("{isa}: i8 i8 int16-wrap -> i16"), Box::new(work)));
        for (name, acc) in [("exact", exact), ("int16-wrap", wrap)] {
            let work = move || {
                black_box(matmul_packed(signed.view(), packed, acc, &options).unwrap());
                products
            };
            contestants.push((format!("{isa}: i8 i8 {name}, new i64"), Box::new(work)));
        }
    }
    compare(&format!("{m} x {k} x {n}, {threads} thread(s)"), contestants);
}
