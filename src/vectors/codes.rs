//! Codes of a format that are worth drawing.

use fewbit_formats::{Class, EncodeError, Format, NanPolicy, Overflow, Policy, Real, Rounding};

use super::VectorError;
use super::draw::Draw;

/// How often a draw is repeated before it is given up.
pub(super) const TRIES: u32 = 64;

/// To the nearest value of a format, or its largest; a NaN that it has not is zero.
pub(super) const NEAREST: Policy =
    Policy::new(Rounding::TiesEven, Overflow::Saturate).with_nan(NanPolicy::Zero);

/// Refuses an overflow policy that has no meaning for a format.
pub(super) fn check_overflow(format: Format, policy: &Policy) -> Result<(), VectorError> {
    // Beyond every format.
    let huge = Real::from_scaled(false, 1, 1 << 20);
    match format.encode_real(huge, policy, 0) {
        Err(error @ EncodeError::Overflow { .. }) => {
            Err(VectorError::entry("overflow", policy.overflow.name(), &error.to_string()))
        }
        _ => Ok(()),
    }
}

/// Whether a code stands for something.
pub(super) fn is_code(format: Format, code: u32) -> bool {
    u64::from(code) < format.code_count() && (format.has_nan() || !format.decode(code).is_nan())
}

/// Whether a code stands for a finite number.
pub(super) fn is_finite(format: Format, code: u32) -> bool {
    let finite = !matches!(format.decode_real(code).class(), Class::Infinite | Class::Nan);
    is_code(format, code) && finite
}

/// Any code, uniformly.
pub(super) fn any(format: Format, draw: &mut Draw) -> Option<u32> {
    drawn(draw, format, |code| is_code(format, code))
}

/// Any code of a finite number, uniformly.
pub(super) fn finite(format: Format, draw: &mut Draw) -> Option<u32> {
    drawn(draw, format, |code| is_finite(format, code))
}

fn drawn(draw: &mut Draw, format: Format, suits: impl Fn(u32) -> bool) -> Option<u32> {
    (0..TRIES).map(|_| draw.below(format.code_count()) as u32).find(|&code| suits(code))
}

/// The nearest code of a number.
pub(super) fn nearest(format: Format, x: Real) -> Option<u32> {
    format.encode_real(x, &NEAREST, 0).ok().map(|encoded| encoded.code)
}

/// Codes at the ends: all zeros, all ones, the sign alone, alternating bits, and those of the largest, the smallest and the
/// least values.
pub(super) fn extremes(format: Format) -> Vec<u32> {
    let ones = (format.code_count() - 1) as u32;
    let top = 1u32.checked_shl(format.bits() - 1).unwrap_or(0);
    let values = [
        format.max_finite(),
        format.min_finite(),
        format.smallest_positive(),
        -format.smallest_positive(),
        1.0,
        -1.0,
    ];
    let values = values.into_iter().filter_map(|x| nearest(format, Real::from_f64(x)));
    let bits = [0, ones, top, top.wrapping_sub(1) & ones, 0x5555_5555 & ones, 0xaaaa_aaaa & ones];
    kept(format, bits.into_iter().chain(values))
}

/// Infinities, NaN of every kind, and zeros.
pub(super) fn specials(format: Format) -> Vec<u32> {
    let mut codes = Vec::new();
    for negative in [false, true] {
        for x in [Real::zero(negative), Real::infinity(negative), Real::nan(negative)] {
            let special = Policy::new(Rounding::TiesEven, Overflow::Special);
            let code = format.encode_real(x, &special, 0).ok().map(|encoded| encoded.code);
            codes.extend(code.filter(|&code| format.decode_real(code).class() == x.class()));
        }
    }
    // Signaling ones are the next to the infinities, where the format has such.
    if let Format::Float(float) = format
        && let Some(infinity) = float.infinity_magnitude()
    {
        let signaling = infinity + 1;
        codes.extend(
            [signaling, signaling | float.sign_mask()]
                .into_iter()
                .filter(|&code| is_code(format, code) && format.decode_real(code).is_signaling()),
        );
    }
    kept(format, codes.into_iter())
}

/// Codes at the boundary of subnormal values: the smallest, the largest subnormal, the smallest normal ones, of both signs;
/// none where the format has no such boundary.
pub(super) fn subnormals(format: Format) -> Vec<u32> {
    let Some(normal) = format.smallest_normal() else { return Vec::new() };
    let smallest = format.smallest_positive();
    if smallest >= normal {
        return Vec::new();
    }
    let values = [smallest, 2.0 * smallest, normal - smallest, normal, normal + smallest];
    let both = values.into_iter().flat_map(|x| [x, -x]);
    kept(format, both.filter_map(|x| nearest(format, Real::from_f64(x))))
}

fn kept(format: Format, codes: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut kept: Vec<u32> = codes.filter(|&code| is_code(format, code)).collect();
    kept.sort_unstable();
    kept.dedup();
    kept
}
