//! Policies as lines of a header: every axis by name.

use std::fmt::Display;
use std::str::FromStr;

use fewbit_formats::{GroupPolicy, Overflow, Policy, Rounding, ScalePolicy};

use super::VectorError;
use super::entries::Entries;

impl Entries {
    /// The value of a key.
    ///
    /// # Errors
    /// A key that is missing; a text that is no such value.
    pub(super) fn value<T>(&self, key: &str) -> Result<T, VectorError>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(key)?;
        text.parse().map_err(|error: T::Err| VectorError::entry(key, text, &error.to_string()))
    }

    pub(super) fn add_policy(&mut self, prefix: &str, policy: &Policy) {
        let Policy {
            rounding,
            overflow,
            nan,
            nan_sign,
            nan_payload,
            infinity,
            zero_sign,
            subnormal_input,
            subnormal_output,
        } = policy;
        let axes: [(&str, &dyn Display); 9] = [
            ("rounding", rounding),
            ("overflow", overflow),
            ("nan", nan),
            ("nan_sign", nan_sign),
            ("nan_payload", nan_payload),
            ("infinity", infinity),
            ("zero_sign", zero_sign),
            ("subnormal_input", subnormal_input),
            ("subnormal_output", subnormal_output),
        ];
        for (axis, value) in axes {
            self.add(&format!("{prefix}{axis}"), value);
        }
    }

    pub(super) fn policy(&self, prefix: &str) -> Result<Policy, VectorError> {
        let key = |axis: &str| format!("{prefix}{axis}");
        let rounding: Rounding = self.value(&key("rounding"))?;
        let overflow: Overflow = self.value(&key("overflow"))?;
        Ok(Policy::new(rounding, overflow)
            .with_nan(self.value(&key("nan"))?)
            .with_nan_sign(self.value(&key("nan_sign"))?)
            .with_nan_payload(self.value(&key("nan_payload"))?)
            .with_infinity(self.value(&key("infinity"))?)
            .with_zero_sign(self.value(&key("zero_sign"))?)
            .with_subnormal_input(self.value(&key("subnormal_input"))?)
            .with_subnormal_output(self.value(&key("subnormal_output"))?))
    }

    pub(super) fn add_group_policy(&mut self, policy: &GroupPolicy) {
        let GroupPolicy { scale, scale_code, element } = policy;
        let ScalePolicy { rule, arithmetic, zero_block, nan_block, infinite_block, least, maximum } =
            scale;
        let axes: [(&str, &dyn Display); 7] = [
            ("scale_rule", rule),
            ("scale_arithmetic", arithmetic),
            ("zero_block", zero_block),
            ("nan_block", nan_block),
            ("infinite_block", infinite_block),
            ("least_scale", least),
            ("block_maximum", maximum),
        ];
        for (axis, value) in axes {
            self.add(axis, value);
        }
        self.add_policy("scale_code.", scale_code);
        self.add_policy("", element);
    }

    pub(super) fn group_policy(&self) -> Result<GroupPolicy, VectorError> {
        let scale = ScalePolicy::new(self.value("scale_rule")?)
            .with_arithmetic(self.value("scale_arithmetic")?)
            .with_zero_block(self.value("zero_block")?)
            .with_nan_block(self.value("nan_block")?)
            .with_infinite_block(self.value("infinite_block")?)
            .with_least(self.value("least_scale")?)
            .with_maximum(self.value("block_maximum")?);
        let element = self.policy("")?;
        Ok(GroupPolicy::new(scale, element).with_scale_code(self.policy("scale_code.")?))
    }
}
