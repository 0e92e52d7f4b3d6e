//! Values in units of their scale, as `f32` values that are encoded as the exact quotients are.

use fewbit_formats::{
    BlockMaximum, BlockScale, GroupFormat, GroupPolicy, ScaleArithmetic, SubnormalInput,
};

use super::extent::{Extent, Magnitude};
use super::factors::Factors;
use crate::convert::source::{least_step, quotient_may_be_odd, round_to_odd};
use crate::simd::{Detected, odd_sum};

/// How a quotient is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotient {
    /// `x * (1 / scale)`, one multiplication of `f32`.
    Product,
    /// `x * (1 / scale)`, rounded to an odd `f32`: not zero unless `x` is.
    OddProduct,
    /// `x / scale`, one division of `f32`.
    Division,
    /// The exact quotient, rounded to an odd `f32`.
    Odd,
}

/// How zero points are added to quotients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shift {
    /// There are none.
    None,
    /// Rounded to nearest.
    Nearest,
    /// Rounded to an odd `f32`, which is encoded as the exact sum is.
    Odd,
}

impl Shift {
    /// A quotient and a zero point.
    #[inline(always)]
    pub(super) fn add(self, quotient: f32, zero_point: f32) -> f32 {
        match self {
            Self::None => quotient,
            Self::Nearest => quotient + zero_point,
            Self::Odd => round_to_odd(odd_sum(quotient.into(), zero_point.into())).0,
        }
    }
}

/// How the `f32` values that are encoded are made of a block's values.
pub(super) trait BlockQuotient {
    /// What its scale is made of.
    type Extent: Extent;

    /// That of one value; `#[inline(always)]`.
    fn of(&self, x: f32, factors: Factors) -> f32;

    /// How the same is made in lanes.
    fn in_lanes(&self) -> (Quotient, Shift);

    /// Finds the zero points of at most [`AT_ONCE`](super::scale_lanes::AT_ONCE) blocks whose scales are known; those that
    /// are not finite get any.
    ///
    /// Whether it did.
    fn find_zero_points(
        &self,
        extents: &[Self::Extent],
        isa: Detected,
        scales: &mut [BlockScale],
    ) -> bool;
}

impl Quotient {
    /// How the lanes get those of a format's elements, zero points left out; `None` where no `f32` stands for one.
    /// `has_powers`: all scales are powers of two.
    pub(super) fn new(
        format: &GroupFormat,
        policy: &GroupPolicy,
        has_powers: bool,
    ) -> Option<Self> {
        let element = &policy.element;
        if element.subnormal_input == SubnormalInput::Flush
            || policy.scale.maximum != BlockMaximum::Static6
        {
            return None;
        }
        match policy.scale.arithmetic {
            ScaleArithmetic::F32Divide => {
                Some(if has_powers { Self::Product } else { Self::Division })
            }
            ScaleArithmetic::F32Reciprocal | ScaleArithmetic::F32Encode => Some(Self::Product),
            ScaleArithmetic::Bf16Reciprocal => None,
            ScaleArithmetic::Exact if !quotient_may_be_odd(format.element(), element) => None,
            // A product with a power of two is exact unless it is subnormal.
            ScaleArithmetic::Exact
                if has_powers && least_step(format.element(), element) > -126 =>
            {
                let zero_is_near = element.rounding.is_nearest() && format.element().has_zero();
                Some(if zero_is_near { Self::Product } else { Self::OddProduct })
            }
            ScaleArithmetic::Exact => Some(Self::Odd),
        }
    }
}

impl BlockQuotient for Quotient {
    type Extent = Magnitude;

    #[inline(always)]
    fn of(&self, x: f32, factors: Factors) -> f32 {
        let Factors { scale, inverse, .. } = factors;
        match *self {
            Self::Product => x * inverse,
            Self::OddProduct => round_to_odd(f64::from(x) * f64::from(inverse)).0,
            Self::Division => x / scale,
            Self::Odd => round_to_odd(f64::from(x) / f64::from(scale)).0,
        }
    }

    fn in_lanes(&self) -> (Quotient, Shift) {
        (*self, Shift::None)
    }

    fn find_zero_points(&self, _: &[Magnitude], _: Detected, _: &mut [BlockScale]) -> bool {
        true
    }
}
