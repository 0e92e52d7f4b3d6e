//! Elements in units of their block's scale, and back.

use super::error::GroupError;
use super::extent::flushed;
use super::format::GroupFormat;
use super::outer::OuterScale;
use super::policy::GroupPolicy;
use super::scale::BlockScale;
use crate::encoded::{EncodeError, Encoded};
use crate::real::Real;

impl GroupFormat {
    /// Scale and codes of a block of at most [`size`](Self::size) values, by itself: where scales are coupled, of a run
    /// of this one block ([`Self::encode_run`]). `random` gives the random bits of an element,
    /// by its index within the block; only stochastic rounding asks for them.
    ///
    /// # Errors
    /// As [`Self::block_scale`]; an element that the policy refuses; slices of different lengths.
    pub fn encode_block(
        &self,
        x: &[f32],
        outer: Option<&OuterScale>,
        policy: &GroupPolicy,
        random: impl Fn(usize) -> u32,
        codes: &mut [u32],
    ) -> Result<BlockScale, GroupError> {
        if x.len() != codes.len() {
            return Err(GroupError::Length { values: x.len(), codes: codes.len() });
        }
        policy.check()?;
        let scale = self.block_scale(x, outer, policy)?;
        self.encode_elements(x, &scale, policy, random, codes)?;
        Ok(scale)
    }

    /// The codes of a block under its scale.
    pub(super) fn encode_elements(
        &self,
        x: &[f32],
        scale: &BlockScale,
        policy: &GroupPolicy,
        random: impl Fn(usize) -> u32,
        codes: &mut [u32],
    ) -> Result<(), GroupError> {
        let stochastic = policy.element.rounding.random_bits().is_some();
        for (index, (&x, code)) in x.iter().zip(codes).enumerate() {
            let random = if stochastic { random(index) } else { 0 };
            let encoded = self
                .encode_element(x, scale, policy, random)
                .map_err(|source| GroupError::Element { index, source })?;
            *code = encoded.code;
        }
        Ok(())
    }

    /// The code of one element, and what happened to its quotient.
    ///
    /// ```text
    /// x finite, scale a positive number   encode(x / scale + zero point), as the arithmetic says
    /// x NaN or infinite                   encode(x)
    /// scale zero or infinite              encode(zero of the sign of x + zero point)
    /// scale NaN                           encode(NaN), or encode(0) where the element's policy refuses that
    /// ```
    ///
    /// # Errors
    /// What the element's policy refuses.
    pub fn encode_element(
        &self,
        x: f32,
        scale: &BlockScale,
        policy: &GroupPolicy,
        random: u32,
    ) -> Result<Encoded, EncodeError> {
        let encode = |x: Real| self.element.encode_real(x, &policy.element, random);
        if scale.value.is_nan() {
            return encode(Real::nan(false)).or_else(|_| encode(Real::zero(false)));
        }
        if !x.is_finite() {
            return encode(Real::from_f32(x));
        }
        let x = flushed(x, policy.element.subnormal_input);
        let quotient = if x == 0.0 || scale.value == 0.0 || scale.value.is_infinite() {
            Real::zero(x.is_sign_negative())
        } else {
            policy.scale.arithmetic.quotient(Real::from_f32(x), Real::from_f32(scale.value))
        };
        match self.shifted().and_then(|int| int.value(scale.zero_point)) {
            None => encode(quotient),
            Some(zero_point) => encode(policy.scale.arithmetic.shift(quotient, zero_point)),
        }
    }

    /// The value of one element: `(decode(code) - zero point) * scale`, the product rounded once to `f32`; the decoded
    /// element is itself rounded to `f32` first in the few formats whose values are not all `f32`.
    ///
    /// ```
    /// use fewbit_formats::GroupFormat;
    /// let scale = GroupFormat::MXFP4.scale_of_code(130, 0, None); // 2^3
    /// assert_eq!(GroupFormat::MXFP4.decode_element(0b1_01_1, &scale), -12.0);
    /// let nan = GroupFormat::MXFP4.scale_of_code(255, 0, None);
    /// assert!(GroupFormat::MXFP4.decode_element(0, &nan).is_nan());
    /// ```
    #[must_use]
    pub fn decode_element(&self, code: u32, scale: &BlockScale) -> f32 {
        let zero_point = self.shifted().and_then(|int| int.value(scale.zero_point));
        let number = match zero_point {
            None => self.element.decode(code) as f32,
            Some(zero_point) => self.element.decode(code) as f32 - zero_point as f32,
        };
        number * scale.value
    }

    /// The values of a block: [`Self::decode_element`] of each.
    ///
    /// # Errors
    /// Slices of different lengths.
    pub fn decode_block(
        &self,
        codes: &[u32],
        scale: &BlockScale,
        values: &mut [f32],
    ) -> Result<(), GroupError> {
        if codes.len() != values.len() {
            return Err(GroupError::Length { values: values.len(), codes: codes.len() });
        }
        for (value, &code) in values.iter_mut().zip(codes) {
            *value = self.decode_element(code, scale);
        }
        Ok(())
    }
}
