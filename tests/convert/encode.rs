//! Encoding.

use fewbit::convert::{Encoder, Source};
use fewbit::formats::{
    Format, InfinityPolicy, NanPayload, NanPolicy, NanSign, Overflow, Policy, Rounding,
    SubnormalInput, SubnormalOutput, ZeroSign,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::equality::{check, check_any};
use crate::inputs;

fn roundings() -> Vec<Rounding> {
    let fixed = Rounding::NAMES.iter().map(|(rounding, _)| *rounding);
    let stochastic =
        [0, 1, 3, 8, 13, 16, 20, 21, 22, 23, 30, 31, 32].into_iter().flat_map(|bits| {
            [
                Rounding::Stochastic { bits },
                Rounding::StochasticMiddle { bits },
                Rounding::StochasticNearest { bits },
                Rounding::StochasticOdd { bits },
            ]
        });
    fixed.chain(stochastic).collect()
}

/// The formats that lanes cover, and one that they do not.
fn table() -> impl Iterator<Item = Format> {
    Format::table().iter().map(|row| row.format).filter(|format| format.bits() <= 16)
}

#[test]
fn every_rounding_and_both_main_overflows() {
    for format in table() {
        let x = inputs::values(format);
        for rounding in roundings() {
            for overflow in [Overflow::Saturate, Overflow::Special] {
                let policy = Policy::new(rounding, overflow).with_nan(NanPolicy::MlDtypes);
                check_any(format, &policy, &x);
            }
        }
    }
}

#[test]
fn every_overflow() {
    let modes = [Rounding::TiesEven, Rounding::Up, Rounding::Odd, Rounding::Stochastic { bits: 9 }];
    for format in table() {
        let x = inputs::values(format);
        for (rounding, &overflow) in
            modes.iter().flat_map(|r| Overflow::ALL.iter().map(move |o| (r, o)))
        {
            check_any(format, &Policy::new(*rounding, overflow), &x);
        }
    }
}

#[test]
fn wide_codes_in_wider_integers() {
    for format in [Format::TF32, Format::F32, Format::INT32, Format::UINT32] {
        let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate).with_nan(NanPolicy::Zero);
        check::<f32, u32>(format, &policy, &inputs::values(format));
    }
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    check::<f32, u32>(Format::E4M3FN, &policy, &inputs::values(Format::E4M3FN));
    check::<f32, u16>(Format::E5M2, &policy, &inputs::values(Format::E5M2));
}

#[test]
fn doubles_are_rounded_once() {
    for format in table() {
        let x = inputs::doubles(format);
        for rounding in roundings() {
            let policy = Policy::new(rounding, Overflow::Special).with_nan(NanPolicy::MlDtypes);
            check_any(format, &policy, &x);
        }
    }
}

#[test]
fn integers_are_encoded_as_they_are() {
    fn all<X: Source>(x: impl Iterator<Item = X>) {
        let x: Vec<X> = x.collect();
        for format in table() {
            for rounding in [Rounding::TiesEven, Rounding::Down, Rounding::Stochastic { bits: 7 }] {
                check_any(format, &Policy::new(rounding, Overflow::Saturate), &x);
            }
        }
    }
    all(i8::MIN..=i8::MAX);
    all(u8::MIN..=u8::MAX);
    all((i16::MIN..=i16::MAX).step_by(7));
    all((u16::MIN..=u16::MAX).step_by(7));
    // One more than a tie that f32, or f64, cannot tell from it.
    let near = |top: u32| (0..top).flat_map(|bit| [-1, 0, 1].map(|d| (1i128 << bit) + d));
    let ties =
        |top: u32| near(top).chain((9..top).map(|bit| (1i128 << bit) + (1 << (bit - 9)) + 1));
    all(ties(31).flat_map(|x| [x as i32, -x as i32]));
    all(ties(32).map(|x| x as u32));
    all(ties(63).flat_map(|x| [x as i64, -x as i64]));
    all(ties(64).map(|x| x as u64));
}

/// A value one bit above a tie, which a detour through `f32` loses.
#[test]
fn a_double_above_a_tie_is_above_it() {
    let x = [1.0625 + 2f64.powi(-52), 1.0625, 1.0625 - 2f64.powi(-53)];
    let mut codes = [0u8; 3];
    let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    Encoder::new(Format::E4M3FN, policy).encode(&x, &mut codes).unwrap();
    assert_eq!(codes, [0x39, 0x38, 0x38]); // 1.125, 1, 1
}

prop_compose! {
    fn any_policy()(
        rounding in select(roundings()),
        overflow in select(Overflow::ALL.to_vec()),
        nan in select(NanPolicy::ALL.to_vec()),
        nan_sign in select(NanSign::ALL.to_vec()),
        nan_payload in select(NanPayload::ALL.to_vec()),
        infinity in select(InfinityPolicy::ALL.to_vec()),
        zero_sign in select(ZeroSign::ALL.to_vec()),
        subnormal_input in select(SubnormalInput::ALL.to_vec()),
        subnormal_output in select(SubnormalOutput::ALL.to_vec()),
    ) -> Policy {
        Policy {
            rounding, overflow, nan, nan_sign, nan_payload, infinity, zero_sign, subnormal_input, subnormal_output,
        }
    }
}

/// The name of a custom format of at most 16 bits.
fn any_name() -> impl Strategy<Value = Format> {
    let suffixes = select(vec!["", "fn", "fnuz", "fin", "u", "fnu", "finu"]);
    let float = (1u32..=11, 0u32..=14, prop::option::of(-1000i32..1100), suffixes).prop_map(
        |(exponent, fraction, bias, suffix)| match bias {
            Some(bias) => format!("e{exponent}m{fraction}b{bias}{suffix}"),
            None => format!("e{exponent}m{fraction}{suffix}"),
        },
    );
    let p3109 = (3u32..=16, 1u32..=16, select(vec!["se", "sf", "ue", "uf"]))
        .prop_map(|(bits, precision, kind)| format!("binary{bits}p{precision}{kind}"));
    let int = (1u32..=16, select(vec!["int", "uint"]), select(vec!["", "n"]))
        .prop_map(|(bits, kind, range)| format!("{kind}{bits}{range}"));
    let fixed = (1u32..=16, -128i32..=127, select(vec!["fix", "ufix"]))
        .prop_map(|(bits, fraction, kind)| format!("{kind}{bits}.{fraction}"));
    let row = select(table().map(|format| format.to_string()).collect::<Vec<_>>());
    prop_oneof![6 => float, 2 => p3109, 2 => int, 2 => fixed, 2 => row]
        .prop_filter_map("is a format of at most 16 bits", |name| {
            name.parse::<Format>().ok().filter(|format| format.bits() <= 16)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_format_under_any_policy(format in any_name(), policy in any_policy()) {
        check_any(format, &policy, &inputs::values(format));
        check_any(format, &policy, &inputs::doubles(format));
    }
}
