//! Two roundings: a doubling high product, then a division by a power of two. gemmlowp (and TFLite), CMSIS-NN, ruy.

use super::super::gemmlowp::{divided_ties_away, high_product};
use super::sum::{Sum, power};
use crate::requantize::{Excess, RequantizeValueError};

/// `RoundingDivideByPOT(SaturatingRoundingDoublingHighMul(x * 2^left, m), right)`.
pub(super) fn gemmlowp(
    sum: Sum,
    multiplier: i128,
    shift: i32,
    excess: Excess,
) -> Result<i128, RequantizeValueError> {
    let high = high_product(left(sum, shift, excess)?, multiplier);
    // The one product that 32 bits do not hold is (-2^31)^2.
    Ok(divided_ties_away(high.min(i128::from(i32::MAX)), right(shift)))
}

/// The same with `arm_nn_doubling_high_mult_no_sat`, whose result is cast to 32 bits.
pub(super) fn cmsis(
    sum: Sum,
    multiplier: i128,
    shift: i32,
    excess: Excess,
) -> Result<i128, RequantizeValueError> {
    let high = high_product(left(sum, shift, excess)?, multiplier);
    Ok(divided_ties_away(i128::from(high as i32), right(shift)))
}

/// `SQRDMULH`, then a rounding shift to the right, ties up.
pub(super) fn ruy(
    sum: Sum,
    multiplier: i128,
    shift: i32,
    excess: Excess,
) -> Result<i128, RequantizeValueError> {
    let high = high_product(left(sum, shift, excess)?, multiplier).min(i128::from(i32::MAX));
    Ok(match right(shift) {
        0 => high,
        right => (high + power(right - 1)) >> right,
    })
}

/// `x * 2^shift` in 32 bits, where the shift is to the left.
fn left(sum: Sum, shift: i32, excess: Excess) -> Result<i128, RequantizeValueError> {
    sum.within_32(sum.value * power(shift.max(0)), excess)
}

/// How far a shift is to the right.
fn right(shift: i32) -> i32 {
    (-shift).max(0)
}
