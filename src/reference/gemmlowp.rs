//! gemmlowp's two integer primitives (`fixedpoint/fixedpoint.h`, `SaturatingRoundingDoublingHighMul` without its saturation
//! and `RoundingDivideByPOT`), of which its requantization and its fixed-point functions are made.

/// `2 a b / 2^32` to the nearest, ties toward positive infinity for either sign.
pub(super) fn high_product(a: i128, b: i128) -> i128 {
    (a * b + (1 << 30)) >> 31
}

/// `x / 2^bits` to the nearest, ties away from zero.
pub(super) fn divided_ties_away(x: i128, bits: i32) -> i128 {
    let magnitude = (2 * x.abs() + (1 << bits)) >> (bits + 1);
    if x < 0 { -magnitude } else { magnitude }
}
