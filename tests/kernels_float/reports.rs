//! Reports where steps are rare: beyond the largest value, below the smallest, infinite, NaN, of tied extremes.

use fewbit::reference;
use fewbit::{FloatEngine, FloatOptions, Isa, ReportLevel, matmul_float};
use fewbit_formats::Format;
use ndarray::Array2;

use super::{check, operand};

/// Codes of a format: its ends, what lies about 1, zeros; and infinities and NaN among `special` of a hundred.
fn ends(format: &str, count: usize, seed: u64, special: u64) -> Vec<u32> {
    let format: Format = format.parse().unwrap();
    let Format::Float(float) = format else { panic!("{format}") };
    let top = 1u32 << (format.bits() - 1);
    let one = format
        .encode(
            1.0f64,
            &fewbit_formats::Policy::new(
                fewbit_formats::Rounding::TiesEven,
                fewbit_formats::Overflow::Saturate,
            ),
            0,
        )
        .unwrap()
        .code;
    let largest = (0..top).rev().find(|&code| format.decode(code).is_finite()).unwrap();
    let normal = 1 << float.fraction_bits();
    let palette = [
        0,
        1,
        2,
        normal - 1,
        normal,
        normal + 1,
        one,
        one + 1,
        one - 1,
        largest,
        largest - 1,
        largest / 2,
    ];
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 33
    };
    (0..count)
        .map(|_| {
            let magnitude = match next() % 100 {
                n if n < special => (largest + 1 + next() as u32 % 3).min(top - 1),
                n if n < 60 => palette[next() as usize % palette.len()],
                _ => one + next() as u32 % normal,
            };
            magnitude | if next() % 2 == 0 { top } else { 0 }
        })
        .collect()
}

#[test]
fn at_the_ends_of_all_ranges() {
    let registers = [
        "f16",
        "f16-rz",
        "bf16",
        "bf16-rz",
        "f32",
        "f32-rz",
        "e8m13",
        "e8m22-rz",
        "e8m22",
        "e8m21",
        "e8m20",
        "e6m9",
        "e4m3",
        "e4m3-rz",
        "e5m2",
        "e11m20",
        "f16*3",
        "bf16-rz*2",
        "bf16/1,f32",
        "f16/7,f32",
        "f16/7,bf16/2,f16-rz",
        "exact/4,f16",
        "exact*2/5,f32",
        "aligned13-rz:e8m13-rz*4",
        "aligned3-rz:f16-rne*2",
        "aligned24-rz:f32-rz*8",
        "aligned7-rz:e4m3-rz*3/9,f16",
    ];
    let mut lanes = 0;
    for (index, acc) in registers.iter().enumerate() {
        for (round, (a, b)) in
            [("f16", "f16"), ("e5m2", "e4m3"), ("bf16", "bf16"), ("f32", "f16"), ("bf16", "e5m2")]
                .into_iter()
                .enumerate()
        {
            for special in [0, 2] {
                let seed = (index * 100 + round * 10) as u64 + special;
                let (m, k, n) = if round % 2 == 0 { (3, 40, 5) } else { (2, 33, 67) };
                let a = operand(a, (m, k), &ends(a, m * k, seed, special));
                let b = operand(b, (k, n), &ends(b, k * n, seed + 5, special));
                let start = [0.0, -0.0, 1.0, 65504.0, 6e-8, f64::INFINITY];
                let init = Array2::from_shape_fn((m, n), |(i, j)| start[(i * 7 + j) % start.len()]);
                lanes += usize::from(check(&a, &b, acc, None) == FloatEngine::Lanes);
                check(&a, &b, acc, Some(init.view()));
            }
        }
    }
    assert!(lanes > 150, "{lanes} products ran in lanes");
}

/// Which products with a report run in lanes.
#[test]
fn reports_run_in_lanes() {
    // As many as a matrix has elements.
    let codes: Vec<u32> = (0..700u32).map(|i| i.wrapping_mul(2654435761) >> 9).collect();
    let mut lanes = 0;
    for (a, b) in [("e4m3fn", "e4m3fn"), ("e5m2", "e4m3fn"), ("f16", "f16"), ("bf16", "bf16")] {
        let tame = |format: &str, shape| {
            let x: Format = format.parse().unwrap();
            let Format::Float(float) = x else { panic!("{format}") };
            let middle = (float.bias() as u32 - 3) << float.fraction_bits();
            let codes: Vec<u32> = codes
                .iter()
                .map(|c| {
                    (middle + c % (5 << float.fraction_bits())) | (c >> 3 & 1 << (x.bits() - 1))
                })
                .collect();
            operand(format, shape, &codes)
        };
        let (a, b) = (tame(a, (5, 70)), tame(b, (70, 9)));
        for acc in [
            "f16",
            "f16-rz",
            "bf16",
            "f32",
            "f32-rz",
            "e8m13-rz",
            "e6m9",
            "e4m3",
            "f16*4",
            "f16/16,f32",
            "bf16/1,f32",
            "exact/16,f32",
            "aligned13-rz:e8m13-rz*32",
            "aligned24-rz:f32-rz*8",
        ] {
            let engine = |report| {
                let options = FloatOptions { report, ..Default::default() };
                matmul_float(&a, &b, &acc.parse().unwrap(), &options).unwrap().engine
            };
            // Where values do.
            let expected = engine(ReportLevel::None);
            assert_eq!(
                engine(ReportLevel::Events),
                expected,
                "{acc} {} {}",
                a.format(),
                b.format()
            );
            lanes += usize::from(expected == FloatEngine::Lanes);
            check(&a, &b, acc, None);
        }
    }
    assert!(lanes > 45, "{lanes} of 56 products");
}

/// Outputs that overflow again and again, those that do once, and parts on any number of threads.
#[test]
fn parts_merge_to_the_report_of_the_whole() {
    let (m, k, n) = (37, 60, 90);
    let (a, b) = (
        operand("e5m2", (m, k), &ends("e5m2", m * k, 3, 0)),
        operand("e5m2", (k, n), &ends("e5m2", k * n, 4, 0)),
    );
    for acc in ["f16", "f16-rz", "f16/9,e4m3-rz", "aligned7-rz:f16-rz*4", "e6m9*5"] {
        let acc = acc.parse().unwrap();
        let expected = reference::matmul_float(&a, &b, &acc, None, 0).unwrap();
        for isa in Isa::available() {
            for threads in [1, 2, 5] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let options = FloatOptions {
                    isa: Some(isa),
                    report: ReportLevel::Full,
                    ..Default::default()
                };
                let found = pool.install(|| matmul_float(&a, &b, &acc, &options)).unwrap();
                assert_eq!(found.report.as_ref(), Some(&expected.report), "{acc} {isa} {threads}");
            }
        }
    }
}
