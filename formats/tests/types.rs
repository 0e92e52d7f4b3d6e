//! The types: constants, conversions, questions, operators and comparison, over every code of those of at most 16 bits.

use core::cmp::Ordering;
use core::hash::{BuildHasher, Hash};
use core::num::FpCategory;
use fewbit_formats::types::*;
use fewbit_formats::{
    Arithmetic, EncodeError, Format, InfinityPolicy, NanPolicy, Overflow, Policy, Real, Rounding,
    Status,
};
use std::collections::hash_map::RandomState;

/// Codes: all of up to 16 bits, else some thousands.
fn codes(format: Format) -> impl Iterator<Item = u32> {
    let all = format.bits() <= 16;
    let count = if all { format.code_count() as u32 } else { 20_000 };
    (0..count)
        .map(move |i| if all { i } else { i.wrapping_mul(0x9e37_79b9) >> (32 - format.bits()) })
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

/// Calls a macro once for every type, by groups of what they have.
macro_rules! for_groups {
    ($all:ident, $f32:ident, $signed:ident, $float:ident, $zero:ident) => {
        for_groups!(@ $all [E4M3FN E5M2 E4M3 E3M4 E4M3FNUZ E5M2FNUZ E4M3B11FNUZ E3M2FN E2M3FN E2M1FN E8M0FNU E4M3FNU E5M3FNU
            BF16 F16 TF32 Binary8P4SE Binary8P3SE Posit8 Posit16 Posit32 Takum8 Takum16]);
        for_groups!(@ $f32 [E4M3FN E5M2 E4M3 E3M4 E4M3FNUZ E5M2FNUZ E4M3B11FNUZ E3M2FN E2M3FN E2M1FN E8M0FNU E4M3FNU E5M3FNU
            BF16 F16 TF32 Binary8P4SE Binary8P3SE Posit8 Posit16]);
        for_groups!(@ $signed [E4M3FN E5M2 E4M3 E3M4 E4M3FNUZ E5M2FNUZ E4M3B11FNUZ E3M2FN E2M3FN E2M1FN
            BF16 F16 TF32 Binary8P4SE Binary8P3SE Posit8 Posit16 Posit32 Takum8 Takum16]);
        for_groups!(@ $float [E4M3FN E5M2 E4M3 E3M4 E4M3FNUZ E5M2FNUZ E4M3B11FNUZ E3M2FN E2M3FN E2M1FN E8M0FNU E4M3FNU E5M3FNU
            BF16 F16 TF32 Binary8P4SE Binary8P3SE]);
        for_groups!(@ $zero [E4M3FN E5M2 E4M3 E3M4 E4M3FNUZ E5M2FNUZ E4M3B11FNUZ E3M2FN E2M3FN E2M1FN E4M3FNU E5M3FNU
            BF16 F16 TF32 Binary8P4SE Binary8P3SE Posit8 Posit16 Posit32 Takum8 Takum16]);
    };
    (@ $call:ident [$($name:ident)+]) => { $( $call!($name); )+ };
}

#[test]
fn every_type() {
    let mut seen = 0;
    macro_rules! all {
        ($name:ident) => {{
            seen += 1;
            let format = $name::FORMAT;
            assert_eq!($name::BITS, format.bits());
            assert_eq!($name::ONE.to_f64(), 1.0);
            assert_eq!($name::MAX.to_f64(), format.max_finite());
            assert_eq!($name::MIN.to_f64(), format.min_finite());
            let next = format.decode(u32::from($name::ONE.to_bits()) + 1);
            assert_eq!($name::EPSILON.to_f64(), next - 1.0);
            for code in codes(format) {
                let (x, value) = ($name::from_code(code), format.decode(code));
                assert_eq!(x.code(), code);
                assert_eq!($name::from_bits(x.to_bits()).to_bits(), x.to_bits());
                assert_eq!($name::from_le_bytes(x.to_le_bytes()).code(), code);
                assert_eq!($name::from_be_bytes(x.to_be_bytes()).code(), code);
                assert!(same(x.to_f64(), value) && same(f64::from(x), value));
                assert_eq!(x.is_nan(), value.is_nan());
                assert_eq!(x.is_infinite(), value.is_infinite());
                assert_eq!(x.is_finite(), value.is_finite());
                assert_eq!(x.is_sign_negative(), value.is_sign_negative());
                let normal = format.smallest_normal();
                let tiny = value != 0.0 && normal.is_some_and(|normal| value.abs() < normal);
                assert_eq!(x.is_subnormal(), tiny, "{x:?}");
                let category = match value.classify() {
                    FpCategory::Normal | FpCategory::Subnormal if tiny => FpCategory::Subnormal,
                    FpCategory::Normal | FpCategory::Subnormal => FpCategory::Normal,
                    other => other,
                };
                assert_eq!(x.classify(), category);
                assert_eq!(x.is_normal(), category == FpCategory::Normal);
                // What has a code is given back, by every way in.
                if !x.is_nan() {
                    assert_eq!($name::from_f64(value).code(), code, "{x:?}");
                    assert_eq!($name::from_f64_status(value).1, Status::NONE);
                    let narrow = value as f32;
                    assert!(f64::from(narrow) != value || $name::from_f32(narrow).code() == code);
                    assert!(
                        value.is_infinite() || $name::saturating_from_f64(value).code() == code
                    );
                } else {
                    assert!($name::from_f64(value).is_nan());
                }
                assert_eq!(x.total_cmp(&x), Ordering::Equal);
                assert_eq!(
                    format!("{x:x} {x:X} {x:b} {x:o}"),
                    format!("{code:x} {code:X} {code:b} {code:o}")
                );
            }
        }};
    }
    macro_rules! single {
        ($name:ident) => {
            for code in codes($name::FORMAT) {
                let x = $name::from_code(code);
                assert!(same(f64::from(x.to_f32()), x.to_f64()));
                assert!(same(f64::from(f32::from(x)), x.to_f64()));
            }
        };
    }
    macro_rules! signed {
        ($name:ident) => {
            assert_eq!($name::NEG_ONE, -$name::ONE);
            for code in codes($name::FORMAT) {
                let (x, minus) = ($name::from_code(code), $name::NEG_ONE);
                if x.is_nan() {
                    assert!((-x).is_nan() && x.abs().is_nan() && x.signum().is_nan());
                    continue;
                }
                assert_eq!((-x).to_f64(), -x.to_f64());
                assert_eq!(x.abs().to_f64(), x.to_f64().abs());
                assert!(same(x.signum().to_f64(), x.to_f64().signum()));
                assert_eq!(x.copysign(minus).to_f64(), -x.to_f64().abs());
                assert_eq!(x.copysign($name::ONE).to_f64(), x.to_f64().abs());
            }
        };
    }
    macro_rules! float {
        ($name:ident) => {
            let Format::Float(float) = $name::FORMAT else { panic!("a float") };
            assert_eq!($name::MANTISSA_DIGITS, float.fraction_bits() + 1);
            let smallest = 2f64.powi($name::MIN_EXP - 1);
            assert_eq!($name::MIN_POSITIVE.to_f64(), smallest);
            let max = $name::MAX.to_f64();
            assert!(2f64.powi($name::MAX_EXP - 1) <= max && max < 2f64.powi($name::MAX_EXP));
        };
    }
    macro_rules! zero {
        ($name:ident) => {
            assert_eq!(($name::ZERO.to_bits(), $name::default().to_bits()), (0, 0));
            let ones = [$name::ONE; 3];
            assert_eq!(ones.iter().sum::<$name>(), $name::ONE + $name::ONE + $name::ONE);
            assert_eq!(ones.into_iter().product::<$name>(), $name::ONE);
        };
    }
    for_groups!(all, single, signed, float, zero);
    assert_eq!(seen, ALL.len(), "a type is missing here");
}

#[test]
fn constants_of_half_precision_are_those_of_the_crate_half() {
    use half::{bf16, f16};
    macro_rules! equal {
        ($ours:ident $theirs:ident: $($constant:ident)+) => {
            $( assert_eq!($ours::$constant.to_bits(), $theirs::$constant.to_bits(), stringify!($constant)); )+
            assert_eq!($ours::MANTISSA_DIGITS, $theirs::MANTISSA_DIGITS);
            assert_eq!($ours::DIGITS, $theirs::DIGITS);
            assert_eq!(($ours::MIN_EXP, $ours::MAX_EXP), ($theirs::MIN_EXP, $theirs::MAX_EXP));
            assert_eq!($ours::RADIX, $theirs::RADIX);
        };
    }
    equal!(F16 f16: EPSILON INFINITY MAX MAX_SUBNORMAL MIN MIN_POSITIVE MIN_POSITIVE_SUBNORMAL NAN NEG_INFINITY NEG_ONE
        NEG_ZERO ONE ZERO);
    equal!(BF16 bf16: EPSILON INFINITY MAX MAX_SUBNORMAL MIN MIN_POSITIVE MIN_POSITIVE_SUBNORMAL NAN NEG_INFINITY NEG_ONE
        NEG_ZERO ONE ZERO);
}

#[test]
fn constants_by_hand() {
    assert_eq!([E4M3FN::MAX, E4M3FN::MIN].map(f64::from), [448.0, -448.0]);
    assert_eq!(
        (E4M3FN::NAN.to_bits(), E4M3FNUZ::NAN.to_bits(), Posit8::NAN.to_bits()),
        (0x7f, 0x80, 0x80)
    );
    assert_eq!(E4M3FN::MIN_POSITIVE.to_f64(), 2f64.powi(-6));
    assert_eq!(E4M3FN::MIN_POSITIVE_SUBNORMAL.to_bits(), 1);
    assert_eq!((E8M0FNU::MIN.to_f64(), E8M0FNU::MAX.to_f64()), (2f64.powi(-127), 2f64.powi(127)));
    assert_eq!((E8M0FNU::ONE.to_bits(), E8M0FNU::EPSILON.to_f64()), (127, 1.0));
    assert_eq!((Posit16::MIN_POSITIVE.to_bits(), Posit16::MAX.to_bits()), (1, 0x7fff));
    assert_eq!((E4M3FNU::MIN.to_bits(), E4M3FNU::MAX.to_f64()), (0, 448.0));
    assert_eq!((E5M3FNU::MAX.to_bits(), E5M3FNU::MAX.to_f64()), (0xfe, 114_688.0));
    assert_eq!(Binary8P4SE::INFINITY.to_bits(), 0x7f);
}

#[test]
fn conversions_of_constants() {
    const X: E4M3FN = E4M3FN::from_f32(0.3);
    const SUM: E5M2 = E5M2::from_f64(1.25).mul_add(E5M2::ONE, E5M2::ONE);
    const VALUE: f32 = X.to_f32();
    assert_eq!((VALUE, SUM.to_f64()), (0.3125, 2.0));
}

#[test]
fn overflow_is_the_types_own() {
    assert!(E5M2::from_f32(1e9).is_infinite() && Binary8P3SE::from_f32(1e30).is_infinite());
    assert!(E4M3FN::from_f32(465.0).is_nan() && E4M3FNUZ::from_f32(f32::INFINITY).is_nan());
    assert_eq!(E2M1FN::from_f32(-100.0), E2M1FN::MIN);
    assert_eq!(E2M1FN::from_f32_status(f32::NAN), (E2M1FN::MAX, Status::INVALID));
    assert!(E4M3FNU::from_f32(-1.0).is_nan() && E8M0FNU::from_f32(0.0).is_nan());
    assert_eq!(Posit8::from_f32(1e30), Posit8::MAX);
    assert!(Posit8::from_f32(f32::INFINITY).is_nan());
    for saturated in [f32::MAX, f32::INFINITY] {
        assert_eq!(E5M2::saturating_from_f32(saturated), E5M2::MAX);
        assert_eq!(E4M3FN::saturating_from_f32(-saturated), E4M3FN::MIN);
        assert_eq!(Takum8::saturating_from_f32(f32::INFINITY), Takum8::MAX);
    }
    assert!(E4M3FN::saturating_from_f32(f32::NAN).is_nan());
    let (code, status) = E4M3FN::from_f32_status(1.0625);
    assert_eq!((code.to_f64(), status), (1.0, Status::INEXACT));
    let policy = Policy::new(Rounding::Up, Overflow::Saturate).with_infinity(InfinityPolicy::Error);
    assert_eq!(E4M3FN::from_f32_with(1.01, &policy, 0).unwrap().0.to_f64(), 1.125);
    let refused = E4M3FN::from_f64_with(f64::INFINITY, &policy, 0);
    assert_eq!(refused, Err(EncodeError::Infinity { format: Format::E4M3FN }));
    let draw = policy.with_rounding(Rounding::Stochastic { bits: 1 });
    let drawn =
        [0, 1].map(|random| E4M3FN::from_f64_with(1.0625, &draw, random).unwrap().0.to_f64());
    assert_eq!(drawn, [1.0, 1.125]);
}

/// No f64 is rounded twice: half an epsilon above one is a tie, and a little more is not.
#[test]
fn f64_is_rounded_once() {
    let tie = 1.0 + F16::EPSILON.to_f64() / 2.0;
    assert_eq!(F16::from_f64(tie), F16::ONE);
    assert_eq!(F16::from_f64(tie.next_up()).to_bits(), F16::ONE.to_bits() + 1);
}

/// Bits above the width are ignored everywhere.
#[test]
fn narrow_types_look_at_their_low_bits() {
    let x = E2M1FN::from_bits(0xf7);
    assert_eq!((x.to_bits(), x), (0x7, E2M1FN::MAX));
    assert_eq!(TF32::from_bits(0xffff_ffff).to_bits(), 0x7_ffff);
}

/// f32 has more than twice the precision of f16, and two bits: rounding to it and then to f16 is rounding once
/// (Figueroa 1995), for these five operations; products and subnormal sums are exact in it.
#[test]
fn f16_is_f32_rounded() {
    let draw = |i: u32| (i.wrapping_mul(0x9e37_79b9) >> 13) as u16;
    for i in 0..400_000u32 {
        let a = draw(i);
        // Any pair; near each other with opposite signs; neighbours in size.
        let b = match i % 3 {
            0 => draw(i.wrapping_mul(77) + 5),
            1 => a ^ 0x8000 ^ (i % 7) as u16,
            _ => a.wrapping_add((i % 4096) as u16),
        };
        let (x, y) = (F16::from_bits(a), F16::from_bits(b));
        let (u, v) = (half::f16::from_bits(a).to_f32(), half::f16::from_bits(b).to_f32());
        let results = [
            (x + y, u + v),
            (x - y, u - v),
            (x * y, u * v),
            (x / y, u / v),
            (x % y, u % v),
            (x.sqrt(), u.sqrt()),
        ];
        for (op, (found, expected)) in results.into_iter().enumerate() {
            let expected = half::f16::from_f32(expected);
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            assert!(same, "operation {op} on {a:#x} {b:#x}: {found:?}, not {expected:?}");
        }
    }
}

#[test]
fn operators_are_the_arithmetic_of_the_format() {
    let policy = Policy::new(Rounding::TiesEven, Overflow::Special);
    let to = Arithmetic::new(Format::E5M2, policy);
    for a in (0..=255u8).map(E5M2::from_bits) {
        for b in (0..=255u8).map(E5M2::from_bits) {
            let (u, v) = (Real::from(a), Real::from(b));
            let mut c = a;
            c += b;
            let results = [
                (a + b, to.add(u, v, 0)),
                (c, to.add(u, v, 0)),
                (a % b, to.rem(u, v, 0)),
                (a.mul_add(b, a), to.mul_add(u, v, u, 0)),
                (a.min(b), to.minimum_number(u, v, 0)),
                (a.maximum(b), to.maximum(u, v, 0)),
            ];
            for (found, expected) in results {
                assert_eq!(u32::from(found.to_bits()), expected.unwrap().code, "{a:?} {b:?}");
            }
        }
    }
    let mut x = F16::from_f32(7.0);
    x -= F16::ONE;
    x *= F16::from_f32(2.5);
    x /= F16::from_f32(5.0);
    x %= F16::from_f32(2.0);
    assert_eq!((x, F16::from_f32(4.0).recip().to_f32()), (F16::ONE, 0.25));
    assert_eq!(F16::from_f32(9.0).clamp(F16::ONE, x + x).to_f32(), 2.0);
    assert!(F16::NAN.clamp(F16::ZERO, F16::ONE).is_nan());
}

/// Without NaN comparison is an equivalence, and equal values have equal hashes; with it, it is not.
#[test]
fn comparison_and_hashes() {
    fn check<T: Number + Ord + Hash>() {
        let hasher = RandomState::new();
        let all: Vec<T> = (0..T::FORMAT.code_count() as u32).map(T::from_code).collect();
        for a in &all {
            for b in &all {
                let (x, y) = (T::FORMAT.decode(a.code()), T::FORMAT.decode(b.code()));
                assert_eq!(a == b, a.cmp(b) == Ordering::Equal);
                assert_eq!(a.partial_cmp(b), Some(a.cmp(b)));
                assert_eq!(a.cmp(b), b.cmp(a).reverse());
                if x.is_nan() || y.is_nan() {
                    // NaR: the least, and itself.
                    assert_eq!(a.cmp(b), y.is_nan().cmp(&x.is_nan()));
                } else {
                    assert_eq!(x.partial_cmp(&y), Some(a.cmp(b)));
                }
                assert!(a != b || hasher.hash_one(a) == hasher.hash_one(b), "{a} {b}");
            }
        }
    }
    check::<E3M2FN>();
    check::<E2M3FN>();
    check::<E2M1FN>();
    check::<Posit8>();
    check::<Takum8>();
    assert_ne!(E4M3FN::NAN, E4M3FN::NAN);
    assert_eq!(E4M3FN::NAN.partial_cmp(&E4M3FN::ONE), None);
    assert_eq!(E4M3FN::NEG_ZERO, E4M3FN::ZERO);
    assert_eq!(E4M3FN::NEG_ZERO.total_cmp(&E4M3FN::ZERO), Ordering::Less);
    assert!(E5M2::NEG_INFINITY < E5M2::MIN && E5M2::MAX < E5M2::INFINITY);
}

#[test]
fn generic_code() {
    fn largest<T: Number>() -> f64 {
        (0..T::FORMAT.code_count() as u32)
            .map(|c| T::FORMAT.decode(T::from_code(c).code()))
            .fold(0.0, f64::max)
    }
    assert_eq!((largest::<E2M3FN>(), largest::<E4M3FNUZ>()), (7.5, 240.0));
    let no_nan = Policy::new(Rounding::TiesEven, Overflow::Saturate).with_nan(NanPolicy::Zero);
    assert_eq!(E2M1FN::from_f32_with(f32::NAN, &no_nan, 0).unwrap().0, E2M1FN::ZERO);
}
