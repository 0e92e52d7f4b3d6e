//! Quantizations and requantizations, against their definitions in rationals.

use fewbit_testkit::rounding::{FloatSpec, Mode, NanCodes, Overflow, exact, power_of_two};
use num_rational::{BigRational, Ratio};

use super::csv::vectors;

/// OCP's FP4: 0, 0.5, 1, 1.5, 2, 3, 4, 6.
const E2M1FN: FloatSpec = FloatSpec {
    exponent_bits: 2,
    fraction_bits: 1,
    bias: 1,
    signed: true,
    nan: NanCodes::None,
    infinity: false,
    zero: true,
};

#[test]
fn groups_have_the_scale_of_the_ocp_text() {
    let csv = vectors("--op quantize --out-format mxfp4 --preset ocp-1.0 --count 150 --seed 3");
    let (oracle, mut compared) = (E2M1FN.oracle(), 0);
    for row in 0..csv.rows.len() {
        let x: Vec<f32> =
            (0..32).map(|i| f32::from_bits(csv.code(row, &format!("x[{i}]")))).collect();
        if x.iter().any(|x| !x.is_finite()) || x.iter().all(|&x| x == 0.0) {
            continue;
        }
        // floor(log2 of the largest magnitude) - 2, within the scale's range.
        let largest = x.iter().fold(0f64, |most, &x| most.max(f64::from(x).abs()));
        let exponent = (largest.to_bits() >> 52) as i32 - 1023 - 2;
        let exponent = exponent.clamp(-127, 127);
        assert_eq!(csv.code(row, "scale[0]") as i32, exponent + 127, "row {row}");
        for (i, &x) in x.iter().enumerate() {
            let found = csv.code(row, &format!("result[{i}]"));
            let quotient: BigRational = exact(x.into()) * power_of_two(-exponent);
            if x == 0.0 {
                assert_eq!(found & 7, 0, "row {row}, element {i}");
                continue;
            }
            let expected =
                oracle.encode(&oracle.place(&quotient), Mode::TiesEven, Overflow::Saturate, 0);
            assert_eq!(found, expected.code, "row {row}, element {i}: {x:e}");
        }
        compared += 1;
    }
    assert!(compared > 100, "{compared}");
}

/// The nearest integer, ties to even, of `n / d`.
fn nearest(n: i128, d: i128) -> i128 {
    let floor = n.div_euclid(d);
    match (2 * n.rem_euclid(d)).cmp(&d) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

#[test]
fn requantized_values_are_rounded_products() {
    // 0.03125 is 1 / 32, so that ties are among the steps.
    let csv = vectors(
        "--op requantize --requantize exact-ties-even --requantize-scale 0.03125 --requantize-zero-point -3 \
         --format int16 --out-format int8 --style mixed --count 600",
    );
    let mut ties = 0;
    for row in 0..csv.rows.len() {
        let value = i128::from(csv.signed(row, "value", 16));
        let expected = (nearest(value, 32) - 3).clamp(-128, 127);
        assert_eq!(i128::from(csv.signed(row, "result", 8)), expected, "row {row}: {value}");
        ties += usize::from(Ratio::new(value, 16).is_integer() && value.rem_euclid(32) == 16);
    }
    assert!(ties > 20, "{ties} ties");
}

#[test]
fn a_scale_that_is_given_divides() {
    let csv = vectors(
        "--op quantize --out-format int8 --scale 0.25 --quantize-zero-point 7 --nan zero --style mixed --count 400",
    );
    let mut compared = 0;
    for row in 0..csv.rows.len() {
        let x = f32::from_bits(csv.code(row, "x"));
        if x.is_nan() {
            continue;
        }
        // Both operations are exact, or so large that they saturate.
        let y = (f64::from(x) * 4.0 + 7.0).clamp(-1e6, 1e6);
        if y != f64::from(x * 4.0 + 7.0).clamp(-1e6, 1e6) {
            continue;
        }
        let expected = y.round_ties_even().clamp(-128.0, 127.0);
        assert_eq!(csv.signed(row, "result", 8) as f64, expected, "row {row}: {x:e}");
        compared += 1;
    }
    assert!(compared > 150, "{compared}");
}
