//! The one rounding of a step's result.

use fewbit_formats::{FloatFormat, Format, Overflow, Policy, Rounding, Status, ZeroSign};

use super::Value;
use crate::accumulate::FloatOverflow;

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

/// The policy of float registers: IEEE's overflow, if none is written.
pub(super) const fn float_policy(rounding: Rounding, overflow: FloatOverflow) -> Policy {
    Policy::new(rounding, named(overflow, Overflow::Ieee))
}

/// The policy of units: to infinity, whatever the rounding, if nothing else is written; and no negative zero.
pub(super) const fn unit_policy(rounding: Rounding, overflow: FloatOverflow) -> Policy {
    Policy::new(rounding, named(overflow, Overflow::Special)).with_zero_sign(ZeroSign::Positive)
}

const fn named(overflow: FloatOverflow, own: Overflow) -> Overflow {
    match overflow {
        FloatOverflow::Own => own,
        FloatOverflow::Saturate => Overflow::Saturate,
        FloatOverflow::Special => Overflow::Special,
    }
}

/// The float format of a register, which always is one.
pub(super) fn min_exponent(format: Format) -> i32 {
    match format {
        Format::Float(float) => FloatFormat::min_exponent(float),
        _ => i32::MIN,
    }
}
