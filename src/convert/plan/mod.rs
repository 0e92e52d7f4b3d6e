//! From a format and a policy to the constants of a lane.
//!
//! What the policy says about special values and which side of a threshold rounds up is asked of the specification,
//! value by value, so that no rule is written down twice.

mod asked;
mod choose;
mod decode;
mod encode;
mod general;
mod integer;
mod narrow;
mod random;

pub(crate) use decode::DecodePlan;
pub(crate) use encode::EncodePlan;
