//! The scale that several blocks share.

use super::error::GroupError;
use super::format::{GroupFormat, Outer, has_powers_alone};
use super::policy::GroupPolicy;
use super::ratio::{Ratio, decode};
use crate::real::Real;
use crate::scale::{InfiniteBlock, NanBlock, ScaleArithmetic, to_f32};

/// A scale of scales.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OuterScale {
    /// Its code.
    pub code: u32,
    /// Its value, rounded to `f32` where it is not one.
    pub value: f32,
    /// What [`ScaleArithmetic::F32Reciprocal`] and [`ScaleArithmetic::F32Encode`] multiply by.
    pub inverse: f32,
}

impl GroupFormat {
    /// The outer scale of blocks whose largest finite magnitude is `amax`; `None` where the format has none.
    ///
    /// ```text
    /// exact            amax / (largest element * largest block scale), which are those of the block maximum's rule
    /// f32-divide       the same quotient in f32, of an f32 product
    /// f32-reciprocal, f32-encode
    ///                  1 / inverse in f32, where inverse = f32(largest element * largest block scale / amax)
    /// bf16-reciprocal  bf16(f32(amax * bf16(1 / (largest element * largest block scale))))
    /// ```
    ///
    /// It is then rounded to the outer format; that of NaN is NaN. What a value contributes to `amax` is
    /// [`Self::outer_magnitude`]. `inverse` is `1 / value` where the format rounded it.
    ///
    /// # Errors
    /// A scale that its format refuses.
    ///
    /// ```
    /// use fewbit_formats::{GroupFormat, PolicyPreset};
    /// let policy = "torchao-0.13-nvfp4".parse::<PolicyPreset>().unwrap().group_policy(&GroupFormat::NVFP4);
    /// let outer = GroupFormat::NVFP4.outer_scale(2688.0, &policy)?.unwrap();
    /// assert_eq!(outer.value, 1.0); // 6 * 448
    /// # Ok::<(), fewbit_formats::GroupError>(())
    /// ```
    pub fn outer_scale(
        &self,
        amax: f32,
        policy: &GroupPolicy,
    ) -> Result<Option<OuterScale>, GroupError> {
        let Some(Outer { format, .. }) = self.scale.outer else { return Ok(None) };
        let arithmetic = policy.scale.arithmetic;
        let real = Real::from_f32(amax);
        let measure = self.target_of_outer(policy.scale.maximum);
        let largest_scale = self.largest_scale(policy.scale.maximum);
        let largest = measure.product(largest_scale).value;
        let inverse = to_f32(largest) / amax;
        let ratio = if amax.is_nan() {
            Ratio::Nan
        } else if amax == 0.0 {
            Ratio::Zero
        } else if has_powers_alone(format) {
            Ratio::Power(arithmetic.quotient(real, largest_scale))
        } else {
            Ratio::Number(match arithmetic {
                ScaleArithmetic::F32Reciprocal | ScaleArithmetic::F32Encode => {
                    Real::from_f32(1.0 / inverse)
                }
                ScaleArithmetic::Bf16Reciprocal => arithmetic.ratio(real, largest, 1.0, 1.0),
                _ => arithmetic.quotient(real, largest),
            })
        };
        let code = ratio.code(format, self.measure(), policy)?;
        let value = decode(format, code);
        let kept = amax != 0.0 && value == 1.0 / inverse;
        Ok(Some(OuterScale { code, value, inverse: if kept { inverse } else { 1.0 / value } }))
    }

    /// What a value contributes to the largest magnitude that an outer scale is made of.
    ///
    /// NaN and infinities take no part: a block that holds them says so in its own scale, and leaves the others as they
    /// are. Where scales are coupled ([`Self::coupled`]) they cannot: there a value whose block is to be NaN is NaN here
    /// too, and so are all values under the outer scale.
    #[must_use]
    #[inline]
    pub fn outer_magnitude(&self, x: f32, policy: &GroupPolicy) -> f32 {
        if x.is_finite() {
            return x.abs();
        }
        let is_nan = if x.is_nan() {
            matches!(policy.scale.nan_block, NanBlock::Propagate)
        } else {
            matches!(policy.scale.infinite_block, InfiniteBlock::Nan)
        };
        if is_nan && self.coupled() > 1 { f32::NAN } else { 0.0 }
    }

    /// The outer scale that a code stands for; `None` where the format has none.
    #[must_use]
    pub fn outer_of_code(&self, code: u32) -> Option<OuterScale> {
        let value = decode(self.scale.outer?.format, code);
        Some(OuterScale { code, value, inverse: 1.0 / value })
    }
}
