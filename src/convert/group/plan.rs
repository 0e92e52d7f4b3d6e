//! How the scales of a format are found, and how the quotients for the lanes are made.

use std::sync::Arc;

use fewbit_formats::{
    BlockScale, Format, GroupError, GroupFormat, GroupPolicy, GroupZeroPoint, OuterScale,
    ScaleArithmetic,
};

use super::extent::Extent;
use super::factors::{EachFactors, Factors};
use super::numbers::Number;
use super::powers::Powers;
use super::quotient::{BlockQuotient, Quotient};
use super::shifted::ShiftedQuotient;
use crate::simd::{Detected, Isa, IsaError};

/// What an encoder of groups knows beforehand.
#[derive(Clone, Debug)]
pub(super) struct GroupPlan {
    scales: Scales,
    pub(super) quotients: Quotients,
    /// Whether an exact quotient of 2^128 or more must be told from infinity, or from the largest `f32`.
    reaches_beyond: bool,
}

/// How the `f32` values that the lanes encode are made.
#[derive(Clone, Debug)]
pub(super) enum Quotients {
    /// No `f32` stands for what is encoded: the specification encodes all blocks.
    None,
    /// Values in units of their scale.
    Scaled(Quotient),
    /// The same with zero points.
    Shifted(Box<ShiftedQuotient>),
}

/// How scales are found.
#[derive(Clone, Debug)]
enum Scales {
    /// Powers of two, by comparisons.
    Powers(Arc<Powers>),
    /// Numbers, by a division of machine numbers; with zero points many at once or none.
    Number(Box<Number>),
    /// By the specification.
    Extremes,
}

impl GroupPlan {
    pub(super) fn new(format: &GroupFormat, policy: &GroupPolicy) -> Self {
        let has_powers =
            matches!(format.scale().format, Format::Float(float) if float.fraction_bits() == 0);
        let single = format.scale().outer.is_none() && format.zero_point() == GroupZeroPoint::None;
        let powers = (has_powers && single).then(|| Powers::new(format, policy)).flatten();
        let number = || (!has_powers).then(|| Number::new(format, policy)).flatten();
        let scales = match powers {
            Some(powers) => Scales::Powers(Arc::new(powers)),
            None => number().map_or(Scales::Extremes, |number| Scales::Number(Box::new(number))),
        };
        let scaled = |quotient: &Quotient| {
            policy.scale.arithmetic == ScaleArithmetic::Exact && reaches_beyond(format, *quotient)
        };
        let (quotients, reaches_beyond) = match format.zero_point() {
            GroupZeroPoint::None => {
                let quotient = Quotient::new(format, policy, has_powers && single);
                let reaches_beyond = quotient.as_ref().is_some_and(scaled);
                (quotient.map_or(Quotients::None, Quotients::Scaled), reaches_beyond)
            }
            GroupZeroPoint::Code => {
                let shifted = ShiftedQuotient::new(format, policy).map(Box::new);
                (shifted.map_or(Quotients::None, Quotients::Shifted), false)
            }
        };
        Self { scales, quotients, reaches_beyond }
    }

    /// The same for another instruction set.
    ///
    /// # Errors
    /// One that this CPU lacks.
    pub(super) fn with_isa(mut self, isa: Isa) -> Result<Self, IsaError> {
        if let Scales::Number(number) = &mut self.scales {
            **number = Number::clone(number).with_isa(isa)?;
        }
        if let Quotients::Shifted(shifted) = &mut self.quotients {
            **shifted = ShiftedQuotient::clone(shifted).with_isa(isa)?;
        }
        Ok(self)
    }

    /// Whether the lanes may take the quotients of a block that reaches so far.
    #[inline(always)]
    pub(super) fn divides(&self, extent: impl Extent, factors: Factors) -> bool {
        let is_usable = extent.is_finite() && factors.are_usable();
        is_usable && !(self.reaches_beyond && is_beyond(extent.magnitude(), factors.scale))
    }

    /// Finds the scales of at most [`AT_ONCE`](super::scale_lanes::AT_ONCE) blocks that reach so far, of which those that
    /// are not finite get any; `outer` gives each block's outer scale.
    ///
    /// Whether it did: if not, [`Self::scale`] does it one by one.
    pub(super) fn scales<'o, Q: BlockQuotient>(
        &self,
        quotient: &Q,
        extents: &[Q::Extent],
        outer: impl Fn(usize) -> Option<&'o OuterScale>,
        isa: Detected,
        (format, policy): (&GroupFormat, &GroupPolicy),
        scales: &mut [BlockScale],
    ) -> bool {
        match &self.scales {
            Scales::Powers(powers) => powers.find_all(extents, format, policy, scales),
            Scales::Number(number) => {
                number.find_all(extents, outer, isa, scales)
                    && quotient.find_zero_points(extents, isa, scales)
            }
            Scales::Extremes => false,
        }
    }

    /// Finds what the values of blocks with these scales are divided by; `aside` gets those that the lanes may not take.
    pub(super) fn all_factors<E: Extent>(
        &self,
        extents: &[E],
        isa: Detected,
        format: &GroupFormat,
        scales: &[BlockScale],
        factors: &mut EachFactors,
        aside: &mut Vec<usize>,
    ) {
        let are_usable = factors.invert(extents, scales, isa);
        if let Quotients::Shifted(_) = self.quotients {
            for (block, scale) in scales.iter().enumerate() {
                factors.set_zero_point(block, self.zero_point(*scale, format));
            }
        }
        if are_usable && !self.reaches_beyond {
            return;
        }
        for (block, extent) in extents.iter().enumerate() {
            if !self.divides(*extent, factors.of(block)) {
                factors.set_aside(block);
                aside.push(block);
            }
        }
    }

    /// The scale of a block of finite values that reaches so far, and what they are divided by.
    #[inline(always)]
    pub(super) fn scale(
        &self,
        extent: impl Extent,
        outer: Option<&OuterScale>,
        format: &GroupFormat,
        policy: &GroupPolicy,
    ) -> Result<(BlockScale, Factors), GroupError> {
        let is_shifted = matches!(self.quotients, Quotients::Shifted(_));
        let scale = match &self.scales {
            Scales::Number(number) if !is_shifted && extent.magnitude() != 0 => {
                number.find(extent.single(), outer, format, policy)?
            }
            _ => {
                let (low, high) = extent.ends();
                format.scale_of_extremes(low, high, outer, policy)?
            }
        };
        Ok((scale, Factors::new(scale.value, self.zero_point(scale, format))))
    }

    /// What is added to the values of a block with this scale.
    #[inline(always)]
    fn zero_point(&self, scale: BlockScale, format: &GroupFormat) -> f32 {
        match self.quotients {
            Quotients::Shifted(_) => format.element().decode(scale.zero_point) as f32,
            _ => 0.0,
        }
    }
}

/// Where exact quotients are no `f32`.
const BEYOND: f64 = (1u128 << 127) as f64 * 2.0;

/// Whether the largest quotient of a block is no `f32`. A function of its own: inlined, its division would be done for every
/// block, whether or not it is asked for.
#[cold]
#[inline(never)]
fn is_beyond(magnitude: u32, scale: f32) -> bool {
    f64::from(f32::from_bits(magnitude)) / f64::from(scale) >= BEYOND
}

/// Whether quotients of 2^128 or more may come up and matter.
///
/// Rounded to odd they become the largest `f32`, which is a value too large like any other unless the elements reach about
/// as far. A product becomes infinity, which a policy may tell from a value too large. The scale is at least an eighth of
/// what brings the largest magnitude to the largest element, unless it is the largest of its format.
fn reaches_beyond(format: &GroupFormat, quotient: Quotient) -> bool {
    let far = format.element().max_finite() >= 2f64.powi(120);
    let is_odd = matches!(quotient, Quotient::Odd | Quotient::OddProduct);
    far || !is_odd && format.scale().format.max_finite() < 1.0
}
