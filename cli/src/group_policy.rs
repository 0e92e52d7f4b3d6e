//! The policy of groups as arguments.

use clap::Args;
use fewbit_formats::{
    BlockMaximum, ExponentRule, Format, GroupFormat, GroupPolicy, GroupZeroPoint, InfiniteBlock,
    LeastScale, NanBlock, Overflow, Policy, Rounding, ScaleArithmetic, ScalePolicy, ZeroBlock,
};
use serde::Serialize;

use crate::error::CliError;
use crate::policy::{NanChoice, PolicyArgs, PolicyReport};

/// One flag per axis of scales, beside those of elements.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Scales of groups")]
pub(crate) struct ScaleArgs {
    /// From the largest magnitude to a power of two: floor, ceil, even, rceil, nearest, nearest-away [default: floor]
    #[arg(long, value_name = "RULE")]
    scale_rule: Option<ExponentRule>,
    /// Quotients: exact, f32-divide, f32-reciprocal, f32-encode, bf16-reciprocal [default: exact]
    #[arg(long, value_name = "HOW")]
    scale_arithmetic: Option<ScaleArithmetic>,
    /// Rounding of scales that are not powers of two, and of zero points [default: ties-even]
    #[arg(long, value_name = "MODE")]
    scale_round: Option<Rounding>,
    /// Scales beyond the largest of their format: saturate, special [default: saturate]
    #[arg(long, value_name = "POLICY")]
    scale_overflow: Option<Overflow>,
    /// The least scale that is not a power of two: any, smallest-positive, smallest-normal [default: any]
    #[arg(long, value_name = "POLICY")]
    least_scale: Option<LeastScale>,
    /// The element that the largest magnitude of a block becomes, where scales are not powers of two: static-6 (the
    /// largest), static-4 (the greatest power of two), or of both the one with the smaller error: mse, mae, abs-max
    /// [default: static-6]
    #[arg(long, value_name = "RULE")]
    block_maximum: Option<BlockMaximum>,
    /// The scale of a block of zeros: smallest, one, zero [default: smallest]
    #[arg(long, value_name = "POLICY")]
    zero_block: Option<ZeroBlock>,
    /// The scale of a block with NaN: propagate, ignore, error [default: propagate]
    #[arg(long, value_name = "POLICY")]
    nan_block: Option<NanBlock>,
    /// The scale of a block with infinity: nan, as-exponent, largest, ignore, error [default: nan]
    #[arg(long, value_name = "POLICY")]
    infinite_block: Option<InfiniteBlock>,
}

impl ScaleArgs {
    /// Whether any of them was given.
    pub(crate) fn is_given(&self) -> bool {
        let Self {
            scale_rule,
            scale_arithmetic,
            scale_round,
            scale_overflow,
            least_scale,
            block_maximum,
            zero_block,
            nan_block,
            infinite_block,
        } = self;
        scale_rule.is_some()
            || scale_arithmetic.is_some()
            || scale_round.is_some()
            || scale_overflow.is_some()
            || least_scale.is_some()
            || block_maximum.is_some()
            || zero_block.is_some()
            || nan_block.is_some()
            || infinite_block.is_some()
    }

    /// Refuses what no scale of a group format has a use for.
    ///
    /// # Errors
    /// A rule for powers of two where no scale is one; rounding, overflow or a least scale where all are.
    pub(crate) fn check(&self, format: &GroupFormat) -> Result<(), CliError> {
        let scale = format.scale();
        let formats = || [scale.format].into_iter().chain(scale.outer.map(|outer| outer.format));
        let has_powers =
            |format: Format| matches!(format, Format::Float(float) if float.fraction_bits() == 0);
        let (some_powers, all_powers) = (formats().any(has_powers), formats().all(has_powers));
        let zero_points = format.zero_point() != GroupZeroPoint::None;
        let refuse = |flag: &str, why: &str| {
            Err(CliError::Arguments(format!("{flag} has no meaning for {format}, {why}")))
        };
        if self.scale_rule.is_some() && !some_powers {
            return refuse(
                "--scale-rule",
                "whose scales are no powers of two: --scale-round rounds them",
            );
        }
        let powers = "whose scales are powers of two: --scale-rule chooses them";
        for (given, flag) in [
            (self.scale_round.is_some() && !zero_points, "--scale-round"),
            (self.scale_overflow.is_some(), "--scale-overflow"),
            (self.least_scale.is_some(), "--least-scale"),
        ] {
            if given && all_powers {
                return refuse(flag, powers);
            }
        }
        if self.block_maximum.is_some() && (has_powers(scale.format) || zero_points) {
            return refuse("--block-maximum", "whose scales are powers of two or have zero points");
        }
        Ok(())
    }

    /// The policy for a group format, the elements' being given by `elements`.
    pub(crate) fn policy(
        &self,
        elements: &PolicyArgs,
        format: &GroupFormat,
    ) -> (GroupPolicy, NanChoice) {
        let base = match elements.preset() {
            Some(preset) => preset.group_policy(format),
            None => GroupPolicy::default_of(format),
        };
        let (element, nan) = elements.policy_over(base.element);
        let scale = ScalePolicy {
            rule: self.scale_rule.unwrap_or(base.scale.rule),
            arithmetic: self.scale_arithmetic.unwrap_or(base.scale.arithmetic),
            zero_block: self.zero_block.unwrap_or(base.scale.zero_block),
            nan_block: self.nan_block.unwrap_or(base.scale.nan_block),
            infinite_block: self.infinite_block.unwrap_or(base.scale.infinite_block),
            least: self.least_scale.unwrap_or(base.scale.least),
            maximum: self.block_maximum.unwrap_or(base.scale.maximum),
        };
        let scale_code = Policy {
            rounding: self.scale_round.unwrap_or(base.scale_code.rounding),
            overflow: self.scale_overflow.unwrap_or(base.scale_code.overflow),
            ..base.scale_code
        };
        (GroupPolicy { scale, scale_code, element }, nan)
    }
}

/// Every axis of a group policy by name.
#[derive(Serialize)]
pub(crate) struct GroupPolicyReport {
    scale_rule: String,
    scale_arithmetic: String,
    zero_block: String,
    nan_block: String,
    infinite_block: String,
    least_scale: String,
    block_maximum: String,
    scale_code: PolicyReport,
    element: PolicyReport,
}

impl From<&GroupPolicy> for GroupPolicyReport {
    fn from(policy: &GroupPolicy) -> Self {
        let GroupPolicy { scale, scale_code, element } = policy;
        Self {
            scale_rule: scale.rule.to_string(),
            scale_arithmetic: scale.arithmetic.to_string(),
            zero_block: scale.zero_block.to_string(),
            nan_block: scale.nan_block.to_string(),
            infinite_block: scale.infinite_block.to_string(),
            least_scale: scale.least.to_string(),
            block_maximum: scale.maximum.to_string(),
            scale_code: scale_code.into(),
            element: element.into(),
        }
    }
}
