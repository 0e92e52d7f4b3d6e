//! The one rounding of a step's result.

use fewbit_formats::{FloatFormat, Format, Overflow, Policy, Rounding, Status, ZeroSign};

use super::Value;

/// `value` in `format`; NaN where the format cannot hold it.
pub(super) fn round(
    value: &Value,
    format: Format,
    policy: &Policy,
    random: u32,
) -> (Value, Status) {
    match format.encode(value.to_real(), policy, random) {
        Ok(encoded) => (Value::from_f64(format.decode(encoded.code)), encoded.status),
        Err(_) => (Value::Nan, Status::INVALID),
    }
}

/// The policy of units: to infinity, whatever the rounding, and no negative zero.
pub(super) fn unit_policy(rounding: Rounding) -> Policy {
    Policy::new(rounding, Overflow::Special).with_zero_sign(ZeroSign::Positive)
}

/// The float format of a register, which always is one.
pub(super) fn min_exponent(format: Format) -> i32 {
    match format {
        Format::Float(float) => FloatFormat::min_exponent(float),
        _ => i32::MIN,
    }
}
