//! How the scales of a format are found, and how the quotients for the lanes are made.

use std::sync::Arc;

use fewbit_formats::{
    BlockScale, Format, GroupError, GroupFormat, GroupPolicy, OuterScale, ScaleArithmetic,
    SubnormalInput, ZeroPoint,
};

use super::powers::Powers;
use super::quotient::Quotient;
use crate::convert::lane::LEADING;
use crate::convert::source::{least_step, quotient_may_be_odd};

/// What an encoder of groups knows beforehand.
#[derive(Clone, Debug)]
pub(super) struct GroupPlan {
    pub(super) scales: Scales,
    /// `None` where no `f32` stands for a quotient.
    pub(super) quotient: Option<Quotient>,
}

/// How scales are found.
#[derive(Clone, Debug)]
pub(super) enum Scales {
    /// Powers of two, by comparisons.
    Powers(Arc<Powers>),
    /// From the largest magnitude, by the specification.
    Magnitude,
}

impl GroupPlan {
    pub(super) fn new(format: &GroupFormat, policy: &GroupPolicy) -> Self {
        let has_powers =
            matches!(format.scale().format, Format::Float(float) if float.fraction_bits() == 0);
        let single = format.scale().outer.is_none() && format.zero_point() == ZeroPoint::None;
        let powers = (has_powers && single).then(|| Powers::new(format, policy)).flatten();
        let scales = powers.map_or(Scales::Magnitude, |powers| Scales::Powers(Arc::new(powers)));
        let quotient = quotient(format, policy, has_powers && single);
        Self { scales, quotient }
    }

    /// The scale of a block whose largest magnitude is finite, and its reciprocal.
    #[inline(always)]
    pub(super) fn scale(
        &self,
        magnitude: u32,
        outer: Option<&OuterScale>,
        format: &GroupFormat,
        policy: &GroupPolicy,
    ) -> Result<(BlockScale, f32), GroupError> {
        match &self.scales {
            Scales::Powers(powers) => powers.find(magnitude, format, policy),
            Scales::Magnitude => {
                let scale =
                    format.scale_of_extremes(0.0, f32::from_bits(magnitude), outer, policy)?;
                Ok((scale, 1.0 / scale.value))
            }
        }
    }
}

fn quotient(format: &GroupFormat, policy: &GroupPolicy, has_powers: bool) -> Option<Quotient> {
    let element = &policy.element;
    if format.zero_point() == ZeroPoint::Code || element.subnormal_input == SubnormalInput::Flush {
        return None;
    }
    match policy.scale.arithmetic {
        ScaleArithmetic::F32Divide => {
            Some(if has_powers { Quotient::Product } else { Quotient::Division })
        }
        ScaleArithmetic::F32Reciprocal => Some(Quotient::Product),
        ScaleArithmetic::Exact if !quotient_may_be_odd(format.element(), element) => None,
        // A product with a power of two is exact unless it is subnormal.
        ScaleArithmetic::Exact if has_powers && least_step(format.element(), element) > -126 => {
            let zero_is_near = element.rounding.is_nearest() && format.element().has_zero();
            Some(if zero_is_near { Quotient::Product } else { Quotient::ProductAtLeast(LEADING) })
        }
        ScaleArithmetic::Exact => Some(Quotient::Odd),
    }
}
