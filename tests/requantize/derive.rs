//! Multipliers and shifts from real scales, against C's frexp in rationals.

use fewbit::requantize::{MultiplierShift, PerChannel, RequantizeError, RequantizePolicy};
use fewbit_testkit::Random;
use fewbit_testkit::rounding::{exact, power_of_two};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::jobs::policy;

/// `(q, e)` with `x = q 2^e`, `1/2 <= |q| < 1`, by trying exponents.
fn frexp(x: &BigRational) -> (BigRational, i32) {
    let mut e = -1075;
    while x.abs() >= power_of_two(e) {
        e += 1;
    }
    (x * power_of_two(-e), e)
}

/// To the nearest, ties away from zero, as C's round.
fn round(x: &BigRational) -> BigInt {
    let half = power_of_two(-1);
    let magnitude = (x.abs() + half).floor().to_integer();
    if x.is_negative() { -magnitude } else { magnitude }
}

fn expected(name: &str, scale: f64) -> (i64, i32) {
    let x = exact(scale);
    let bits = if name == "tosa16" { 15 } else { 31 };
    if x.is_zero() {
        return if name.starts_with("tosa") { (0, bits) } else { (0, 0) };
    }
    let (q, mut e) = frexp(&x);
    let mut m = round(&(q * power_of_two(bits)));
    if m == BigInt::one() << bits {
        m /= 2;
        e += 1;
    }
    if name.starts_with("tosa") {
        let shift = bits - e;
        if shift > 62 {
            return ((m >> (shift - 62).min(31)).to_i64().unwrap(), 62);
        }
        return (m.to_i64().unwrap(), shift);
    }
    if e < -31 {
        return (0, 0);
    }
    if name.contains("single") && e > 30 {
        return (if m.is_negative() { i32::MIN.into() } else { i32::MAX.into() }, 30);
    }
    (m.to_i64().unwrap(), e)
}

fn check(name: &str, scale: f64) {
    let policy: RequantizePolicy = policy(name);
    let negative_is_refused = policy.multiplier_range().unwrap().0 == 0 && scale < 0.0;
    let (multiplier, shift) = expected(name, scale);
    let (least, most) = policy.shift_range().unwrap();
    match policy.derive(scale) {
        Ok(MultiplierShift { multiplier: m, shift: s }) => {
            assert_eq!((i64::from(m), s), (multiplier, shift), "{name} {scale:e}");
            assert!(!negative_is_refused);
        }
        Err(RequantizeError::DerivedShift { shift: s, .. }) => {
            assert_eq!(s, shift, "{name} {scale:e}");
            assert!(!(least..=most).contains(&s));
        }
        Err(error) => assert!(negative_is_refused, "{name} {scale:e}: {error}"),
    }
}

const NAMES: [&str; 9] = [
    "tosa32",
    "tosa32-double",
    "tosa16",
    "gemmlowp",
    "tflite-single",
    "tflite16",
    "cmsis",
    "cmsis-single",
    "ruy",
];

#[test]
fn powers_of_two_their_neighbours_and_what_rounds_up_to_one() {
    for exponent in -80..=40 {
        let power = 2f64.powi(exponent);
        let mut scales = vec![power, power.next_up(), power.next_down(), power * 0.75];
        // q of 1 - 2^-32 is a tie of 31 bits, and the next one is a carry.
        for bits in [15, 16, 31, 32, 33] {
            let near = power * (1.0 - 0.5f64.powi(bits));
            scales.extend([near, near.next_up(), near.next_down()]);
        }
        for scale in scales {
            for name in NAMES {
                check(name, scale);
                check(name, -scale);
            }
        }
    }
    for name in NAMES {
        for scale in [0.0, f64::MIN_POSITIVE, 5e-324, f64::MAX] {
            check(name, scale);
        }
    }
}

#[test]
fn random_scales() {
    let mut random = Random(6);
    for _ in 0..2000 {
        let scale = f64::from_bits(random.next() >> 2 | 0x3c << 56);
        if scale.is_finite() {
            for name in NAMES {
                check(name, scale);
            }
        }
    }
}

#[test]
fn tosa_and_tflite_shifts_are_31_apart() {
    for scale in [0.1, 0.003, 0.99999, 1.0, 7.5] {
        let tosa = policy("tosa32").derive(scale).unwrap();
        let tflite = policy("gemmlowp").derive(scale).unwrap();
        assert_eq!((tosa.multiplier, 31 - tosa.shift), (tflite.multiplier, tflite.shift));
    }
}

#[test]
fn other_scales_are_refused_with_their_channel() {
    for (name, scale) in [("gemmlowp", f64::NAN), ("tosa32", -0.5), ("shift-up", 0.3)] {
        let scales = PerChannel::Channels(vec![0.5, scale]);
        let error = policy(name).parameters(&scales).unwrap_err().to_string();
        assert!(error.contains("channel 1"), "{error}");
    }
    assert!(policy("onnx").derive(0.5).is_err());
    assert!(policy("thresholds").parameters(&PerChannel::Tensor(0.5)).is_err());
}
