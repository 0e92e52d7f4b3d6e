//! The scale and the zero point of a block.

use super::error::GroupError;
use super::extent::Extent;
use super::format::{GroupFormat, has_powers_alone};
use super::outer::OuterScale;
use super::policy::GroupPolicy;
use super::ratio::{Ratio, decode, encoded};
use super::target::Target;
use crate::policy::{Overflow, Policy};
use crate::real::Real;
use crate::rounding::Rounding;
use crate::scale::{InfiniteBlock, ScaleArithmetic, to_f32};

/// What the elements of a block share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BlockScale {
    /// The code of the block's own scale.
    pub code: u32,
    /// What decoded elements are multiplied by, the outer scale included.
    pub value: f32,
    /// The code of zero, in a format with zero points; else 0.
    pub zero_point: u32,
}

impl GroupFormat {
    /// The scale of a block of at most [`size`](Self::size) values, `outer` being the scale above it in a format that
    /// has one; see [`GroupPolicy`].
    ///
    /// # Errors
    /// NaN or infinity where the policy calls for an error, or in a scale that has no code for them.
    pub fn block_scale(
        &self,
        x: &[f32],
        outer: Option<&OuterScale>,
        policy: &GroupPolicy,
    ) -> Result<BlockScale, GroupError> {
        if self.coupled() > 1 && outer.is_some_and(|outer| outer.value.is_nan()) {
            // The scale above says so for all.
            Extent::of(x, policy)?;
            return Ok(self.scale_of_code(0, 0, outer));
        }
        let ratio = match (Extent::of(x, policy)?, policy.scale.infinite_block) {
            (Extent::Finite { low, high }, _) => {
                return self.scale_of_values(x, (low, high), outer, policy);
            }
            (Extent::Nan, _) => Ratio::Nan,
            (Extent::Infinite, InfiniteBlock::Largest) => Ratio::Largest,
            // As if the magnitude were 2^128.
            (Extent::Infinite, _) => {
                let target = Target::of(policy.scale.maximum);
                self.ratio(Real::from_scaled(false, 1, 128), target, outer, policy)
            }
        };
        self.scale_of_ratio(ratio, 0.0, outer, policy)
    }

    /// The scale of a block of finite values from `low` to `high`, where `low` is at most zero and `high` at least; where
    /// the values choose the element that the largest magnitude becomes, that of the largest element.
    ///
    /// # Errors
    /// A scale that its format refuses.
    ///
    /// ```
    /// use fewbit_formats::{GroupFormat, PolicyPreset};
    /// let policy = "ocp-1.0".parse::<PolicyPreset>().unwrap().group_policy(&GroupFormat::MXFP4);
    /// let scale = GroupFormat::MXFP4.scale_of_extremes(-1.0, 24.0, None, &policy)?;
    /// assert_eq!(scale.value, 4.0); // floor(log2 24) - 2 = 2
    /// # Ok::<(), fewbit_formats::GroupError>(())
    /// ```
    pub fn scale_of_extremes(
        &self,
        low: f32,
        high: f32,
        outer: Option<&OuterScale>,
        policy: &GroupPolicy,
    ) -> Result<BlockScale, GroupError> {
        let target = Target::of(policy.scale.maximum);
        self.scale_to(target, low, high, outer, policy)
    }

    /// As [`Self::scale_of_extremes`], the largest magnitude becoming this element.
    pub(super) fn scale_to(
        &self,
        target: Target,
        low: f32,
        high: f32,
        outer: Option<&OuterScale>,
        policy: &GroupPolicy,
    ) -> Result<BlockScale, GroupError> {
        if low == 0.0 && high == 0.0 {
            return self.scale_of_ratio(Ratio::Zero, low, outer, policy);
        }
        let magnitude = match self.shifted() {
            None => Real::from_f32(if -low > high { -low } else { high }),
            Some(_) => policy.scale.arithmetic.extent(low, high),
        };
        self.scale_of_ratio(self.ratio(magnitude, target, outer, policy), low, outer, policy)
    }

    /// The scale of a block whose magnitudes ask for the scale `number`, before it is rounded to its format; for
    /// formats whose scales are not powers of two alone, without zero points.
    ///
    /// `number` is `amax / (largest element * outer scale)` as the policy's arithmetic computes it. It may be rounded
    /// beforehand as long as every rounding to the scale's format is that of the quotient.
    ///
    /// # Errors
    /// A scale that its format refuses.
    pub fn scale_of_number(
        &self,
        number: impl Into<Real>,
        outer: Option<&OuterScale>,
        policy: &GroupPolicy,
    ) -> Result<BlockScale, GroupError> {
        self.scale_of_ratio(Ratio::Number(number.into()), 0.0, outer, policy)
    }

    fn scale_of_ratio(
        &self,
        ratio: Ratio,
        low: f32,
        outer: Option<&OuterScale>,
        policy: &GroupPolicy,
    ) -> Result<BlockScale, GroupError> {
        let code = ratio.code(self.scale.format, self.measure(), policy)?;
        let scale = self.scale_of_code(code, 0, outer);
        let zero_point = self.zero_point_of(low, scale.value, policy)?;
        Ok(BlockScale { zero_point, ..scale })
    }

    /// What the elements of a block share, given its codes.
    #[must_use]
    pub fn scale_of_code(
        &self,
        code: u32,
        zero_point: u32,
        outer: Option<&OuterScale>,
    ) -> BlockScale {
        let own = decode(self.scale.format, code);
        // Without an outer scale as it is: a product would give a NaN another sign on some machines.
        let value = outer.map_or(own, |outer| own * outer.value);
        BlockScale { code, value, zero_point }
    }

    /// What brings a magnitude to an element.
    fn ratio(
        &self,
        magnitude: Real,
        target: Target,
        outer: Option<&OuterScale>,
        policy: &GroupPolicy,
    ) -> Ratio {
        let arithmetic = policy.scale.arithmetic;
        let (value, inverse) = outer.map_or((1.0, 1.0), |outer| (outer.value, outer.inverse));
        if has_powers_alone(self.scale.format) {
            return Ratio::Power(match outer {
                None => magnitude,
                Some(_) => arithmetic.quotient(magnitude, Real::from_f32(value)),
            });
        }
        let ratio = |target| arithmetic.ratio(magnitude, self.element_of(target), value, inverse);
        Ratio::Number(match (target, arithmetic) {
            // The other of two scales is made of the first one.
            (Target::Power, ScaleArithmetic::F32Encode) if policy.scale.maximum.is_adaptive() => {
                let part = self.element_of(Target::Largest).quotient(self.element_of(target)).value;
                Real::from_f32(to_f32(ratio(Target::Largest)) * to_f32(part))
            }
            _ => ratio(target),
        })
    }

    /// The code that stands for zero in a block whose least value is `low`.
    fn zero_point_of(&self, low: f32, scale: f32, policy: &GroupPolicy) -> Result<u32, GroupError> {
        let Some(int) = self.shifted() else { return Ok(0) };
        let arithmetic = policy.scale.arithmetic;
        let distance = if scale > 0.0 && scale.is_finite() && low != 0.0 {
            arithmetic.quotient(Real::from_f32(-low), Real::from_f32(scale))
        } else {
            Real::zero(false)
        };
        let rounding: Rounding = policy.scale_code.rounding;
        let place = arithmetic.shift(distance, int.min());
        encoded(self.element, place, &Policy::new(rounding, Overflow::Saturate))
    }
}
