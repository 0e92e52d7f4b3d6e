//! Encoding.

use fewbit::convert::{Encoder, Source};
use fewbit::formats::{
    FloatFormat, Format, InfinityPolicy, NanPayload, NanPolicy, NanSign, Overflow, Policy,
    Rounding, SubnormalInput, SubnormalOutput, ZeroSign, philox,
};
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::points::{Detail, doubles, singles};
use super::{biased, shapes};
use crate::equality::{SEED, check_any};

/// Every mode; the stochastic ones with few bits, with one or two more than a fraction of 7 leaves, and with most.
fn roundings() -> Vec<Rounding> {
    let fixed = Rounding::NAMES.iter().map(|(rounding, _)| *rounding);
    let stochastic = [1, 8, 17, 32].into_iter().flat_map(|bits| {
        [
            Rounding::Stochastic { bits },
            Rounding::StochasticMiddle { bits },
            Rounding::StochasticNearest { bits },
            Rounding::StochasticOdd { bits },
        ]
    });
    fixed.chain(stochastic).collect()
}

/// A policy that takes NaN in formats that have none too.
fn policy(rounding: Rounding, overflow: Overflow) -> Policy {
    Policy::new(rounding, overflow).with_nan(NanPolicy::MlDtypes)
}

/// How modes and overflow policies are combined.
#[derive(Clone, Copy)]
enum Cross {
    /// Each with each.
    All,
    /// Every mode with the next overflow policy.
    EveryMode,
    /// Every fourth mode, with the next overflow policy; the next format takes others.
    InTurn,
}

impl Cross {
    /// The policies for the format of an index.
    fn policies(self, index: usize) -> Vec<Policy> {
        let step = if matches!(self, Self::InTurn) { 4 } else { 1 };
        let first = index % step;
        let modes = roundings().into_iter().enumerate().skip(first).step_by(step);
        let policies = modes.flat_map(|(turn, rounding)| {
            let overflows = match self {
                Self::All => Overflow::ALL,
                _ => std::slice::from_ref(&Overflow::ALL[(index + turn) % Overflow::ALL.len()]),
            };
            overflows.iter().map(move |&overflow| policy(rounding, overflow))
        });
        policies.collect()
    }
}

fn check_modes(formats: Vec<FloatFormat>, detail: Detail, cross: Cross) {
    formats.into_par_iter().enumerate().for_each(|(index, float)| {
        let x = singles(float, detail);
        for policy in cross.policies(index) {
            check_any(Format::Float(float), &policy, &x);
        }
    });
}

#[test]
fn every_mode_with_every_overflow_at_the_ends() {
    check_modes(shapes(), Detail::Sample(48), Cross::All);
}

#[test]
fn every_mode_at_every_value_and_tie() {
    check_modes(shapes(), Detail::Full, Cross::EveryMode);
}

#[test]
fn modes_in_any_range() {
    check_modes(biased(), Detail::Sample(24), Cross::InTurn);
}

#[test]
#[ignore = "each with each, at the ends also in any range: minutes"]
fn every_mode_with_every_overflow_at_every_value_and_tie() {
    check_modes(shapes(), Detail::Full, Cross::All);
    check_modes(biased(), Detail::Sample(96), Cross::All);
}

/// One choice per axis, by a random word.
fn any_policy(index: u64) -> Policy {
    let mut words = (0..).map(|i| philox::bits(29, 16 * index + i) as usize);
    let mut at = |count: usize| words.next().unwrap_or(0) % count;
    let roundings = roundings();
    Policy {
        rounding: roundings[at(roundings.len())],
        overflow: Overflow::ALL[at(Overflow::ALL.len())],
        nan: NanPolicy::ALL[at(NanPolicy::ALL.len())],
        nan_sign: NanSign::ALL[at(NanSign::ALL.len())],
        nan_payload: NanPayload::ALL[at(NanPayload::ALL.len())],
        infinity: InfinityPolicy::ALL[at(InfinityPolicy::ALL.len())],
        zero_sign: ZeroSign::ALL[at(ZeroSign::ALL.len())],
        subnormal_input: SubnormalInput::ALL[at(SubnormalInput::ALL.len())],
        subnormal_output: SubnormalOutput::ALL[at(SubnormalOutput::ALL.len())],
    }
}

#[test]
fn any_policy_in_every_shape() {
    const POLICIES: u64 = 24;
    shapes().into_par_iter().enumerate().for_each(|(index, float)| {
        let x = singles(float, Detail::Sample(96));
        for i in 0..POLICIES {
            check_any(Format::Float(float), &any_policy(POLICIES * index as u64 + i), &x);
        }
    });
    biased().into_par_iter().enumerate().for_each(|(index, float)| {
        let x = singles(float, Detail::Sample(24));
        for i in 0..4 {
            check_any(Format::Float(float), &any_policy((1 << 20) + 4 * index as u64 + i), &x);
        }
    });
}

#[test]
fn doubles_in_every_shape() {
    let check = |formats: Vec<FloatFormat>, cross: Cross| {
        formats.into_par_iter().enumerate().for_each(|(index, float)| {
            let x = doubles(float, Detail::Sample(16));
            for policy in cross.policies(index) {
                check_any(Format::Float(float), &policy, &x);
            }
        });
    };
    check(shapes(), Cross::EveryMode);
    check(biased(), Cross::InTurn);
}

#[test]
fn integers_in_every_shape() {
    fn each<X: Source>(x: &[X]) {
        shapes().into_par_iter().enumerate().for_each(|(index, float)| {
            for policy in Cross::InTurn.policies(index) {
                check_any(Format::Float(float), &policy, x);
            }
        });
    }
    each(&(i8::MIN..=i8::MAX).collect::<Vec<_>>());
    each(&(u8::MIN..=u8::MAX).collect::<Vec<_>>());
    each(&(i16::MIN..=i16::MAX).step_by(61).collect::<Vec<_>>());
    each(&(u16::MIN..=u16::MAX).step_by(61).collect::<Vec<_>>());
    // Powers of two, middles between them, and what lies one beside these.
    let near = |top: u32| {
        (2..top).flat_map(|bit| {
            [1i128 << bit, 3 << (bit - 1)].into_iter().flat_map(|x| [x - 1, x, x + 1])
        })
    };
    each(&near(31).flat_map(|x| [x as i32, -x as i32]).collect::<Vec<_>>());
    each(&near(32).map(|x| x as u32).collect::<Vec<_>>());
    each(&near(63).flat_map(|x| [x as i64, -x as i64]).collect::<Vec<_>>());
    each(&near(64).map(|x| x as u64).collect::<Vec<_>>());
}

/// As many elements as make several tasks, on one thread and on three.
#[test]
fn any_number_of_threads_in_every_shape() {
    let pools =
        [1, 3].map(|threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    for (index, float) in shapes().into_iter().enumerate() {
        let format = Format::Float(float);
        let few = singles(float, Detail::Sample(24));
        let x: Vec<f32> = few.iter().copied().cycle().take(40_003).collect();
        let roundings = roundings();
        for rounding in [Rounding::TiesEven, roundings[index % roundings.len()]] {
            let policy = policy(rounding, Overflow::Special);
            let expected: Vec<u32> = (0..x.len())
                .map(|i| format.encode(x[i], &policy, philox::bits(SEED, i as u64)).unwrap().code)
                .collect();
            let encoder = Encoder::new(format, policy).with_seed(SEED);
            for pool in &pools {
                let mut codes = vec![0u32; x.len()];
                pool.install(|| encoder.encode(&x, &mut codes)).unwrap();
                let threads = pool.current_num_threads();
                assert!(codes == expected, "{format} {rounding}: {threads} threads");
            }
        }
    }
}

/// By hand: 2^128 is a value of e8m1fin, and 1.5 * 2^128 the largest; infinity is beyond both.
#[test]
fn infinity_is_no_value_above_f32() {
    let format: Format = "e8m1fin".parse().unwrap();
    let x = [f32::MAX, f32::INFINITY, f32::NEG_INFINITY];
    for rounding in [Rounding::TiesEven, Rounding::Stochastic { bits: 8 }] {
        let mut codes = [0u16; 3];
        let policy = Policy::new(rounding, Overflow::Saturate);
        Encoder::new(format, policy).encode(&x, &mut codes).unwrap();
        assert_eq!(codes[1..], [0x1ff, 0x3ff], "{rounding}");
    }
}

/// By hand: e3m0fin has the magnitudes 0, 1/4, 1/2, 1, 2, 4, 8, 16 as its codes 0 to 7, and ties go to the even code.
#[test]
fn ties_go_to_the_even_code_without_a_fraction() {
    let format: Format = "e3m0fin".parse().unwrap();
    let x = [0.125f32, 0.375, 0.75, 1.5, 3.0, 6.0, -12.0, 24.0];
    let mut codes = [0u8; 8];
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    Encoder::new(format, policy).encode(&x, &mut codes).unwrap();
    assert_eq!(codes, [0, 2, 2, 4, 4, 6, 8 | 6, 7]); // 0, 1/2, 1/2, 2, 2, 8, -8, 16
}
