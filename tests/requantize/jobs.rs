//! Requantizations of every policy, and values that are hard for them.

use fewbit::formats::{Format, IntFormat};
use fewbit::requantize::{
    Excess, PerChannel, Requantization, RequantizePolicy, ScaleKind, ScaleParameters,
};
use fewbit_testkit::Random;
use fewbit_testkit::rounding::Mode;

pub(crate) fn int(name: &str) -> IntFormat {
    match name.parse::<Format>().unwrap() {
        Format::Int(format) => format,
        other => panic!("{other} is no integer"),
    }
}

pub(crate) fn policy(name: &str) -> RequantizePolicy {
    name.parse().unwrap()
}

/// Every policy; of the roundings all that the oracle knows.
pub(crate) fn policies() -> Vec<RequantizePolicy> {
    let modes = Mode::NAMES.iter().map(|(_, name)| name);
    let rounded = modes.flat_map(|mode| ["exact", "shift"].map(|p| policy(&format!("{p}-{mode}"))));
    RequantizePolicy::all().chain(rounded).collect()
}

const MULTIPLIERS: [i32; 14] = [
    0,
    1,
    2,
    3,
    0x3fff,
    0x7fff,
    0x8000,
    1 << 30,
    (1 << 30) + 1,
    0x5555_5555,
    0x7ffe_ffff,
    0x7fff_0000,
    i32::MAX - 1,
    i32::MAX,
];
const NEGATIVE: [i32; 4] = [-1, -(1 << 30), i32::MIN + 1, i32::MIN];
const SCALES: [f64; 16] = [
    0.0,
    1.0,
    0.5,
    0.1,
    -0.1,
    1.0 / 3.0,
    0.0123,
    2.5e-5,
    3e7,
    -1.9e9,
    1.5,
    0.007812499999999999,
    5e-324,
    1e-19,
    123456.75,
    0.0009765625,
];

/// Numbers of a policy, some of them at every end of their ranges.
pub(crate) fn numbers(policy: RequantizePolicy, random: &mut Random) -> Vec<ScaleParameters> {
    let mut all = Vec::new();
    match policy.kind() {
        ScaleKind::MultiplierShift => {
            let ((least, most), (low, high)) =
                (policy.multiplier_range().unwrap(), policy.shift_range().unwrap());
            let shifts: Vec<i32> = if matches!(policy.excess(), Some(Excess::Wrap)) {
                (low..=high).collect()
            } else {
                vec![low, low + 1, -1, 0, 1, 2, 15, 30, 31, 32, 33, 34, 47, high - 1, high]
            };
            for shift in shifts.into_iter().filter(|s| (low..=high).contains(s)) {
                let known = MULTIPLIERS.iter().chain(&NEGATIVE).copied();
                let drawn = (0..4).map(|_| random.next() as i32);
                for multiplier in known.chain(drawn).filter(|m| (least..=most).contains(m)) {
                    all.push(ScaleParameters::multiplier_shift(multiplier, shift));
                }
            }
        }
        ScaleKind::Shift => {
            all.extend((0..=62).map(|shift| ScaleParameters::Shift(PerChannel::Tensor(shift))));
        }
        ScaleKind::Exact => {
            all.extend(SCALES.map(|scale| ScaleParameters::Exact(PerChannel::Tensor(scale))));
        }
        ScaleKind::Float => {
            let positive = SCALES.iter().map(|&x| x as f32).filter(|x| *x > 0.0);
            all.extend(positive.map(|scale| ScaleParameters::Float(PerChannel::Tensor(scale))));
            all.push(ScaleParameters::Float(PerChannel::Tensor(f32::MAX)));
        }
        ScaleKind::Affine => {
            for scale in SCALES {
                for bias in [0.0, 0.5, -3.25, 1e9] {
                    all.push(ScaleParameters::Affine {
                        scale: PerChannel::Tensor(scale as f32),
                        bias: PerChannel::Tensor(bias),
                    });
                }
            }
        }
        ScaleKind::Thresholds => {
            for (list, out_scale, out_bias) in [
                (vec![], 1, 0),
                (vec![0], 2, -1),
                (vec![5, -5, 5, i64::MAX, i64::MIN, i32::MAX.into()], 1, -3),
                ((0..300).map(|t| 7 * t - 1000).collect(), 1, -128),
                ((0..15).map(|t| (t - 7) * 100_000_000).collect(), -3, 7),
            ] {
                let thresholds = PerChannel::Tensor(list);
                all.push(ScaleParameters::Thresholds { thresholds, out_scale, out_bias });
            }
        }
        other => panic!("{other:?}"),
    }
    all
}

/// Ends of ranges, small numbers, what is next to ties of powers of two, and random ones of every width.
pub(crate) fn values(policy: RequantizePolicy, random: &mut Random, drawn: usize) -> Vec<i64> {
    let (least, most) = policy.value_range();
    let mut values = vec![least, least + 1, most, most - 1, least / 2, most / 2];
    values.extend(-9..=9);
    for bit in 1..63 {
        let power = 1i64 << bit;
        for near in [power - 1, power, power + 1, 3 * (power >> 1)] {
            values.extend([near, -near]);
        }
    }
    for _ in 0..drawn {
        values.push(random.next() as i64 >> (random.next() % 64));
    }
    values.retain(|value| (least..=most).contains(value));
    values
}

/// A requantization that must be one.
pub(crate) fn job(policy: RequantizePolicy, numbers: &ScaleParameters, to: &str) -> Requantization {
    Requantization::new(policy, numbers.clone(), int(to))
        .unwrap_or_else(|error| panic!("{policy} {numbers:?}: {error}"))
}
