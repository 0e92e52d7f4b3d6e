//! Layer norm and RMS norm: against rationals, and against the real ones.

use fewbit::functions::{FunctionError, IbertNorm};
use fewbit::reference::functions::{layer_norm, rms_norm};
use fewbit_testkit::Random;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};

fn int(x: i64) -> BigRational {
    BigRational::from(BigInt::from(x))
}

/// The formula, step by step, in rationals.
fn oracle(row: &[i32], center: &BigRational, shift: u32, bias: &[i64]) -> Vec<i64> {
    let power = BigRational::from(BigInt::one() << shift);
    let deviations: Vec<_> = row.iter().map(|&x| int(x.into()) - center).collect();
    let squares: BigRational = deviations.iter().map(|y| (y / &power).floor().pow(2)).sum();
    let root = (squares.to_integer().sqrt() << shift).max(BigInt::one());
    let factor = (int(1 << 31) / BigRational::from(root)).floor();
    let outputs = deviations.iter().enumerate().map(|(i, y)| {
        let scaled = (y * &factor / int(2)).floor().to_integer();
        (scaled + bias.get(i).copied().unwrap_or(0)).to_i64().unwrap()
    });
    outputs.collect()
}

/// To the nearest integer, ties to even.
fn mean(row: &[i32]) -> BigRational {
    let exact = row.iter().map(|&x| int(x.into())).sum::<BigRational>() / int(row.len() as i64);
    let (below, half) = (exact.floor(), BigRational::new(1.into(), 2.into()));
    let part = exact - &below;
    let odd = below.to_integer().bit(0);
    if part > half || (part == half && odd) { below + int(1) } else { below }
}

fn rows() -> Vec<Vec<i32>> {
    let mut random = Random(4);
    let mut rows = vec![vec![0], vec![5; 7], vec![1, 2], vec![2, 3], vec![-1, -2], vec![-2, -3]];
    rows.extend([vec![i32::MIN, i32::MAX], vec![i32::MIN; 3], vec![i32::MAX, 0, 0], vec![1, 0]]);
    for length in [1, 2, 3, 64, 768] {
        for bits in [4, 8, 16, 31] {
            let any = |_| random.next() as i32 >> (31 - bits);
            rows.push((0..length).map(any).collect());
        }
    }
    rows
}

#[test]
fn norms_are_those_of_rationals() {
    for row in rows() {
        let bias: Vec<i64> = (0..row.len() as i64).map(|i| (i * 7919 - 5000) << 14).collect();
        for shift in [0, 1, 7, 31] {
            let norm = IbertNorm::new(shift).unwrap();
            for bias in [&[][..], &bias[..]] {
                let found = layer_norm(norm, &row, bias).unwrap();
                assert_eq!(found, oracle(&row, &mean(&row), shift, bias), "{shift}: {row:?}");
                let found = rms_norm(norm, &row, bias).unwrap();
                assert_eq!(
                    found,
                    oracle(&row, &BigRational::zero(), shift, bias),
                    "{shift}: {row:?}"
                );
            }
        }
    }
}

#[test]
fn norms_are_near_the_real_ones() {
    let mut random = Random(9);
    let row: Vec<i32> = (0..256).map(|_| random.next() as i32 >> 12).collect();
    let n = row.len() as f64;
    let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let root = (row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n).sqrt();
    let unit = IbertNorm::output_scale(row.len());
    for (x, found) in row.iter().zip(layer_norm(IbertNorm::default(), &row, &[]).unwrap()) {
        let real = (f64::from(*x) - mean) / root;
        assert!((found as f64 * unit - real).abs() < 1e-2, "{x}");
    }
}

#[test]
fn what_has_no_norm_is_refused() {
    let norm = IbertNorm::default();
    assert_eq!(layer_norm(norm, &[], &[]), Err(FunctionError::Empty { what: "norm" }));
    assert!(matches!(rms_norm(norm, &[1, 2], &[3]), Err(FunctionError::Lengths { found: 1, .. })));
    assert!(IbertNorm::new(32).is_err());
    // A bias at the end of its range stays there.
    assert_eq!(rms_norm(norm, &[4], &[i64::MAX]).unwrap(), [i64::MAX]);
}
