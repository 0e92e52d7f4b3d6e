//! TFLite's softmax: against rationals, against the real one, and what is refused.

use fewbit::functions::{FunctionError, SoftmaxOutput, TfliteSoftmax};
use fewbit::reference::functions::softmax_tflite;
use fewbit_testkit::Random;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive};

use crate::fixed::{self, Fixed, power_of_two, ratio};

/// From the text of `reference_ops::Softmax`, in values instead of raw integers.
pub(crate) fn oracle(softmax: &TfliteSoftmax, row: &[i32]) -> Vec<i32> {
    let greatest = *row.iter().max().unwrap();
    let (least, most) = softmax.output().range();
    let exp = |&x: &i32| {
        let difference = x - greatest;
        (difference >= softmax.least_difference()).then(|| {
            let shifted = BigInt::from(difference) << softmax.left_shift();
            let product = BigRational::from(shifted * softmax.multiplier()) * power_of_two(-31);
            let units = (product + ratio(1, 2)).floor().to_integer().to_i32().unwrap();
            fixed::exp(&Fixed::raw(units, 5))
        })
    };
    let exps: Vec<_> = row.iter().map(exp).collect();
    let sum: BigRational = exps.iter().flatten().map(|e| e.rescaled(12).value).sum();
    // sum = 2^n (1 + f)
    let mut n = -1;
    while power_of_two(n + 1) <= sum {
        n += 1;
    }
    let f = &sum * power_of_two(-n) - BigRational::one();
    let scale =
        fixed::reciprocal(&Fixed::raw((f * power_of_two(31)).to_integer().to_i32().unwrap(), 0));
    let bits = softmax.output().bits() as i32;
    let outputs = exps.iter().map(|exp| {
        let Some(exp) = exp else { return least };
        // Rounded to 2^-31 ties up, then to the output's unit ties away: all are positive.
        let product = (&scale.value * &exp.value * power_of_two(31) + ratio(1, 2)).floor();
        let units = (product * power_of_two(bits - 31 - n) + ratio(1, 2)).floor();
        (units.to_integer().to_i32().unwrap() + least).clamp(least, most)
    });
    outputs.collect()
}

fn rows(random: &mut Random) -> Vec<Vec<i32>> {
    let mut rows = vec![vec![0], vec![127; 2], vec![-128, 127], vec![-128; 300], vec![127; 4095]];
    for length in [1, 2, 3, 10, 64, 257] {
        for spread in [3, 40, 256] {
            rows.push((0..length).map(|_| random.below(spread) as i32 - 128).collect());
        }
    }
    rows
}

#[test]
fn softmax_is_that_of_rationals() {
    let mut random = Random(7);
    for output in SoftmaxOutput::ALL {
        for (beta, scale) in [(1.0, 0.0625), (1.0, 0.1), (0.3, 0.01), (1.0, 7.0), (4.0, 31.9)] {
            let softmax = TfliteSoftmax::new(beta, scale, output).unwrap();
            for row in rows(&mut random) {
                let found = softmax_tflite(&softmax, &row).unwrap();
                assert_eq!(found, oracle(&softmax, &row), "{scale} to {output}: {row:?}");
            }
        }
    }
}

#[test]
fn softmax_is_near_the_real_one() {
    let mut random = Random(8);
    for (output, most) in [(SoftmaxOutput::Int8, 0.55), (SoftmaxOutput::Int16, 1.6)] {
        let softmax = TfliteSoftmax::new(1.0, 0.05, output).unwrap();
        let (unit, zero) = (2f64.powi(output.bits() as i32), output.range().0);
        for row in rows(&mut random) {
            let exps: Vec<f64> = row.iter().map(|&x| (f64::from(x) * 0.05).exp()).collect();
            let sum: f64 = exps.iter().sum();
            for (found, exp) in softmax_tflite(&softmax, &row).unwrap().iter().zip(exps) {
                let real = (exp / sum * unit).min(unit - 1.0);
                let distance = (f64::from(found - zero) - real).abs();
                assert!(distance <= most, "{distance} to {output}: {row:?}");
            }
        }
    }
}

#[test]
fn the_greatest_factors_have_no_differences() {
    let softmax = TfliteSoftmax::new(1.0, 100.0, SoftmaxOutput::Uint8).unwrap();
    assert_eq!((softmax.multiplier(), softmax.left_shift()), (i32::MAX, 31));
    assert_eq!(softmax.least_difference(), 0);
    assert_eq!(softmax_tflite(&softmax, &[3, 4, 2]).unwrap(), [0, 255, 0]);
    let just_below = TfliteSoftmax::new(1.0, 16.0 - 2f64.powi(-49), SoftmaxOutput::Uint8).unwrap();
    assert_eq!((just_below.multiplier(), just_below.left_shift()), (1 << 30, 31));
}

#[test]
fn what_has_no_softmax_is_refused() {
    let new = |beta, scale| TfliteSoftmax::new(beta, scale, SoftmaxOutput::Int8);
    for (beta, scale) in
        [(0.0, 1.0), (1.0, -1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY), (1.0, 2f64.powi(-26))]
    {
        assert!(matches!(new(beta, scale), Err(FunctionError::Number { .. })), "{beta} {scale}");
    }
    let softmax = new(1.0, 0.1).unwrap();
    let of = |row: &[i32]| softmax_tflite(&softmax, row);
    assert_eq!(of(&[]), Err(FunctionError::Empty { what: "softmax" }));
    assert!(matches!(of(&[256]), Err(FunctionError::Integer { value: 256, .. })));
    assert!(matches!(of(&[-129]), Err(FunctionError::Integer { .. })));
    assert!(of(&[1; 4095]).is_ok());
    assert_eq!(of(&[1; 4096]), Err(FunctionError::Sum { length: 4096, sum: 1 << 31 }));
    for numbers in [(-1, 0, 0), (0, -1, 0), (0, 32, 0), (0, 0, 1)] {
        let (m, s, d) = numbers;
        assert!(TfliteSoftmax::from_numbers(m, s, d, SoftmaxOutput::Int8).is_err(), "{numbers:?}");
    }
    // Numbers that no scale gives do not panic.
    let odd = TfliteSoftmax::from_numbers(i32::MAX, 31, i32::MIN, SoftmaxOutput::Int16).unwrap();
    for row in [[255, -128], [0, 1], [0, 2], [-7, 0]] {
        let _ = softmax_tflite(&odd, &row);
    }
}
