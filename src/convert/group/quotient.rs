//! Values in units of their scale, as `f32` values that are encoded as the exact quotients are.

use fewbit_formats::{
    BlockMaximum, BlockScale, GroupFormat, GroupPolicy, ScaleArithmetic, SubnormalInput,
};

use super::extent::{Extent, Magnitude};
use super::scale_lanes::AT_ONCE;
use crate::convert::lane::{LEADING, MAGNITUDE};
use crate::convert::source::{least_step, quotient_may_be_odd, round_to_odd};
use crate::simd::{Detected, odd_sum};

/// How a quotient is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotient {
    /// `x * (1 / scale)`, one multiplication of `f32`.
    Product,
    /// The same, but where `x` is not zero of at least this magnitude, which stands for everything below.
    ProductAtLeast(u32),
    /// `x / scale`, one division of `f32`.
    Division,
    /// The exact quotient, rounded to an odd `f32`.
    Odd,
}

/// How quotients are made in lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LaneQuotient {
    /// [`Quotient::Product`]
    Product,
    /// [`Quotient::Division`]
    Division,
    /// [`Quotient::Odd`]
    Odd,
}

impl LaneQuotient {
    /// The same as `quotient`, if there is one.
    pub(super) fn of(quotient: Quotient) -> Option<Self> {
        match quotient {
            Quotient::Product => Some(Self::Product),
            Quotient::ProductAtLeast(_) => None,
            Quotient::Division => Some(Self::Division),
            Quotient::Odd => Some(Self::Odd),
        }
    }
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

/// What the values of a block are divided by, and what is added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors {
    pub(super) scale: f32,
    /// `1 / scale`
    pub(super) inverse: f32,
    /// The zero point; 0 without one.
    pub(super) zero_point: f32,
}

impl Factors {
    /// Of a block that the specification encodes.
    pub(super) const NONE: Self = Self::new(1.0, 1.0, 0.0);

    #[inline(always)]
    pub(super) const fn new(scale: f32, inverse: f32, zero_point: f32) -> Self {
        Self { scale, inverse, zero_point }
    }

    /// Whether they are numbers that can be divided by.
    #[inline(always)]
    pub(super) const fn are_usable(self) -> bool {
        self.scale > 0.0 && self.scale.is_finite() && self.inverse.is_finite()
    }
}

/// The factors of many blocks, side by side.
#[derive(Clone, Debug)]
pub(super) struct EachFactors {
    scales: [f32; AT_ONCE],
    inverses: [f32; AT_ONCE],
    zero_points: [f32; AT_ONCE],
}

impl EachFactors {
    /// Of blocks that the specification encodes.
    pub(super) const NONE: Self =
        Self { scales: [1.0; AT_ONCE], inverses: [1.0; AT_ONCE], zero_points: [0.0; AT_ONCE] };

    pub(super) fn set(&mut self, block: usize, factors: Factors) {
        self.scales[block] = factors.scale;
        self.inverses[block] = factors.inverse;
        self.zero_points[block] = factors.zero_point;
    }

    /// Scales, inverses, zero points.
    #[inline(always)]
    pub(super) fn each(&self) -> [&[f32]; 3] {
        [&self.scales, &self.inverses, &self.zero_points]
    }
}

/// How the `f32` values that are encoded are made of a block's values.
pub(super) trait BlockQuotient {
    /// What its scale is made of.
    type Extent: Extent;

    /// Those of `N` elements; `#[inline(always)]`.
    fn fill_block<const N: usize>(&self, x: &[f32; N], factors: Factors) -> [f32; N];

    /// Those of any number of elements; `#[inline(always)]`.
    fn fill(&self, x: &[f32], factors: Factors, to: &mut [f32]);

    /// Those of elements that lie side by side and have factors each: scales, inverses, zero points; `#[inline(always)]`.
    fn fill_each(&self, x: &[f32], factors: [&[f32]; 3], to: &mut [f32]);

    /// The same in lanes, if there is one.
    fn in_lanes(&self) -> Option<(LaneQuotient, Shift)>;

    /// Finds the zero points of at most [`AT_ONCE`] blocks whose scales are known; those that
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

#[inline(always)]
fn at_least(x: f32, inverse: f32, least: u32) -> f32 {
    let quotient = (x * inverse).to_bits();
    let least = if x == 0.0 { 0 } else { least };
    f32::from_bits((quotient & MAGNITUDE).max(least) | quotient & !MAGNITUDE)
}

#[inline(always)]
fn odd(x: f32, scale: f32) -> f32 {
    round_to_odd(f64::from(x) / f64::from(scale)).0
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
                Some(if zero_is_near { Self::Product } else { Self::ProductAtLeast(LEADING) })
            }
            ScaleArithmetic::Exact => Some(Self::Odd),
        }
    }
}

impl BlockQuotient for Quotient {
    type Extent = Magnitude;

    /// Written at once, so that they are computed side by side.
    #[inline(always)]
    fn fill_block<const N: usize>(&self, x: &[f32; N], factors: Factors) -> [f32; N] {
        let Factors { scale, inverse, .. } = factors;
        match *self {
            Self::Product => std::array::from_fn(|i| x[i] * inverse),
            Self::ProductAtLeast(least) => std::array::from_fn(|i| at_least(x[i], inverse, least)),
            Self::Division => std::array::from_fn(|i| x[i] / scale),
            Self::Odd => std::array::from_fn(|i| odd(x[i], scale)),
        }
    }

    /// The last ones go through the same code, padded.
    #[inline(always)]
    fn fill(&self, x: &[f32], factors: Factors, to: &mut [f32]) {
        const WIDTH: usize = 16;
        let (parts, rest) = x.as_chunks::<WIDTH>();
        let (places, place) = to.as_chunks_mut::<WIDTH>();
        for (x, place) in parts.iter().zip(places) {
            *place = self.fill_block(x, factors);
        }
        let mut padded = [0.0; WIDTH];
        padded[..rest.len()].copy_from_slice(rest);
        place.copy_from_slice(&self.fill_block(&padded, factors)[..rest.len()]);
    }

    #[inline(always)]
    fn fill_each(&self, x: &[f32], [scales, inverses, _]: [&[f32]; 3], to: &mut [f32]) {
        match *self {
            Self::Product => {
                for ((x, inverse), q) in x.iter().zip(inverses).zip(to) {
                    *q = x * inverse;
                }
            }
            Self::ProductAtLeast(least) => {
                for ((x, inverse), q) in x.iter().zip(inverses).zip(to) {
                    *q = at_least(*x, *inverse, least);
                }
            }
            Self::Division => {
                for ((x, scale), q) in x.iter().zip(scales).zip(to) {
                    *q = x / scale;
                }
            }
            Self::Odd => {
                for ((x, scale), q) in x.iter().zip(scales).zip(to) {
                    *q = odd(*x, *scale);
                }
            }
        }
    }

    fn in_lanes(&self) -> Option<(LaneQuotient, Shift)> {
        Some((LaneQuotient::of(*self)?, Shift::None))
    }

    fn find_zero_points(&self, _: &[Magnitude], _: Detected, _: &mut [BlockScale]) -> bool {
        true
    }
}
