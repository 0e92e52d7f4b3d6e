//! What a plan asks of the specification, value by value.

use fewbit_formats::rounding::split;
use fewbit_formats::{FloatFormat, Format, NanCodes, NanPayload, Policy, Real, Rounding};

use crate::convert::lane::{BySign, REFUSED};

/// Fraction bits of `f32`.
pub(super) const F32_FRACTION: u32 = 23;
/// Exponent bias of `f32`.
pub(super) const F32_BIAS: i32 = 127;
/// The widest codes of lanes.
pub(super) const LANE_BITS: u32 = 16;

/// The code that the specification gives a value, or [`REFUSED`].
pub(super) fn asked(format: Format, policy: &Policy, x: Real) -> u32 {
    format.encode_real(x, policy, 0).map_or(REFUSED, |encoded| encoded.code)
}

/// The codes of a value of either sign.
pub(super) fn asked_by_sign(format: Format, policy: &Policy, x: impl Fn(bool) -> Real) -> [u32; 2] {
    [false, true].map(|negative| asked(format, policy, x(negative)))
}

/// A number for each sign, the positive one first.
pub(super) fn by_sign([positive, negative]: [u32; 2]) -> BySign {
    BySign::new(positive, negative)
}

/// A value beyond every format.
pub(super) fn huge(negative: bool) -> Real {
    Real::from_scaled(negative, 1, 1 << 14)
}

/// The bits of a NaN's payload that the policy keeps.
pub(super) fn kept_payload(float: FloatFormat, policy: &Policy) -> u32 {
    let kept =
        float.nan_codes() == NanCodes::TopExponent && policy.nan_payload == NanPayload::Truncate;
    if kept { (1 << float.fraction_bits()) - 1 } else { 0 }
}

/// The threshold of a fixed mode: the largest part cut off that is still rounded down, in 2^-32 units.
pub(super) fn fixed_threshold(rounding: Rounding, negative: bool, odd: bool) -> u32 {
    const HALF: u32 = 1 << 31;
    // A quarter, a half and three quarters of a unit stand for what lies below, at and above the tie.
    let up = |quarters| rounding.steps_away(negative, odd, split(quarters, 2).1, 0);
    match (up(1), up(2), up(3)) {
        (true, ..) => 0,
        (_, true, _) => HALF - 1,
        (_, _, true) => HALF,
        _ => u32::MAX,
    }
}
