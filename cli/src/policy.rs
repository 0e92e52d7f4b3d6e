//! The axes of a conversion's policy as arguments.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use fewbit::quantize::{self, QuantizeError};
use fewbit_formats::{
    Format, InfinityPolicy, NanPayload, NanPolicy, NanSign, Overflow, Policy, PolicyPreset,
    Rounding, SubnormalInput, SubnormalOutput, ZeroSign,
};
use serde::Serialize;

use crate::error::CliError;

/// What `--preset` can name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PresetName {
    /// The policies of a stack.
    Stack(PolicyPreset),
    /// A whole quantizer.
    Quantizer(&'static quantize::Preset),
}

impl FromStr for PresetName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let stack = text.parse().map(Self::Stack);
        stack.or_else(|error| match text.parse() {
            Ok(preset) => Ok(Self::Quantizer(preset)),
            Err(QuantizeError::Preset { near, .. }) => {
                Err(format!("{error}; or, for `fewbit quantize`, one of its --list-presets{near}"))
            }
            Err(_) => Err(error.to_string()),
        })
    }
}

/// One flag per axis, on top of a preset.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Policy")]
pub(crate) struct PolicyArgs {
    /// Follow a stack on every axis that no other flag sets, as `ocp-1.0` or `ml_dtypes-0.5`
    /// [default: ties-even, saturate, and nothing lost where the format can hold it];
    /// `fewbit quantize` takes the name of a whole quantizer too, as `Int8WeightPerChannelFloat`
    #[arg(long, value_name = "NAME")]
    preset: Option<PresetName>,
    /// Between two values: ties-even, ties-away, ties-zero, ties-up, ties-down, toward-zero, up, down, away, odd,
    /// stochastic<n>, or a short, AP_* or AC_* name [default: ties-even]
    #[arg(long, value_name = "MODE")]
    round: Option<Rounding>,
    /// Beyond the largest value: saturate, special, ieee, sat-none, saturate-symmetric, zero; wrap and wrap-sm for
    /// integers and fixed point [default: saturate]
    #[arg(long, value_name = "POLICY")]
    overflow: Option<Overflow>,
    /// NaN where the format has none: error, zero, negative-zero, ml-dtypes, largest, smallest
    /// [default: ml-dtypes for floats, error for others]
    #[arg(long, value_name = "POLICY")]
    nan: Option<NanPolicy>,
    /// Sign of a NaN: keep, positive [default: keep]
    #[arg(long, value_name = "POLICY")]
    nan_sign: Option<NanSign>,
    /// Fraction of a NaN: canonical, all-ones, truncate [default: canonical]
    #[arg(long, value_name = "POLICY")]
    nan_payload: Option<NanPayload>,
    /// Infinity in: as-overflow, keep, nan, error [default: as-overflow]
    #[arg(long, value_name = "POLICY")]
    infinity: Option<InfinityPolicy>,
    /// Sign of a zero: keep, positive [default: keep]
    #[arg(long, value_name = "POLICY")]
    zero_sign: Option<ZeroSign>,
    /// Values that are subnormal in the input's type: keep, flush [default: keep]
    #[arg(long, value_name = "POLICY")]
    subnormal_input: Option<SubnormalInput>,
    /// Values below the format's smallest normal one: keep, flush-before, flush-after [default: keep]
    #[arg(long, value_name = "POLICY")]
    subnormal_output: Option<SubnormalOutput>,
}

/// Who chose what becomes of NaN in a format without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NanChoice {
    /// An argument.
    Given,
    /// Nobody; so it is worth a warning.
    Default,
}

impl PolicyArgs {
    /// The stack that is followed.
    pub(crate) fn preset(&self) -> Option<PolicyPreset> {
        match self.preset {
            Some(PresetName::Stack(preset)) => Some(preset),
            _ => None,
        }
    }

    /// The quantizer that is named.
    pub(crate) fn quantizer(&self) -> Option<&'static quantize::Preset> {
        match self.preset {
            Some(PresetName::Quantizer(preset)) => Some(preset),
            _ => None,
        }
    }

    /// Refuses the name of a quantizer, for `what`.
    pub(crate) fn refuse_quantizer(&self, what: &str) -> Result<(), CliError> {
        match self.quantizer() {
            None => Ok(()),
            Some(preset) => Err(CliError::Arguments(format!(
                "{} is a quantizer, which {what} does not take: expected a stack such as ocp-1.0, or \
                 `fewbit quantize --preset {} X.npy Q.safetensors`",
                preset.name, preset.name
            ))),
        }
    }

    /// Whether any flag but the preset was given.
    pub(crate) fn has_axes(&self) -> bool {
        Self { preset: None, ..self.clone() }.is_given()
    }

    /// Whether any of them was given.
    pub(crate) fn is_given(&self) -> bool {
        let Self {
            preset,
            round,
            overflow,
            nan,
            nan_sign,
            nan_payload,
            infinity,
            zero_sign,
            subnormal_input,
            subnormal_output,
        } = self;
        preset.is_some()
            || round.is_some()
            || overflow.is_some()
            || nan.is_some()
            || nan_sign.is_some()
            || nan_payload.is_some()
            || infinity.is_some()
            || zero_sign.is_some()
            || subnormal_input.is_some()
            || subnormal_output.is_some()
    }

    /// The policy for a format, and whether its NaN axis was chosen.
    pub(crate) fn policy(&self, format: Format) -> (Policy, NanChoice) {
        self.policy_over(match self.preset() {
            Some(preset) => preset.policy(format),
            None => Policy::default_of(format),
        })
    }

    /// The policy where `base` is what no flag changes, and whether its NaN axis was chosen.
    pub(crate) fn policy_over(&self, base: Policy) -> (Policy, NanChoice) {
        let policy = Policy {
            rounding: self.round.unwrap_or(base.rounding),
            overflow: self.overflow.unwrap_or(base.overflow),
            nan: self.nan.unwrap_or(base.nan),
            nan_sign: self.nan_sign.unwrap_or(base.nan_sign),
            nan_payload: self.nan_payload.unwrap_or(base.nan_payload),
            infinity: self.infinity.unwrap_or(base.infinity),
            zero_sign: self.zero_sign.unwrap_or(base.zero_sign),
            subnormal_input: self.subnormal_input.unwrap_or(base.subnormal_input),
            subnormal_output: self.subnormal_output.unwrap_or(base.subnormal_output),
        };
        let chosen = self.nan.is_some() || self.preset.is_some();
        (policy, if chosen { NanChoice::Given } else { NanChoice::Default })
    }
}

/// Every axis by name, for `--json` and for metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PolicyReport {
    rounding: String,
    overflow: &'static str,
    nan: &'static str,
    nan_sign: &'static str,
    nan_payload: &'static str,
    infinity: &'static str,
    zero_sign: &'static str,
    subnormal_input: &'static str,
    subnormal_output: &'static str,
}

impl From<&Policy> for PolicyReport {
    fn from(policy: &Policy) -> Self {
        Self {
            rounding: policy.rounding.to_string(),
            overflow: policy.overflow.name(),
            nan: policy.nan.name(),
            nan_sign: policy.nan_sign.name(),
            nan_payload: policy.nan_payload.name(),
            infinity: policy.infinity.name(),
            zero_sign: policy.zero_sign.name(),
            subnormal_input: policy.subnormal_input.name(),
            subnormal_output: policy.subnormal_output.name(),
        }
    }
}

impl fmt::Display for PolicyReport {
    /// The two axes that matter to every value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.rounding, self.overflow)
    }
}
