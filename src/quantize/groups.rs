//! The quantizer to a group format: how it is made, what it refuses, the tensor.

use fewbit_formats::{GroupFormat, GroupPolicy, GroupZeroPoint, Policy};
use ndarray::ArrayViewD;

use super::group_scales::GroupScales;
use super::scheme::{TailPadding, ZeroPoint};
use super::{QuantizeError, Quantizer, ScaleRule, ScaleSource, Scheme};
use crate::convert::GroupEncoder;
use crate::tensor::{AnyQuantTensor, Granularity};

impl Quantizer {
    /// The quantizer to a group format, in groups along `axis` (from the end where it is negative); the last group of the
    /// axis may be shorter.
    ///
    /// Scales, zero points and codes are those of [`GroupFormat::encode_block`] under this policy.
    ///
    /// ```
    /// use fewbit::formats::{GroupFormat, PolicyPreset};
    /// use fewbit::quantize::Quantizer;
    /// use ndarray::array;
    ///
    /// let policy = "ocp-1.0".parse::<PolicyPreset>()?.group_policy(&GroupFormat::MXFP4);
    /// let quantizer = Quantizer::of_groups(GroupFormat::MXFP4, -1, policy)?;
    /// let t = quantizer.quantize(&array![[12.0f32, -4.0], [0.4, 0.1]].view())?;
    /// assert_eq!(t.scale(), array![[2.0f32], [0.0625]].into_dyn());
    /// assert_eq!(t.scale_codes().unwrap().scales, array![[128u32], [123]].into_dyn()); // 2^1, 2^-4
    /// assert_eq!(t.dequantize(), array![[12.0, -4.0], [0.375, 0.09375]].into_dyn());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A policy that cannot be followed: see [`GroupPolicy::check`].
    pub fn of_groups(
        format: GroupFormat,
        axis: isize,
        policy: GroupPolicy,
    ) -> Result<Self, QuantizeError> {
        let GroupPolicy { scale, scale_code, element } = policy;
        let scales = GroupScales { format, policy: scale, code: scale_code };
        let scheme = Scheme::new(format.element()).per_group(axis, format.size());
        let scheme = match format.zero_point() {
            GroupZeroPoint::None => scheme,
            GroupZeroPoint::Code => scheme.shifted(),
        };
        Self::new(scheme, ScaleRule::new(ScaleSource::Codes(scales)), element)
    }

    /// The group format whose codes the scales are; `None` where scales are numbers.
    pub fn group_format(&self) -> Option<&GroupFormat> {
        self.group_scales().map(|scales| &scales.format)
    }

    pub(super) fn group_scales(&self) -> Option<&GroupScales> {
        match &self.scale.source {
            ScaleSource::Codes(scales) => Some(scales),
            _ => None,
        }
    }
}

impl GroupScales {
    /// The tensor with scales of these codes.
    pub(super) fn encode(
        &self,
        scheme: &Scheme,
        element: Policy,
        seed: u64,
        x: &ArrayViewD<'_, f32>,
    ) -> Result<AnyQuantTensor, QuantizeError> {
        let Granularity::Group { axis, .. } = scheme.granularity else {
            return Err(self.misfit("granularity", scheme.granularity));
        };
        let encoder = GroupEncoder::new(self.format, self.of_elements(element))?.with_seed(seed);
        Ok(AnyQuantTensor::encode(&encoder, x, axis)?)
    }

    /// Whether scheme, rule and policy are those of the format.
    pub(super) fn check(
        &self,
        scheme: &Scheme,
        rule: &ScaleRule,
        element: Policy,
    ) -> Result<(), QuantizeError> {
        self.of_elements(element).check()?;
        if scheme.format != self.format.element() {
            return Err(self.misfit("format", scheme.format));
        }
        if !matches!(scheme.granularity, Granularity::Group { size, .. } if size == self.format.size())
        {
            return Err(self.misfit("granularity", scheme.granularity));
        }
        let plain = Scheme::new(scheme.format);
        let zero_point = match self.format.zero_point() {
            GroupZeroPoint::None => ZeroPoint::Zero,
            GroupZeroPoint::Code => plain.shifted().zero_point,
        };
        if scheme.zero_point != zero_point {
            return Err(self.misfit("zero point", "not the format's"));
        }
        if scheme.tail_padding != TailPadding::Short {
            return Err(self.misfit("shorter group", "to be filled with zeros"));
        }
        if *rule != ScaleRule::new(ScaleSource::Codes(*self)) {
            return Err(self.misfit("scale", "restricted, or has another threshold or floor"));
        }
        Ok(())
    }

    fn of_elements(&self, element: Policy) -> GroupPolicy {
        GroupPolicy { scale: self.policy, scale_code: self.code, element }
    }

    fn misfit(&self, what: &'static str, found: impl ToString) -> QuantizeError {
        QuantizeError::GroupFormat { format: self.format, what, found: found.to_string() }
    }
}
