//! Every policy's specification against the oracle.

use fewbit::formats::Overflow;
use fewbit::reference::requantize::element;
use fewbit::requantize::{PerChannel, Requantization, RequantizePolicy, ScaleParameters};
use fewbit_testkit::Random;
use num_bigint::BigInt;

use crate::jobs::{job, numbers, policies, policy, values};
use crate::oracle::expected;

/// Values, refusals included, one by one.
fn check(job: &Requantization, values: &[i64]) -> usize {
    let mut accepted = 0;
    for (index, &value) in values.iter().enumerate() {
        let (found, expected) = (element(job, index, value), expected(job, index, value));
        let same = match (&found, &expected) {
            (Ok(found), Ok(expected)) => BigInt::from(*found) == *expected,
            (Err(_), Err(_)) => true,
            _ => false,
        };
        assert!(same, "{} {:?} of {value}: {found:?}, not {expected:?}", job.policy(), job.scale());
        accepted += usize::from(found.is_ok());
    }
    accepted
}

/// The whole value shows in 32 bits: nothing is hidden by a narrow output. Floats have outputs of 16 bits.
fn widest(policy: RequantizePolicy) -> &'static str {
    match policy {
        RequantizePolicy::Onnx | RequantizePolicy::Finn => "int16",
        _ => "int32",
    }
}

#[test]
fn every_policy_at_the_ends_of_its_numbers() {
    let mut random = Random(1);
    for policy in policies() {
        for numbers in numbers(policy, &mut random) {
            let job = job(policy, &numbers, widest(policy));
            let mut values = values(policy, &mut random, 16);
            // Enough of them for every pair of numbers; all for the few that real numbers have.
            if numbers.kind() == fewbit::requantize::ScaleKind::MultiplierShift {
                random.shuffle(&mut values);
                let (least, most) = policy.value_range();
                values.truncate(40);
                values.extend([least, most, -1, 0, 1]);
            }
            check(&job, &values);
        }
    }
}

#[test]
fn all_values_of_sixteen_bits() {
    for (name, multiplier, shift) in [
        ("tosa32", 1 << 30, 34),
        ("tosa32-double", (1 << 30) + 1, 34),
        ("tosa32", 1 << 30, 9),
        ("tosa16", 3 << 13, 17),
        ("gemmlowp", 3 << 29, -3),
        ("cmsis", -(3 << 29), -3),
        ("ruy", 3 << 29, -3),
        ("tflite-single", 3 << 29, -3),
        ("cmsis-single", -(3 << 29), -3),
        ("tflite16", 3 << 29, -3),
    ] {
        let job = job(policy(name), &ScaleParameters::multiplier_shift(multiplier, shift), "int16");
        let values: Vec<i64> = (-(1 << 15)..1 << 15).step_by(3).collect();
        assert!(check(&job, &values) > 100);
    }
}

#[test]
fn the_one_product_that_leaves_32_bits() {
    let numbers = ScaleParameters::multiplier_shift(i32::MIN, 0);
    let most = |name| element(&job(policy(name), &numbers, "int32"), 0, i32::MIN.into()).unwrap();
    assert_eq!(most("gemmlowp"), i64::from(i32::MAX));
    assert_eq!(most("ruy"), i64::from(i32::MAX));
    assert_eq!(most("cmsis"), i64::from(i32::MIN));
}

#[test]
fn what_a_left_shift_does_not_hold() {
    let numbers = ScaleParameters::multiplier_shift(1 << 30, 2);
    let of = |name| element(&job(policy(name), &numbers, "int32"), 0, 1 << 29);
    assert_eq!(of("gemmlowp"), Ok(-(1 << 30))); // 2^31 wraps to -2^31; half of it
    assert_eq!(of("gemmlowp-saturate"), Ok(1 << 30)); // 2^31 - 1, halved: 2^30 - 1/2 goes up
    let error = of("gemmlowp-refuse").unwrap_err().to_string();
    assert!(error.contains("536870912 becomes 2147483648"), "{error}");
}

#[test]
fn outputs_zero_points_and_biases() {
    let mut random = Random(2);
    let values = values(policy("onnx"), &mut random, 50);
    for to in ["int8", "uint8", "int4", "uint4", "int8n", "int16", "uint16", "int12", "binary"] {
        let Ok(fewbit::formats::Format::Int(format)) = to.parse() else { continue };
        for overflow in [
            Overflow::Saturate,
            Overflow::Wrap,
            Overflow::WrapSignMagnitude,
            Overflow::SaturateSymmetric,
            Overflow::Zero,
        ] {
            for name in ["gemmlowp", "onnx", "exact-ties-odd", "finn", "tosa32-wrap", "shift-up"] {
                let policy = policy(name);
                let numbers = policy.parameters(&PerChannel::Tensor(0.0625)).unwrap();
                for zero in [format.min(), 0, 3, format.max()] {
                    let job = job(policy, &numbers, to).with_zero_point(zero).unwrap();
                    let job = job.with_bias(PerChannel::Tensor(-77)).unwrap();
                    if let Ok(job) = job.with_overflow(overflow) {
                        check(&job, &values);
                    }
                }
            }
        }
    }
}

#[test]
fn channels_are_the_last_axis() {
    let numbers = ScaleParameters::MultiplierShift {
        multiplier: PerChannel::Channels(vec![1 << 30, 3 << 29, i32::MAX]),
        shift: PerChannel::Channels(vec![-3, 0, 2]),
    };
    let bias = PerChannel::Channels(vec![5, -1000, 0]);
    for name in ["gemmlowp", "cmsis", "ruy", "tflite-single", "cmsis-single"] {
        let job = job(policy(name), &numbers, "int16").with_bias(bias.clone()).unwrap();
        check(&job, &(0..300).map(|i| i * i * 13 - 9000).collect::<Vec<_>>());
    }
}
