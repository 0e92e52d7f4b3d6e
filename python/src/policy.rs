//! Policies from the axes that a call names.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use fewbit_formats::{Format, GroupFormat, GroupPolicy, GroupZeroPoint, Policy, PolicyPreset};
use pyo3::prelude::*;

use crate::errors::{type_error, value_error};

/// The axes of elements.
const ELEMENT_AXES: [&str; 10] = [
    "rounding",
    "overflow",
    "preset",
    "nan",
    "nan_sign",
    "nan_payload",
    "infinity",
    "zero_sign",
    "subnormal_input",
    "subnormal_output",
];

/// The axes of the scales of groups.
const SCALE_AXES: [&str; 9] = [
    "scale_rule",
    "scale_arithmetic",
    "scale_rounding",
    "scale_overflow",
    "least_scale",
    "block_maximum",
    "zero_block",
    "nan_block",
    "infinite_block",
];

/// The axes that a call names, by name.
#[derive(Clone, Debug, Default, FromPyObject)]
#[pyo3(transparent)]
pub(crate) struct Axes(BTreeMap<String, Option<String>>);

impl Axes {
    fn get<T: FromStr<Err: Display>>(&self, axis: &str, default: T) -> PyResult<T> {
        match self.0.get(axis).and_then(Option::as_ref) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|error| value_error(format!("{axis}: {error}"))),
        }
    }

    fn preset(&self) -> PyResult<Option<PolicyPreset>> {
        let text = self.0.get("preset").and_then(Option::as_ref);
        text.map(|text| text.parse().map_err(|error| value_error(format!("preset: {error}"))))
            .transpose()
    }

    fn is_given(&self, axis: &str) -> bool {
        self.0.get(axis).is_some_and(Option::is_some)
    }

    /// Refuses axes that are none.
    fn check(&self, groups: Option<&GroupFormat>) -> PyResult<()> {
        for (axis, _) in self.0.iter().filter(|(_, value)| value.is_some()) {
            let axis = axis.as_str();
            if ELEMENT_AXES.contains(&axis) || groups.is_some() && SCALE_AXES.contains(&axis) {
                continue;
            }
            let known = ELEMENT_AXES.iter().chain(groups.iter().flat_map(|_| &SCALE_AXES));
            let known: Vec<&str> = known.copied().collect();
            return Err(type_error(if SCALE_AXES.contains(&axis) {
                format!("{axis} is a policy for the scales of groups, and this format has none")
            } else {
                format!(
                    "unexpected argument '{axis}': the axes of a policy are {}",
                    known.join(", ")
                )
            }));
        }
        groups.map_or(Ok(()), |format| self.check_scales(format))
    }

    /// Refuses what no scale of a group format has a use for.
    fn check_scales(&self, format: &GroupFormat) -> PyResult<()> {
        let scale = format.scale();
        let has_powers =
            |format: Format| matches!(format, Format::Float(float) if float.fraction_bits() == 0);
        let formats = || [scale.format].into_iter().chain(scale.outer.map(|outer| outer.format));
        let (some, all) = (formats().any(has_powers), formats().all(has_powers));
        let zero_points = format.zero_point() != GroupZeroPoint::None;
        let useless = [
            ("scale_rule", !some),
            ("scale_rounding", all && !zero_points),
            ("scale_overflow", all),
            ("least_scale", all),
            ("block_maximum", has_powers(scale.format) || zero_points),
        ];
        match useless.iter().find(|(axis, useless)| *useless && self.is_given(axis)) {
            Some((axis, _)) if all => Err(value_error(format!(
                "{axis} has no meaning for {format}, whose scales are powers of two: scale_rule chooses them"
            ))),
            Some((axis, _)) => Err(value_error(format!(
                "{axis} has no meaning for {format}, whose scales are no powers of two or have zero points"
            ))),
            None => Ok(()),
        }
    }

    /// The policy for elements of `format`.
    ///
    /// # Errors
    /// Axes and values that do not exist.
    pub(crate) fn policy(&self, format: Format) -> PyResult<Policy> {
        self.check(None)?;
        self.over(match self.preset()? {
            Some(preset) => preset.policy(format),
            None => Policy::default_of(format),
        })
    }

    fn over(&self, base: Policy) -> PyResult<Policy> {
        Ok(Policy {
            rounding: self.get("rounding", base.rounding)?,
            overflow: self.get("overflow", base.overflow)?,
            nan: self.get("nan", base.nan)?,
            nan_sign: self.get("nan_sign", base.nan_sign)?,
            nan_payload: self.get("nan_payload", base.nan_payload)?,
            infinity: self.get("infinity", base.infinity)?,
            zero_sign: self.get("zero_sign", base.zero_sign)?,
            subnormal_input: self.get("subnormal_input", base.subnormal_input)?,
            subnormal_output: self.get("subnormal_output", base.subnormal_output)?,
        })
    }

    /// The policy for groups of `format`.
    ///
    /// # Errors
    /// Axes and values that do not exist, or that have no meaning for the format.
    pub(crate) fn group_policy(&self, format: &GroupFormat) -> PyResult<GroupPolicy> {
        self.check(Some(format))?;
        let mut policy = match self.preset()? {
            Some(preset) => preset.group_policy(format),
            None => GroupPolicy::default_of(format),
        };
        policy.element = self.over(policy.element)?;
        let scale = &mut policy.scale;
        scale.rule = self.get("scale_rule", scale.rule)?;
        scale.arithmetic = self.get("scale_arithmetic", scale.arithmetic)?;
        scale.zero_block = self.get("zero_block", scale.zero_block)?;
        scale.nan_block = self.get("nan_block", scale.nan_block)?;
        scale.infinite_block = self.get("infinite_block", scale.infinite_block)?;
        scale.least = self.get("least_scale", scale.least)?;
        scale.maximum = self.get("block_maximum", scale.maximum)?;
        let code = &mut policy.scale_code;
        code.rounding = self.get("scale_rounding", code.rounding)?;
        code.overflow = self.get("scale_overflow", code.overflow)?;
        Ok(policy)
    }
}

/// A name as the library parses it.
///
/// # Errors
/// What it does not know.
pub(crate) fn named<T: FromStr<Err: Display>>(text: &str) -> PyResult<T> {
    text.parse().map_err(value_error)
}
