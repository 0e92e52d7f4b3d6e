//! The axes of a conversion's policy as arguments.

use clap::Args;
use fewbit_formats::{
    Format, InfinityPolicy, NanPayload, NanPolicy, NanSign, Overflow, Policy, Rounding,
    SubnormalInput, SubnormalOutput, ZeroSign,
};

/// One flag per axis.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Policy")]
pub(crate) struct PolicyArgs {
    /// Between two values: ties-even, ties-away, ties-zero, ties-up, ties-down, toward-zero, up, down, away, odd,
    /// stochastic<n>, or a short, AP_* or AC_* name
    #[arg(long, value_name = "MODE", default_value = "ties-even")]
    round: Rounding,
    /// Beyond the largest value: saturate, special, ieee, sat-none, saturate-symmetric, zero; wrap and wrap-sm for
    /// integers and fixed point
    #[arg(long, value_name = "POLICY", default_value = "saturate")]
    overflow: Overflow,
    /// NaN where the format has none: error, zero, negative-zero, ml-dtypes, largest, smallest
    /// [default: ml-dtypes for floats, error for others]
    #[arg(long, value_name = "POLICY")]
    nan: Option<NanPolicy>,
    /// Sign of a NaN: keep, positive
    #[arg(long, value_name = "POLICY", default_value = "keep")]
    nan_sign: NanSign,
    /// Fraction of a NaN: canonical, all-ones, truncate
    #[arg(long, value_name = "POLICY", default_value = "canonical")]
    nan_payload: NanPayload,
    /// Infinity in: as-overflow, keep, nan, error
    #[arg(long, value_name = "POLICY", default_value = "as-overflow")]
    infinity: InfinityPolicy,
    /// Sign of a zero: keep, positive
    #[arg(long, value_name = "POLICY", default_value = "keep")]
    zero_sign: ZeroSign,
    /// Values that are subnormal in the input's type: keep, flush
    #[arg(long, value_name = "POLICY", default_value = "keep")]
    subnormal_input: SubnormalInput,
    /// Values below the format's smallest normal one: keep, flush-before, flush-after
    #[arg(long, value_name = "POLICY", default_value = "keep")]
    subnormal_output: SubnormalOutput,
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
    /// The policy for a format, and whether its NaN axis was chosen.
    pub(crate) fn policy(self, format: Format) -> (Policy, NanChoice) {
        let (nan, choice) = match (self.nan, format) {
            (Some(nan), _) => (nan, NanChoice::Given),
            (None, Format::Float(_)) => (NanPolicy::MlDtypes, NanChoice::Default),
            (None, _) => (NanPolicy::Error, NanChoice::Default),
        };
        let policy = Policy {
            rounding: self.round,
            overflow: self.overflow,
            nan,
            nan_sign: self.nan_sign,
            nan_payload: self.nan_payload,
            infinity: self.infinity,
            zero_sign: self.zero_sign,
            subnormal_input: self.subnormal_input,
            subnormal_output: self.subnormal_output,
        };
        (policy, choice)
    }
}
