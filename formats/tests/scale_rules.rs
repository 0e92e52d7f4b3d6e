//! Scales of blocks against the definitions of their rules in exact arithmetic.

mod common;

use common::scales::expected;
use fewbit_formats::{
    ExponentRule, Format, InfiniteBlock, NanBlock, Real, ScaleArithmetic, ScalePolicy, ZeroBlock,
};
use fewbit_testkit::rounding::{exact, power_of_two};

const ELEMENTS: &[&str] = &[
    "e4m3fn",
    "e5m2",
    "e3m2fn",
    "e2m3fn",
    "e2m1fn",
    "fix8.6",
    "int4",
    "int8n",
    "e4m3fnuz",
    "binary8p4se",
];

/// Largest magnitudes at which a rule might change its mind.
fn magnitudes(element: Format) -> Vec<f32> {
    let max = element.max_finite() as f32;
    let mut all = vec![f32::from_bits(1), f32::from_bits(0x40_0000), f32::MIN_POSITIVE, f32::MAX];
    for e in [-149, -140, -130, -127, -126, -100, -8, -1, 0, 1, 2, 8, 15, 100, 119, 127] {
        for significand in [1.0, 1.25, 1.5, 1.75, 1.875, 1.9375, 1.96875, 1.984375, max, 1.5 * max]
        {
            all.push((f64::from(significand) * 2f64.powi(e)) as f32);
        }
    }
    let near: Vec<f32> = all.iter().flat_map(|x| [x.next_down(), *x, x.next_up()]).collect();
    let spread = (1..64u32).map(|i| f32::from_bits(i.wrapping_mul(0x0123_4567) % 0x7f80_0000));
    near.into_iter().chain(spread).filter(|x| *x > 0.0 && x.is_finite()).collect()
}

#[test]
fn rules_are_their_definitions() {
    for element in ELEMENTS.iter().map(|name| name.parse::<Format>().unwrap()) {
        for amax in magnitudes(element) {
            for &rule in ExponentRule::ALL {
                let real = Real::from_f32(amax);
                let found = rule.exponent(real, element, ScaleArithmetic::Exact);
                let expected = expected(rule, &exact(amax.into()), element);
                assert_eq!(found, expected, "{rule} {amax:e} {element}");
                let code = ScalePolicy::new(rule).e8m0(amax, element);
                assert_eq!(
                    code,
                    Some((expected.clamp(-127, 127) + 127) as u8),
                    "{rule} {amax:e} {element}"
                );
            }
        }
    }
}

/// The two `f32` computations of `amax / max` agree with the exact quotient about RCEIL for every significand near one
/// that matters and every eleventh of the others, so stacks that differ in it differ only where the quotient is subnormal.
#[test]
fn rceil_does_not_depend_on_the_arithmetic_of_normal_quotients() {
    for element in
        ["e4m3fn", "e5m2", "e3m2fn", "e2m3fn", "e2m1fn"].map(|name| name.parse::<Format>().unwrap())
    {
        let turn = (element.max_finite() as f32).to_bits() & 0x7f_ffff;
        let near = turn.saturating_sub(5000)..(turn + 5000).min(1 << 23);
        for significand in (0..1 << 23).step_by(11).chain(near) {
            let amax = Real::from_f32(f32::from_bits(0x3f80_0000 | significand));
            let exponent = |arithmetic| ExponentRule::Rceil.exponent(amax, element, arithmetic);
            let exact = exponent(ScaleArithmetic::Exact);
            assert_eq!(exponent(ScaleArithmetic::F32Divide), exact, "{element} {significand:x}");
            assert_eq!(
                exponent(ScaleArithmetic::F32Reciprocal),
                exact,
                "{element} {significand:x}"
            );
        }
    }
}

#[test]
fn quotients_are_what_their_name_says() {
    let values = [1.0f32, 3.0, 0.1, 448.0, 1e-40, 3e38, f32::from_bits(1), 7.5, 1.0 / 3.0];
    for x in values {
        for y in values {
            let quotient = |arithmetic: ScaleArithmetic| arithmetic.quotient(x.into(), y.into());
            assert_eq!(quotient(ScaleArithmetic::F32Divide), Real::from(x / y), "{x:e} / {y:e}");
            assert_eq!(
                quotient(ScaleArithmetic::F32Reciprocal),
                Real::from(x * (1.0 / y)),
                "{x:e} / {y:e}"
            );
            // 64 leading bits, the last one set if there is more.
            let ratio = exact(x.into()) / exact(y.into());
            let found = quotient(ScaleArithmetic::Exact);
            let scaled = ratio * power_of_two(63 - found.exponent());
            let floor = scaled.floor().to_integer();
            let expected =
                if scaled.is_integer() { floor } else { floor | num_bigint::BigInt::from(1) };
            assert_eq!(num_bigint::BigInt::from(found.significand()), expected, "{x:e} / {y:e}");
        }
    }
}

#[test]
fn blocks_without_a_magnitude() {
    let policy = ScalePolicy::new(ExponentRule::Floor);
    let code = |policy: ScalePolicy, amax| policy.e8m0(amax, Format::E4M3FN);
    assert_eq!(code(policy, 0.0), Some(0));
    assert_eq!(code(ScalePolicy { zero_block: ZeroBlock::One, ..policy }, 0.0), Some(127));
    assert_eq!(code(policy, f32::NAN), Some(255));
    assert_eq!(code(ScalePolicy { nan_block: NanBlock::Error, ..policy }, f32::NAN), None);
    assert_eq!(code(policy, f32::INFINITY), Some(255));
    let infinite = |infinite_block| code(policy.with_infinite_block(infinite_block), f32::INFINITY);
    assert_eq!(infinite(InfiniteBlock::AsExponent), Some(127 + 128 - 8));
    assert_eq!(infinite(InfiniteBlock::Largest), Some(254));
    assert_eq!(infinite(InfiniteBlock::Error), None);
}
