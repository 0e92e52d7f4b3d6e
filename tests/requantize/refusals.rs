//! Numbers that no policy has: errors that name them.

use fewbit::formats::Overflow;
use fewbit::requantize::{PerChannel, Requantization, RequantizeError, ScaleParameters};

use crate::jobs::{int, job, policy};

fn refused(name: &str, numbers: ScaleParameters) -> String {
    Requantization::new(policy(name), numbers, int("int8")).unwrap_err().to_string()
}

#[test]
fn numbers_out_of_range() {
    let by = ScaleParameters::multiplier_shift;
    for (name, multiplier, shift, part) in [
        ("tosa32", 1, 1, "shift 1"),
        ("tosa32", 1, 63, "shift 63"),
        ("tosa32-double", -1, 33, "multiplier -1"),
        ("tosa16", 1 << 15, 33, "multiplier 32768"),
        ("gemmlowp", 1, 31, "shift 31"),
        ("gemmlowp", 1, -32, "shift -32"),
        ("tflite-single", -5, 0, "multiplier -5"),
        ("tflite16", 1, 8, "shift 8"),
        ("cmsis", 1, i32::MIN, "shift -2147483648"),
    ] {
        let error = refused(name, by(multiplier, shift));
        assert!(error.contains(part) && error.contains(name), "{error}");
    }
    let shift = |shift| ScaleParameters::Shift(PerChannel::Tensor(shift));
    assert!(refused("shift-up", shift(-1)).contains("-1"));
    assert!(refused("shift-up", shift(63)).contains("63"));
    let float = |scale| ScaleParameters::Float(PerChannel::Channels(vec![1.0, scale]));
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert!(refused("onnx", float(scale)).contains("channel 1"));
    }
    let exact = |scale| ScaleParameters::Exact(PerChannel::Tensor(scale));
    for scale in [f64::NAN, 2147483648.0, f64::NEG_INFINITY] {
        assert!(refused("exact-up", exact(scale)).contains("2^31"));
    }
    assert!(refused("onnx", exact(1.0)).contains("takes a float32 scale, not a scale"));
    let nan = PerChannel::Tensor(vec![0.0, f64::NAN]);
    assert_eq!(ScaleParameters::thresholds(&nan), Err(RequantizeError::Threshold { channel: 0 }));
}

#[test]
fn lists_of_different_lengths_and_empty_ones() {
    let numbers = ScaleParameters::MultiplierShift {
        multiplier: PerChannel::Channels(vec![1, 2]),
        shift: PerChannel::Channels(vec![0, 0, 0]),
    };
    assert!(refused("ruy", numbers).contains("the shift has 3 channels where 2 are needed"));
    let none = ScaleParameters::Shift(PerChannel::Channels(vec![]));
    assert!(refused("shift-up", none).contains("0 channels"));
    let numbers = ScaleParameters::Float(PerChannel::Channels(vec![1.0; 2]));
    let job = job(policy("onnx"), &numbers, "int8");
    assert!(job.with_bias(PerChannel::Channels(vec![1; 3])).is_err());
}

#[test]
fn zero_points_and_overflow_policies() {
    let onnx = || job(policy("onnx"), &ScaleParameters::Float(PerChannel::Tensor(1.0)), "uint8");
    assert!(onnx().with_zero_point(256).unwrap_err().to_string().contains("256"));
    assert!(onnx().with_zero_point(-1).is_err());
    assert!(onnx().with_overflow(Overflow::Wrap).is_err());
    let shift = ScaleParameters::Shift(PerChannel::Tensor(1));
    assert!(job(policy("shift-up"), &shift, "int8n").with_overflow(Overflow::Wrap).is_err());
}
