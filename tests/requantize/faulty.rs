//! The oracles object to wrong answers: those of a neighbouring policy, which differ in a tie, a carry or an end.

use fewbit::reference::requantize::element;
use fewbit::requantize::{PerChannel, RequantizePolicy, ScaleParameters};
use num_bigint::BigInt;

use crate::jobs::{job, policy};
use crate::oracle::{expected, f32_of};

/// Whether the oracle of one policy contradicts the reference of another for a value.
fn objects(oracle: &str, reference: &str, numbers: &ScaleParameters, value: i64) -> bool {
    let of = |name| job(policy(name), numbers, "int32");
    let wrong = element(&of(reference), 0, value).ok().map(BigInt::from);
    expected(&of(oracle), 0, value).ok() != wrong
}

#[test]
fn of_policies_with_a_multiplier() {
    let by = ScaleParameters::multiplier_shift;
    let half = 1 << 30;
    for (oracle, reference, multiplier, shift, value) in [
        ("tosa32", "tosa32-double", half, 33, 3), // 0.375, and with half of a unit of 1/4 more 0.5
        ("tosa32-double", "tosa32", half, 34, -8), // -0.5 goes up, and 1/16 below it down
        ("tosa32", "tosa32-wrap", half, 9, 256),
        ("gemmlowp", "ruy", half, -1, -2), // -0.5 goes to -1 or to 0
        ("ruy", "cmsis", half, -1, -2),
        ("cmsis", "gemmlowp", i32::MIN, 0, i32::MIN.into()),
        ("gemmlowp", "gemmlowp-saturate", half, 2, 1 << 29),
        ("tflite-single", "gemmlowp", half, -1, 1), // 0.25, and 0.5 to 1, halved to 1
        ("cmsis-single", "tflite-single-saturate", half, 3, 1 << 30),
        ("tflite16", "tflite-single", i32::MAX, 0, 1 << 30),
    ] {
        let numbers = by(multiplier, shift);
        let differs = objects(oracle, reference, &numbers, value);
        assert!(differs, "{oracle} takes {reference}'s answer for {value}");
        assert!(!objects(oracle, oracle, &numbers, value), "{oracle}");
    }
}

#[test]
fn of_policies_with_a_real_scale_or_none() {
    let quarter = ScaleParameters::Exact(PerChannel::Tensor(0.25));
    assert!(objects("exact-ties-even", "exact-ties-away", &quarter, 2));
    let by_four = ScaleParameters::Shift(PerChannel::Tensor(2));
    assert!(objects("shift-down", "shift-toward-zero", &by_four, -1));
    let thresholds = |list| ScaleParameters::Thresholds {
        thresholds: PerChannel::Tensor(list),
        out_scale: 1,
        out_bias: 0,
    };
    let count = |list| expected(&job(policy("thresholds"), &thresholds(list), "int8"), 0, 5);
    assert_ne!(count(vec![5]), count(vec![6]));
    // A product in f32 is not the exact one: 2^24 + 1 is no f32.
    let whole = num_rational::BigRational::from_integer(BigInt::from((1 << 24) + 1));
    assert_ne!(f32_of(&whole), whole);
    for (policy, numbers) in [
        (RequantizePolicy::Onnx, ScaleParameters::Float(PerChannel::Tensor(0.5))),
        (
            RequantizePolicy::Finn,
            ScaleParameters::Affine {
                scale: PerChannel::Tensor(0.5),
                bias: PerChannel::Tensor(0.0),
            },
        ),
    ] {
        // 0.5 to the even 0, 1.5 to 2: away from zero would be 1 and 2.
        let of = |value| expected(&job(policy, &numbers, "int8"), 0, value).unwrap();
        assert_eq!((of(1), of(3)), (0.into(), 2.into()), "{policy}");
    }
}
