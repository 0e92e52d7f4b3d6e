//! Slices in vector lanes: the reference's outputs and its first refusal, on every instruction set and number of threads.

use fewbit::formats::Overflow;
use fewbit::reference::requantize;
use fewbit::requantize::{PerChannel, Requantization, RequantizePolicy, ScaleParameters};
use fewbit::{Isa, RequantizeInput, RequantizeOutput, RequantizeSliceError, Requantizer};
use fewbit_testkit::Random;

use crate::jobs::{job, numbers, policies, policy, values};

/// Outputs, or the index that is refused.
type Answer = Result<Vec<i64>, usize>;

fn run<X: RequantizeInput, O: RequantizeOutput + Into<i64>>(by: &Requantizer, x: &[X]) -> Answer {
    let mut outputs = vec![O::default(); x.len()];
    match by.run(x, &mut outputs) {
        Ok(()) => Ok(outputs.into_iter().map(Into::into).collect()),
        Err(RequantizeSliceError::Value { index, .. }) => Err(index),
        Err(error) => panic!("{error}"),
    }
}

fn as_stored<X: RequantizeInput>(by: &Requantizer, x: &[X]) -> Answer {
    let format = by.requantization().format();
    match (format.is_signed(), format.bits()) {
        (true, ..=8) => run::<X, i8>(by, x),
        (true, 9..=16) => run::<X, i16>(by, x),
        (true, _) => run::<X, i32>(by, x),
        (false, ..=8) => run::<X, u8>(by, x),
        (false, 9..=16) => run::<X, u16>(by, x),
        (false, _) => run::<X, u32>(by, x),
    }
}

/// As `i64`, and as `i32` where all values are.
fn check(job: &Requantization, values: &[i64], threads: &[usize]) {
    let expected = requantize::slice(job, values).map_err(|(index, _)| index);
    let narrow: Option<Vec<i32>> = values.iter().map(|&x| x.try_into().ok()).collect();
    for isa in Isa::available() {
        let by = Requantizer::new(job.clone()).with_isa(isa).unwrap();
        for &threads in threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let case = || format!("{} {:?} on {isa}", job.policy(), job.scale());
                let same = as_stored(&by, values) == expected;
                assert!(same, "{} of i64, {:?}", case(), difference(&by, values, &expected));
                if let Some(x) = &narrow {
                    let same = as_stored(&by, x) == expected;
                    assert!(same, "{} of i32, {:?}", case(), difference(&by, x, &expected));
                }
            });
        }
    }
}

/// The first value whose outputs differ.
fn difference<X: RequantizeInput>(by: &Requantizer, x: &[X], expected: &Answer) -> String {
    match (as_stored(by, x), expected) {
        (Ok(found), Ok(expected)) => {
            let at = found.iter().zip(expected).position(|(a, b)| a != b);
            at.map_or(String::new(), |at| {
                format!("{}: {} and not {}", x[at].into(), found[at], expected[at])
            })
        }
        (found, expected) => format!("{:?} {:?}", found.err(), expected.as_ref().err()),
    }
}

/// Those of the values that are taken, in which nothing interrupts a run.
fn accepted(job: &Requantization, values: &[i64]) -> Vec<i64> {
    let taken = |&value: &i64| requantize::element(job, 0, value).is_ok();
    values.iter().copied().filter(taken).collect()
}

#[test]
fn every_policy_at_the_ends_of_its_numbers() {
    let mut random = Random(3);
    for policy in policies() {
        let (short, wide) = match policy {
            RequantizePolicy::Onnx | RequantizePolicy::Finn => ("int8", "uint16"),
            _ => ("uint8", "int32"),
        };
        for (number, numbers) in numbers(policy, &mut random).iter().enumerate() {
            let job = job(policy, numbers, if number % 3 == 0 { short } else { wide });
            let job = if number % 3 == 0 { job.with_zero_point(7).unwrap() } else { job };
            let mut values = values(policy, &mut random, 32);
            random.shuffle(&mut values);
            values.truncate(200);
            check(&job, &accepted(&job, &values), &[1]);
            values.truncate(20);
            check(&job, &values, &[1]);
        }
    }
}

#[test]
fn channels_biases_formats_and_lengths() {
    let mut random = Random(4);
    for name in [
        "tosa32",
        "tosa32-double-wrap",
        "tosa16",
        "gemmlowp",
        "gemmlowp-saturate",
        "tflite-single",
        "tflite16",
        "cmsis",
        "cmsis-single",
        "ruy",
        "onnx",
        "exact-ties-even",
        "exact-odd",
        "finn",
        "shift-ties-dpu",
        "exact-sr8",
    ] {
        let policy = policy(name);
        for channels in [1, 3, 64, 100] {
            let scale = |i: usize| match name {
                "shift-ties-dpu" => 0.5f64.powi(i as i32 % 9),
                _ => 0.7 / (1 + 5 * i) as f64,
            };
            let scales = PerChannel::Channels((0..channels).map(scale).collect());
            let numbers = policy.parameters(&scales).unwrap();
            let bias: Vec<i64> = (0..channels as i64).map(|i| 77 * i - 1000).collect();
            for (to, overflow) in [
                ("int8", Overflow::Saturate),
                ("uint4", Overflow::Saturate),
                ("int8", Overflow::SaturateSymmetric),
                ("int16", Overflow::Wrap),
            ] {
                let job = job(policy, &numbers, to).with_zero_point(3).unwrap();
                let biased = job.clone().with_bias(PerChannel::Channels(bias.clone())).unwrap();
                for job in [job, biased] {
                    let Ok(job) = job.with_overflow(overflow) else { continue };
                    let length = channels * (700 / channels);
                    let values: Vec<i64> =
                        (0..length).map(|_| i64::from(random.next() as i32 >> 12)).collect();
                    check(&job, &values, &[1]);
                }
            }
        }
    }
}

#[test]
fn thresholds_of_channels() {
    let lists = (0..5).map(|c| (0..3 * c).map(|t| t * 40 - 100 + c).collect()).collect();
    let numbers = ScaleParameters::Thresholds {
        thresholds: PerChannel::Channels(lists),
        out_scale: 2,
        out_bias: -7,
    };
    let job = job(policy("thresholds"), &numbers, "int8");
    check(&job, &(0..1000).map(|i| i - 500).collect::<Vec<_>>(), &[1, 3]);
}

#[test]
fn long_slices_on_several_threads() {
    let mut random = Random(5);
    let numbers = ScaleParameters::multiplier_shift(1_518_500_250, -7);
    for name in ["gemmlowp", "tflite-single"] {
        let job = job(policy(name), &numbers, "int8");
        let values: Vec<i64> = (0..200_001).map(|_| i64::from(random.next() as i32)).collect();
        check(&job, &values, &[1, 3]);
    }
    // The first of two refusals in different tasks.
    let job = job(policy("tosa32"), &ScaleParameters::multiplier_shift(1 << 30, 12), "int8");
    let mut values = vec![5i64; 300_000];
    (values[299_999], values[150_001], values[70_000]) = (1 << 20, 1 << 40, -2049);
    check(&job, &values, &[1, 3]);
    assert_eq!(requantize::slice(&job, &values).unwrap_err().0, 70_000);
}

#[test]
fn what_does_not_fit_is_refused() {
    let pair = ScaleParameters::MultiplierShift {
        multiplier: PerChannel::Channels(vec![1, 2]),
        shift: PerChannel::Tensor(0),
    };
    let by = Requantizer::new(job(policy("gemmlowp"), &pair, "uint8"));
    let error = by.run(&[1i32, 2], &mut [0u8]).unwrap_err();
    assert_eq!(error, RequantizeSliceError::Length { from: 2, to: 1 });
    let error = by.run(&[1i32, 2, 3], &mut [0u8; 3]).unwrap_err();
    assert_eq!(error, RequantizeSliceError::Channels { length: 3, channels: 2 });
    let error = by.run(&[1i32, 2], &mut [0i8; 2]).unwrap_err().to_string();
    assert_eq!(error, "i8 does not hold uint8, 0 to 255");
    assert!(by.run::<i32, u8>(&[], &mut []).is_ok());
}
