//! Every choice on the way from numbers to groups.

use super::error::GroupError;
use super::format::GroupFormat;
use crate::format::Format;
use crate::policy::{Overflow, Policy};
use crate::preset::PolicyPreset;
use crate::rounding::Rounding;
use crate::scale::{ExponentRule, ScalePolicy};

/// One choice per axis: how scales are found, how they are rounded, and how elements are encoded.
///
/// ```
/// use fewbit_formats::{GroupFormat, GroupPolicy, Overflow, Policy, Rounding, ScalePolicy, ExponentRule};
/// let elements = Policy::new(Rounding::TiesEven, Overflow::Saturate);
/// let policy = GroupPolicy::new(ScalePolicy::new(ExponentRule::Floor), elements);
/// let mut codes = [0; 3];
/// let scale = GroupFormat::MXFP4.encode_block(&[7.0, -1.0, 0.25], None, &policy, |_| 0, &mut codes)?;
/// assert_eq!((scale.code, scale.value), (127, 1.0)); // floor(log2 7) - 2 = 0
/// assert_eq!(codes, [0b0_11_1, 0b1_01_0, 0b0_00_0]); // 6, -1, 0
/// # Ok::<(), fewbit_formats::GroupError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupPolicy {
    /// From the magnitudes of a block to a number, or, where scales are powers of two, to an exponent; how numbers are
    /// divided by scales; blocks of zeros, with NaN, with infinities.
    pub scale: ScalePolicy,
    /// From that number to a code of the scale's format; its rounding is that of zero points too. NaN and infinity
    /// come here only from blocks that hold them. Powers of two are not rounded a second time.
    pub scale_code: Policy,
    /// The encoding of a quotient. A value that `subnormal_input` flushes counts as zero in the scale too.
    pub element: Policy,
}

impl GroupPolicy {
    /// Scales and elements as given; scales rounded to nearest even, at most the largest value of their format.
    #[must_use]
    pub const fn new(scale: ScalePolicy, element: Policy) -> Self {
        Self { scale, scale_code: Policy::new(Rounding::TiesEven, Overflow::Saturate), element }
    }

    /// What every front end does where nothing is asked for: powers of two by [`ExponentRule::Floor`], other scales to
    /// nearest even and saturating, elements by [`Policy::default_of`]; the lowest code of fixed-point elements is left
    /// unused, as the MX text allows for MXINT8's -2 and its reference library does.
    ///
    /// ```
    /// use fewbit_formats::{GroupFormat, GroupPolicy, Overflow};
    /// assert_eq!(GroupPolicy::default_of(&GroupFormat::MXINT8).element.overflow, Overflow::SaturateSymmetric);
    /// assert_eq!(GroupPolicy::default_of(&GroupFormat::MXFP4).element.overflow, Overflow::Saturate);
    /// ```
    #[must_use]
    pub const fn default_of(format: &GroupFormat) -> Self {
        let element = Policy::default_of(format.element());
        let element = match format.element() {
            Format::Fixed(_) => element.with_overflow(Overflow::SaturateSymmetric),
            _ => element,
        };
        Self::new(ScalePolicy::new(ExponentRule::Floor), element)
    }

    /// With another encoding of scales.
    #[must_use]
    pub const fn with_scale_code(self, scale_code: Policy) -> Self {
        Self { scale_code, ..self }
    }

    /// Whether the policy can be followed.
    ///
    /// # Errors
    /// Scales that would be rounded at random.
    pub fn check(&self) -> Result<(), GroupError> {
        match self.scale_code.rounding.random_bits() {
            None => Ok(()),
            Some(_) => Err(GroupError::Rounding(self.scale_code.rounding)),
        }
    }
}

impl PolicyPreset {
    /// What the stack does with groups of this format.
    #[must_use]
    pub fn group_policy(&self, format: &GroupFormat) -> GroupPolicy {
        GroupPolicy {
            scale: self.scale,
            scale_code: self.policy(format.scale.format),
            element: self.policy(format.element),
        }
    }
}
