//! Scales in `f16`, and the rounding of C's `roundf`.

use crate::format::Format;
use crate::policy::{Overflow, Policy};
use crate::rounding::Rounding;

/// The bytes of the nearest `f16`, ties to even; infinity beyond the largest.
pub(super) fn from_f32(x: f32) -> [u8; 2] {
    const NEAREST: Policy = Policy::new(Rounding::TiesEven, Overflow::Special);
    // The format has NaN and infinity, so nothing is refused.
    let code = Format::F16.encode(x, &NEAREST, 0).map_or(0, |encoded| encoded.code);
    (code as u16).to_le_bytes()
}

/// The value of an `f16`.
pub(super) fn to_f32(bytes: [u8; 2]) -> f32 {
    Format::F16.decode(u32::from(u16::from_le_bytes(bytes))) as f32
}

/// `1 / d`, or 0 for 0.
pub(super) fn reciprocal(d: f32) -> f32 {
    if d == 0.0 { 0.0 } else { 1.0 / d }
}

/// `x` rounded to an integer, ties away from zero, within the range of `i32`; 0 for NaN.
pub(super) fn round(x: f32) -> i32 {
    let whole = x as i32;
    let rest = x - whole as f32;
    let step = if rest >= 0.5 {
        1
    } else if rest <= -0.5 {
        -1
    } else {
        0
    };
    whole.saturating_add(step)
}
