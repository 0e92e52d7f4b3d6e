//! The lane for every format of at most 16 bits and every policy.

use fewbit_formats::{
    FloatFormat, Format, IntFormat, IntRange, Overflow, Policy, Real, Status, SubnormalInput,
    SubnormalOutput,
};

use super::EncodePlan;
use super::asked::{
    F32_BIAS, F32_FRACTION, LANE_BITS, asked, asked_by_sign, by_sign, fixed_threshold, huge,
    kept_payload,
};
use super::integer::integers;
use super::random::RandomWord;
use crate::convert::lane::{BySign, Constants, General, INFINITY, LEADING, MAGNITUDE, Threshold};

/// The lane for everything of at most 16 bits.
pub(super) fn plan(format: Format, policy: &Policy) -> Option<EncodePlan> {
    let (constants, threshold) = constants(format, policy)?;
    let wraps = integers(format).is_some_and(|(int, _)| wraps(int, policy));
    Some(match (threshold, wraps) {
        (Threshold::Fixed, false) => EncodePlan::Fixed(General(constants)),
        (Threshold::Fixed, true) => EncodePlan::FixedWrap(General(constants)),
        (Threshold::Random, false) => EncodePlan::Random(General(constants)),
        (Threshold::Random, true) => EncodePlan::RandomWrap(General(constants)),
        (Threshold::RandomExact, false) => EncodePlan::RandomExact(General(constants)),
        (Threshold::RandomExact, true) => EncodePlan::RandomExactWrap(General(constants)),
    })
}

fn wraps(int: IntFormat, policy: &Policy) -> bool {
    int.range() == IntRange::Full
        && matches!(policy.overflow, Overflow::Wrap | Overflow::WrapSignMagnitude)
}

/// Fields that differ between floats and integers.
struct Shape {
    unit: i32,
    least_shift: i32,
    least_field: i32,
    fraction_bits: u32,
    offset: i32,
    least: i32,
    most: BySign,
    payload: u32,
    complement: u32,
    sign_mask: u32,
    bits: u32,
    fold: u32,
}

/// A magnitude limit that everything exceeds.
const ALWAYS: u32 = i32::MIN as u32;

fn float_shape(float: FloatFormat, policy: &Policy) -> Option<Shape> {
    let fraction_bits = float.fraction_bits();
    let cut = F32_FRACTION.checked_sub(fraction_bits).filter(|&cut| cut >= 2)?;
    let least_field = float.min_exponent() + F32_BIAS;
    let most = float.max_magnitude();
    let below_zero = match (float.is_signed(), float.has_zero()) {
        (true, _) => most,
        (false, true) => 0,
        (false, false) => ALWAYS,
    };
    Some(Shape {
        unit: least_field + cut as i32,
        least_shift: cut as i32,
        least_field,
        fraction_bits,
        offset: if float.has_zero() { 0 } else { -(1 << fraction_bits) },
        least: if float.has_zero() { 1 } else { i32::MIN },
        most: BySign::new(most, below_zero),
        payload: kept_payload(float, policy),
        complement: 0,
        sign_mask: float.sign_mask(),
        bits: float.bits(),
        fold: 0,
    })
}

fn int_shape(int: IntFormat, fraction_bits: i32, policy: &Policy) -> Shape {
    let symmetric = policy.overflow == Overflow::SaturateSymmetric && int.is_signed();
    let below_zero = if symmetric { int.max() } else { -int.min() };
    let folds = policy.overflow == Overflow::WrapSignMagnitude && int.is_signed();
    Shape {
        unit: F32_BIAS + F32_FRACTION as i32 - fraction_bits,
        least_shift: 0,
        // Above every exponent field, so that no binade is counted.
        least_field: 1 << 16,
        fraction_bits: 0,
        offset: 0,
        least: i32::MIN,
        most: BySign::new(int.max() as u32, below_zero as u32),
        payload: 0,
        complement: u32::MAX,
        sign_mask: 0,
        bits: int.bits(),
        fold: if folds { u32::MAX } else { 0 },
    }
}

/// -1 and +1: every value overflows.
fn binary_shape() -> Shape {
    Shape {
        unit: 0,
        least_shift: 0,
        least_field: 1 << 16,
        fraction_bits: 0,
        offset: 0,
        least: i32::MIN,
        most: BySign::new(ALWAYS, ALWAYS),
        payload: 0,
        complement: 0,
        sign_mask: 0,
        bits: 1,
        fold: 0,
    }
}

/// Magnitudes of `f32` that count as zero lie below; `None` where that depends on random bits.
fn zero_below(format: Format, policy: &Policy) -> Option<[u32; 2]> {
    let input = match policy.subnormal_input {
        SubnormalInput::Keep => 1,
        SubnormalInput::Flush => LEADING,
    };
    let Format::Float(float) = format else { return Some([input; 2]) };
    let output = match policy.subnormal_output {
        _ if !float.has_zero() => [0; 2],
        SubnormalOutput::Keep => [0; 2],
        SubnormalOutput::FlushBefore => [power_of_two(float.min_exponent()); 2],
        SubnormalOutput::FlushAfter if policy.rounding.random_bits().is_some() => return None,
        SubnormalOutput::FlushAfter => {
            [false, true].map(|negative| flushed_below(format, policy, negative))
        }
    };
    Some(output.map(|output| output.max(input)))
}

/// The magnitude of the least `f32` that is at least 2^exponent.
fn power_of_two(exponent: i32) -> u32 {
    match exponent {
        ..=-149 => 1,
        -148..=-127 => 1 << (exponent + 149),
        -126..=127 => ((exponent + F32_BIAS) as u32) << F32_FRACTION,
        128.. => INFINITY,
    }
}

/// The least magnitude that the specification does not flush to zero.
fn flushed_below(format: Format, policy: &Policy, negative: bool) -> u32 {
    // The same under every overflow policy; this one does not turn the largest values to zero.
    let policy = &policy.with_overflow(Overflow::Saturate);
    let zero = asked(format, policy, Real::zero(negative));
    let sign = if negative { !MAGNITUDE } else { 0 };
    let is_zero = |a: u32| {
        let encoded = format.encode(f32::from_bits(a | sign), policy, 0);
        encoded.is_ok_and(|e| e.code == zero && !e.status.contains(Status::OVERFLOW))
    };
    let (mut low, mut high) = (0, INFINITY);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_zero(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// The constants of the general lane; `None` where it does not do.
fn constants(format: Format, policy: &Policy) -> Option<(Constants, Threshold)> {
    if format.bits() > LANE_BITS {
        return None;
    }
    let shape = match format {
        Format::Float(float) => float_shape(float, policy)?,
        Format::Binary => binary_shape(),
        _ => {
            let (int, fraction_bits) = integers(format)?;
            int_shape(int, fraction_bits, policy)
        }
    };
    let (threshold, random) = match RandomWord::new(policy.rounding) {
        Some(random) if random.odd != 0 => (Threshold::RandomExact, random),
        Some(random) => (Threshold::Random, random),
        None if matches!(policy.rounding.random_bits(), None | Some(0)) => (
            Threshold::Fixed,
            RandomWord { up: 0, middle: 0, tie: 0, odd: 0, flip: 0, compared: 0 },
        ),
        None => return None,
    };
    let fixed = |odd| {
        let [positive, negative] =
            [false, true].map(|negative| fixed_threshold(policy.rounding, negative, odd));
        BySign::new(positive, negative)
    };
    let asked = |x: fn(bool) -> Real| by_sign(asked_by_sign(format, policy, x));
    let constants = Constants {
        unit: shape.unit,
        least_shift: shape.least_shift,
        // From 55 on only the leading one is left of 32 bits, which is all that a fixed threshold needs; random ones
        // see it leave.
        most_shift: if matches!(threshold, Threshold::Fixed) { 55 } else { 64 },
        least_field: shape.least_field,
        fraction_bits: shape.fraction_bits,
        offset: shape.offset,
        even: fixed(false),
        odd: fixed(true),
        random_up: random.up,
        random_middle: random.middle,
        random_tie: random.tie,
        random_odd: random.odd,
        random_flip: random.flip,
        zero_below: by_sign(zero_below(format, policy)?),
        least: shape.least,
        most: shape.most,
        zero: asked(Real::zero),
        over: asked(huge),
        infinity: asked(Real::infinity),
        nan: asked(Real::nan),
        payload: shape.payload,
        complement: shape.complement,
        mask: ((1u64 << shape.bits) - 1) as u32,
        sign_mask: shape.sign_mask,
        sign_shift: 32 - shape.bits,
        fold_shift: shape.bits - 1,
        fold: shape.fold,
    };
    Some((constants, threshold))
}
