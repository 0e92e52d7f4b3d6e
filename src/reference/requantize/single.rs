//! One rounding: TFLite with `TFLITE_SINGLE_ROUNDING` and its 48-bit path, CMSIS-NN with `CMSIS_NN_USE_SINGLE_ROUNDING`.

use super::sum::{Sum, power};
use crate::requantize::{Excess, RequantizeValueError};

/// `floor((x m + 2^(t-1)) / 2^t)` with `t = 31 - shift`.
pub(super) fn tflite(
    sum: Sum,
    multiplier: i128,
    shift: i32,
    excess: Excess,
) -> Result<i128, RequantizeValueError> {
    let total = 31 - shift;
    sum.within_32((sum.value * multiplier + power(total - 1)) >> total, excess)
}

/// The multiplier in 16 bits, rounded; then `floor((x m' + 2^(t-1)) / 2^t)` with `t = 15 - shift`.
pub(super) fn tflite_16(
    sum: Sum,
    multiplier: i128,
    shift: i32,
    excess: Excess,
) -> Result<i128, RequantizeValueError> {
    let reduced = if multiplier < 0x7fff_0000 { (multiplier + power(15)) >> 16 } else { 0x7fff };
    let total = 15 - shift;
    sum.within_32((sum.value * reduced + power(total - 1)) >> total, excess)
}

/// `t = floor(x m / 2^(30-shift))` in 32 bits, then `floor((t + 1) / 2)`, whose sum is one of 32 bits too.
pub(super) fn cmsis(
    sum: Sum,
    multiplier: i128,
    shift: i32,
    excess: Excess,
) -> Result<i128, RequantizeValueError> {
    let narrowed = sum.within_32((sum.value * multiplier) >> (30 - shift), excess)?;
    Ok(sum.within_32(narrowed + 1, excess)? >> 1)
}
