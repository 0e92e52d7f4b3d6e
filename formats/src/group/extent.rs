//! How far the values of a block reach.

use super::error::GroupError;
use super::policy::GroupPolicy;
use crate::policy::SubnormalInput;
use crate::scale::{InfiniteBlock, NanBlock};

/// The values of a block, as its scale sees them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Extent {
    /// From `low` to `high`; zero lies between, and is either of them where no value is on that side.
    Finite {
        /// At most zero.
        low: f32,
        /// At least zero.
        high: f32,
    },
    /// A NaN among them.
    Nan,
    /// An infinity among them, and no NaN.
    Infinite,
}

impl Extent {
    /// The extent of a block.
    pub(super) fn of(x: &[f32], policy: &GroupPolicy) -> Result<Self, GroupError> {
        let (mut low, mut high) = (0f32, 0f32);
        let (mut nan, mut infinite) = (false, false);
        for &x in x {
            let x = flushed(x, policy.element.subnormal_input);
            if x.is_nan() {
                nan = true;
            } else if x.is_infinite() {
                infinite = true;
            } else {
                low = if x < low { x } else { low };
                high = if x > high { x } else { high };
            }
        }
        if nan {
            match policy.scale.nan_block {
                NanBlock::Propagate => return Ok(Self::Nan),
                NanBlock::Error => return Err(GroupError::Nan),
                NanBlock::Ignore => {}
            }
        }
        if infinite {
            match policy.scale.infinite_block {
                InfiniteBlock::Error => return Err(GroupError::Infinite),
                InfiniteBlock::Ignore => {}
                InfiniteBlock::Nan => return Ok(Self::Nan),
                InfiniteBlock::AsExponent | InfiniteBlock::Largest => return Ok(Self::Infinite),
            }
        }
        Ok(Self::Finite { low, high })
    }
}

/// Zero of its sign for a subnormal value that the policy flushes.
pub(super) fn flushed(x: f32, policy: SubnormalInput) -> f32 {
    match policy {
        SubnormalInput::Flush if x.is_subnormal() => 0f32.copysign(x),
        _ => x,
    }
}
