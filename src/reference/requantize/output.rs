//! Zero point and output format.

use fewbit_formats::{Overflow, Policy, Real, Rounding};

use crate::requantize::{Requantization, RequantizeValueError};

/// The scaled value with the zero point, in the output's format. Both are integers, so nothing is rounded.
pub(super) fn fit(job: &Requantization, scaled: i128) -> Result<i64, RequantizeValueError> {
    let value = scaled + i128::from(job.zero_point());
    let value = match job.overflow() {
        // They look at no more than the low 33 bits.
        Overflow::Wrap | Overflow::WrapSignMagnitude => value as i64,
        _ => value.clamp(i64::MIN.into(), i64::MAX.into()) as i64,
    };
    let policy = Policy::new(Rounding::TiesEven, job.overflow());
    let encoded = job.format().encode(Real::from(value), &policy, 0)?;
    // A value is within its format.
    Ok(job.format().value(encoded.code).unwrap_or_default())
}
