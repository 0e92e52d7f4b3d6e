//! One element through a quantizer.

use fewbit_formats::rounding::split;
use fewbit_formats::{
    EncodeError, Encoded, FloatFormat, Format, InfinityPolicy, IntFormat, Overflow, Policy,
    Rounding, SubnormalInput, SubnormalOutput, ZeroSign,
};

use super::log2::{exp2_integer, round_log2};

/// What an element becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElementTarget {
    /// Its format.
    pub format: Format,
    /// For `ternary`: elements of at most this many scales become 0, all others plus or minus one scale.
    pub dead_zone: Option<f32>,
}

impl From<Format> for ElementTarget {
    fn from(format: Format) -> Self {
        Self { format, dead_zone: None }
    }
}

/// The element in the format's own units: `x / scale`, plus the zero point where the format is an integer.
///
/// Division and addition are single f32 operations, in this order; nothing is multiplied by a reciprocal.
#[must_use]
pub fn scaled(x: f32, scale: f32, zero_point: f32, format: Format) -> f32 {
    match format {
        Format::Int(_) => x / scale + zero_point,
        _ => x / scale,
    }
}

/// The code of an element: [`scaled`], then [`Format::encode`]. A binary element is encoded as it is, since its sign is
/// all that counts; a ternary one with a dead zone is the sign of `x` where `|x| > dead zone * scale`, else 0.
///
/// # Errors
/// A value that the policy refuses.
///
/// ```
/// use fewbit::reference::quantize::code;
/// use fewbit_formats::{Format, Overflow, Policy, Rounding};
/// let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
/// let encoded = code(-0.3, 0.1, 128.0, Format::UINT8.into(), &policy, 0)?;
/// assert_eq!(encoded.code, 125);
/// # Ok::<(), fewbit_formats::EncodeError>(())
/// ```
pub fn code(
    x: f32,
    scale: f32,
    zero_point: f32,
    target: ElementTarget,
    policy: &Policy,
    random: u32,
) -> Result<Encoded, EncodeError> {
    let y = match (target.format, target.dead_zone) {
        (Format::Binary, _) => x,
        (Format::Ternary, Some(dead_zone)) => outside(x, dead_zone * scale),
        _ => scaled(x, scale, zero_point, target.format),
    };
    target.format.encode(y, policy, random)
}

/// The sign of `x` where its magnitude is more than `limit`, else 0 of that sign; 0 for NaN.
fn outside(x: f32, limit: f32) -> f32 {
    let kept = if x.abs() > limit { 1.0 } else { 0.0 };
    let sign = if x == 0.0 || x.is_nan() { 0.0 } else { x.signum() };
    kept * sign
}

/// The value of a code: `(decode(code) - zero_point) * scale`, each operation in f32.
#[must_use]
pub fn value(code: u32, scale: f32, zero_point: f32, format: Format) -> f32 {
    let decoded = format.decode(code) as f32;
    match format {
        Format::Int(_) => (decoded - zero_point) * scale,
        _ => decoded * scale,
    }
}

/// The value of an element as a quantizer that works on floats alone computes it ("fake quantization").
///
/// It is [`value`] of [`code`] but for three things. A NaN stays NaN whether or not the format has one. A negative
/// number that rounds to zero gives `-0` in integers too. The ends of integers of more than 24 bits are those of the
/// range rounded to f32.
///
/// # Errors
/// A value that the policy refuses, where the policy is one that only codes can follow.
pub fn simulated(
    x: f32,
    scale: f32,
    zero_point: f32,
    target: ElementTarget,
    policy: &Policy,
    random: u32,
) -> Result<f32, EncodeError> {
    let format = target.format;
    match (format, target.dead_zone) {
        // A NaN is not at least 0.
        (Format::Binary, _) => return Ok(if x >= 0.0 { scale } else { -scale }),
        (Format::Ternary, Some(dead_zone)) => return Ok(outside(x, dead_zone * scale) * scale),
        _ => {}
    }
    let y = scaled(x, scale, zero_point, format);
    if y.is_nan() || y.is_infinite() && becomes_nan(policy) {
        return Ok(f32::NAN);
    }
    if follows_floats(policy, format) {
        match format {
            Format::Int(int) => {
                return Ok((integer(y, int, policy.rounding, random) - zero_point) * scale);
            }
            Format::Float(float) if float.has_zero() => {
                return Ok(minifloat(y, float, policy, random) * scale);
            }
            _ => {}
        }
    }
    Ok(value(format.encode(y, policy, random)?.code, scale, zero_point, format))
}

/// Whether an infinity is a NaN to this policy.
pub(crate) fn becomes_nan(policy: &Policy) -> bool {
    matches!(policy.infinity, InfinityPolicy::Nan | InfinityPolicy::Error)
}

/// Whether the policy asks for nothing that arithmetic on floats would not do by itself.
pub(crate) fn follows_floats(policy: &Policy, format: Format) -> bool {
    let overflow = match format {
        Format::Int(_) => policy.overflow == Overflow::Saturate,
        _ => matches!(policy.overflow, Overflow::Saturate | Overflow::Special),
    };
    overflow
        && policy.zero_sign == ZeroSign::Keep
        && policy.subnormal_input == SubnormalInput::Keep
        && policy.subnormal_output == SubnormalOutput::Keep
}

/// `min(max(round(y), low), high)`.
fn integer(y: f32, format: IntFormat, rounding: Rounding, random: u32) -> f32 {
    let (low, high) = (format.min() as f32, format.max() as f32);
    clamp(round(y, rounding, random), low, high)
}

/// `min(max(x, low), high)`; NaN stays, and so does the sign of a zero.
#[must_use]
#[inline(always)]
pub fn clamp(x: f32, low: f32, high: f32) -> f32 {
    if x > high {
        high
    } else if x < low {
        low
    } else {
        x
    }
}

/// `y` rounded to the format's grid, then to its range.
///
/// ```text
/// step = 2^max(floor(log2(|y| + 2^-126)) - m, 1 - bias - m)        with m fraction bits
/// grid = step * round(y / step)
/// ```
/// The logarithm is rounded to f32, so just below a power of two the step may be twice what it should be; the result
/// is that power of two either way. A format without fraction bits rounds ties to the even multiple of the step.
fn minifloat(y: f32, format: FloatFormat, policy: &Policy, random: u32) -> f32 {
    let m = format.fraction_bits() as f32;
    let lowest = format.min_exponent() as f32 - m;
    let exponent = round_log2(y.abs() + f32::MIN_POSITIVE, Rounding::Down) - m;
    let step = exp2_integer(if exponent < lowest { lowest } else { exponent });
    let grid = if y.is_infinite() { y } else { step * round(y / step, policy.rounding, random) };
    let high = Format::Float(format).max_finite() as f32;
    let low = if format.is_signed() { -high } else { 0.0 };
    let beyond = match (policy.overflow, format.has_infinity(), format.has_nan()) {
        (Overflow::Special, true, _) => f32::INFINITY,
        (Overflow::Special, false, true) => f32::NAN,
        _ => high,
    };
    if grid > high {
        beyond
    } else if grid < low {
        if format.is_signed() { -beyond } else { 0.0 }
    } else {
        grid
    }
}

/// `x` rounded to a whole number; a result of zero keeps the sign of `x`.
#[must_use]
pub fn round(x: f32, rounding: Rounding, random: u32) -> f32 {
    match rounding {
        Rounding::TiesEven => x.round_ties_even(),
        Rounding::TiesAway => x.round(),
        Rounding::Down => x.floor(),
        Rounding::Up => x.ceil(),
        Rounding::TowardZero => x.trunc(),
        _ => round_bits(x, rounding, random),
    }
}

/// [`round`] by the one rounding function of the formats.
fn round_bits(x: f32, rounding: Rounding, random: u32) -> f32 {
    let magnitude = x.abs();
    // From 2^23 on every f32 is whole.
    if magnitude >= 8_388_608.0 || magnitude == 0.0 || magnitude.is_nan() {
        return x;
    }
    let bits = magnitude.to_bits();
    let field = bits >> 23;
    let significand = u64::from(bits & 0x7f_ffff | u32::from(field > 0) << 23);
    let shift = 150 - field.max(1);
    let (whole, lost) = split(significand, shift);
    let away = rounding.steps_away(x < 0.0, whole & 1 != 0, lost, random);
    ((whole + u64::from(away)) as f32).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_rounding_agree() {
        let values =
            [0.0, -0.0, 0.25, 0.5, -0.5, 0.75, 1.5, -1.5, 2.5, -2.5, 1e-40, -3.7, 8388607.5];
        for rounding in [
            Rounding::TiesEven,
            Rounding::TiesAway,
            Rounding::Down,
            Rounding::Up,
            Rounding::TowardZero,
        ] {
            for x in values {
                let (a, b) = (round(x, rounding, 0), round_bits(x, rounding, 0));
                assert_eq!(a.to_bits(), b.to_bits(), "{rounding} {x}: {a} {b}");
            }
        }
    }

    #[test]
    fn dpu_rounding_sends_negative_ties_up_and_positive_ones_to_even() {
        let rounded = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5].map(|x| round(x, Rounding::TiesDpu, 0));
        assert_eq!(rounded, [-2.0, -1.0, -0.0, 0.0, 2.0, 2.0]);
    }
}
