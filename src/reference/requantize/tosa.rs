//! TOSA 1.0, `apply_scale_32` and `apply_scale_16`.

use super::sum::{Sum, power};
use crate::requantize::{Excess, RequantizeValueError};

/// SINGLE_ROUND.
///
/// ```text
/// floor((value * multiplier + 2^(shift-1)) / 2^shift)
/// ```
pub(super) fn scale_32(
    sum: Sum,
    multiplier: i128,
    shift: i32,
    excess: Excess,
) -> Result<i128, RequantizeValueError> {
    rounded_32(sum, multiplier, shift, power(shift - 1), excess)
}

/// DOUBLE_ROUND: above a shift of 31, what is added to the product grows by 2^30 for values from 0 up and shrinks by it for
/// those below.
pub(super) fn scale_32_double(
    sum: Sum,
    multiplier: i128,
    shift: i32,
    excess: Excess,
) -> Result<i128, RequantizeValueError> {
    let mut round = power(shift - 1);
    if shift > 31 {
        if sum.value >= 0 {
            round += power(30);
        } else {
            round -= power(30);
        }
    }
    rounded_32(sum, multiplier, shift, round, excess)
}

/// The specification requires `-2^(shift-1) <= value < 2^(shift-1)`, so that the result has 32 bits.
fn rounded_32(
    sum: Sum,
    multiplier: i128,
    shift: i32,
    round: i128,
    excess: Excess,
) -> Result<i128, RequantizeValueError> {
    let bound = power(shift - 1);
    if excess == Excess::Refuse && !(-bound..bound).contains(&sum.value) {
        let Sum { policy, value } = sum;
        return Err(RequantizeValueError::ForShift { policy, value, shift });
    }
    sum.within_32((sum.value * multiplier + round) >> shift, excess)
}

/// `apply_scale_16`, whose value has 48 bits and whose multiplier has 16.
pub(super) fn scale_16(
    sum: Sum,
    multiplier: i128,
    shift: i32,
    excess: Excess,
) -> Result<i128, RequantizeValueError> {
    sum.within_32((sum.value * multiplier + power(shift - 1)) >> shift, excess)
}
