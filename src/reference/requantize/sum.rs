//! A sum on its way to an output, and how intermediate values are kept.

use crate::requantize::{Excess, RequantizePolicy, RequantizeValueError};

/// A value on its way: of the sum of accumulator and bias, under a policy.
#[derive(Clone, Copy)]
pub(super) struct Sum {
    pub(super) policy: RequantizePolicy,
    pub(super) value: i128,
}

impl Sum {
    /// An intermediate value in 32 bits.
    pub(super) fn within_32(
        self,
        intermediate: i128,
        excess: Excess,
    ) -> Result<i128, RequantizeValueError> {
        let (least, most) = (i128::from(i32::MIN), i128::from(i32::MAX));
        if (least..=most).contains(&intermediate) {
            return Ok(intermediate);
        }
        match excess {
            Excess::Wrap => Ok(i128::from(intermediate as i32)),
            Excess::Saturate => Ok(intermediate.clamp(least, most)),
            Excess::Refuse => {
                let Self { policy, value } = self;
                Err(RequantizeValueError::Excess { policy, value, intermediate })
            }
        }
    }
}

/// `2^bits`; the shifts of all policies are far below 127.
pub(super) fn power(bits: i32) -> i128 {
    1 << bits
}
