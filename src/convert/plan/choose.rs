//! The choice of an encoder's lane.

use fewbit_formats::{Format, Policy};

use super::{EncodePlan, general, integer, narrow};

impl EncodePlan {
    /// The best lane for a format and a policy.
    pub(crate) fn new(format: Format, policy: &Policy) -> Self {
        let fast = match format {
            Format::Float(float) => narrow::plan(float, policy),
            _ => integer::plan(format, policy),
        };
        fast.or_else(|| general::plan(format, policy)).unwrap_or(Self::Specification)
    }
}
