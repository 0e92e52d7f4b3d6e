//! How the scales of a format are found, and how the quotients for the lanes are made.

use std::sync::Arc;

use fewbit_formats::{
    BlockScale, Format, GroupError, GroupFormat, GroupPolicy, GroupZeroPoint, OuterScale,
    ScaleArithmetic,
};

use super::powers::Powers;
use super::quotient::Quotient;
use super::scale_lanes::{AT_ONCE, ScaleLanes};
use super::shifted::ShiftedQuotient;
use crate::convert::lane::INFINITY;
use crate::convert::source::round_to_odd;
use crate::simd::{Detected, Isa, IsaError, Vectorized};

/// What an encoder of groups knows beforehand.
#[derive(Clone, Debug)]
pub(super) struct GroupPlan {
    pub(super) scales: Scales,
    /// `None` where no `f32` stands for a quotient.
    pub(super) quotient: Option<Quotient>,
    /// The same with zero points, of groups along the last axis.
    pub(super) shifted: Option<ShiftedQuotient>,
    /// Whether an exact quotient of 2^128 or more must be told from infinity, or from the largest `f32`.
    reaches_beyond: bool,
}

/// How scales are found.
#[derive(Clone, Debug)]
pub(super) enum Scales {
    /// Powers of two, by comparisons.
    Powers(Arc<Powers>),
    /// Numbers, by a division of machine numbers.
    Number(Box<Number>),
    /// From the largest magnitude, by the specification.
    Magnitude,
}

/// What scales are divided by before they are rounded to their format.
#[derive(Clone, Debug)]
pub(super) struct Number {
    arithmetic: ScaleArithmetic,
    /// The largest element.
    largest: f32,
    /// How many are rounded at once, where they can be.
    lanes: Option<ScaleLanes>,
}

impl Number {
    /// `None` where the specification must divide.
    ///
    /// An inexact quotient of integers of `a` and `b` digits is relatively at least `2^-(b + c)` away from every number
    /// of `c` digits, so an `f64` is on the right side of those where `b + c` is at most 52.
    fn new(format: &GroupFormat, policy: &GroupPolicy) -> Option<Self> {
        let Format::Float(scale) = format.scale().format else { return None };
        let largest = format.element().max_finite() as f32;
        if f64::from(largest) != format.element().max_finite() {
            return None;
        }
        let arithmetic = policy.scale.arithmetic;
        if arithmetic == ScaleArithmetic::Bf16Reciprocal {
            return None;
        }
        let divisor = 24 - (largest.to_bits() & 0x7f_ffff | 0x80_0000).trailing_zeros()
            + if format.scale().outer.is_some() { 24 } else { 0 };
        // A tie has a digit more than the format, and the one before the fraction counts too.
        let decided =
            arithmetic != ScaleArithmetic::Exact || divisor + scale.fraction_bits() + 2 <= 52;
        let lanes = || ScaleLanes::new(format, policy);
        decided.then(|| Self { arithmetic, largest, lanes: lanes() })
    }

    /// What is rounded to the scale's format, of a largest magnitude and the value and the inverse of the outer scale.
    #[inline(always)]
    fn quotient(&self, amax: f32, value: f32, inverse: f32) -> f64 {
        match self.arithmetic {
            ScaleArithmetic::Exact => exact(self.largest, amax, value),
            ScaleArithmetic::F32Divide => divided(self.largest, amax, value).into(),
            ScaleArithmetic::F32Reciprocal => reciprocal(self.largest, amax, inverse).into(),
            ScaleArithmetic::F32Encode => encoded(self.largest, amax, inverse).into(),
            ScaleArithmetic::Bf16Reciprocal => {
                unreachable!("a number rounded to bf16 is the specification's")
            }
        }
    }

    #[inline(always)]
    fn find(
        &self,
        magnitude: u32,
        outer: Option<&OuterScale>,
        format: &GroupFormat,
        policy: &GroupPolicy,
    ) -> Result<BlockScale, GroupError> {
        let amax = f32::from_bits(magnitude);
        let (value, inverse) = outer.map_or((1.0, 1.0), |outer| (outer.value, outer.inverse));
        let number = self.quotient(amax, value, inverse);
        format.scale_of_number(number, outer, policy)
    }
}

/// [`ScaleArithmetic::Exact`]; each of these takes the largest element, a largest magnitude, and the value of the outer scale
/// or its inverse.
#[inline(always)]
fn exact(largest: f32, amax: f32, value: f32) -> f64 {
    f64::from(amax) / (f64::from(largest) * f64::from(value))
}

/// [`ScaleArithmetic::F32Divide`]
#[inline(always)]
fn divided(largest: f32, amax: f32, value: f32) -> f32 {
    amax / largest / value
}

/// [`ScaleArithmetic::F32Reciprocal`]
#[inline(always)]
fn reciprocal(largest: f32, amax: f32, inverse: f32) -> f32 {
    amax * (inverse * (1.0 / largest))
}

/// [`ScaleArithmetic::F32Encode`]
#[inline(always)]
fn encoded(largest: f32, amax: f32, inverse: f32) -> f32 {
    amax / largest * inverse
}

/// The outer scales of some blocks: value and inverse.
struct Outers {
    values: [f32; AT_ONCE],
    inverses: [f32; AT_ONCE],
}

impl Outers {
    fn of<'o>(count: usize, outer: impl Fn(usize) -> Option<&'o OuterScale>) -> Self {
        let mut outers = Self { values: [1.0; AT_ONCE], inverses: [1.0; AT_ONCE] };
        for (block, (value, inverse)) in
            outers.values.iter_mut().zip(&mut outers.inverses).enumerate().take(count)
        {
            let Some(outer) = outer(block) else { break };
            (*value, *inverse) = (outer.value, outer.inverse);
        }
        outers
    }
}

/// What is rounded to the scales' format for each block, as an `f32` that is rounded alike; 1 for blocks of zeros or of
/// what is not finite.
struct Numbers<'a> {
    number: &'a Number,
    lanes: &'a ScaleLanes,
    magnitudes: &'a [u32],
    outers: &'a Outers,
    numbers: &'a mut [f32],
}

impl Vectorized for Numbers<'_> {
    /// Not 0 if one is no `f32`, or zero.
    type Output = u32;

    #[inline(always)]
    fn call(self) -> u32 {
        let largest = self.number.largest;
        // A loop of its own for each.
        match self.number.arithmetic {
            ScaleArithmetic::Exact if self.lanes.takes_odd() => {
                self.by(|amax, value, _| round_to_odd(exact(largest, amax, value)))
            }
            // Infinity is no scale that is taken.
            ScaleArithmetic::Exact => {
                self.by(|amax, value, _| (exact(largest, amax, value) as f32, 0))
            }
            ScaleArithmetic::F32Divide => {
                self.by(|amax, value, _| (divided(largest, amax, value), 0))
            }
            ScaleArithmetic::F32Reciprocal => {
                self.by(|amax, _, inverse| (reciprocal(largest, amax, inverse), 0))
            }
            ScaleArithmetic::F32Encode => {
                self.by(|amax, _, inverse| (encoded(largest, amax, inverse), 0))
            }
            ScaleArithmetic::Bf16Reciprocal => 1,
        }
    }
}

impl Numbers<'_> {
    #[inline(always)]
    fn by(self, quotient: impl Fn(f32, f32, f32) -> (f32, u32)) -> u32 {
        let Self { magnitudes, outers: Outers { values, inverses }, numbers, .. } = self;
        let outers = values.iter().zip(inverses.iter());
        let mut any_beyond = 0;
        for ((to, &magnitude), (&value, &inverse)) in numbers.iter_mut().zip(magnitudes).zip(outers)
        {
            let (rounded, beyond) = quotient(f32::from_bits(magnitude), value, inverse);
            let ordinary = magnitude.wrapping_sub(1) < INFINITY - 1;
            *to = if ordinary { rounded } else { 1.0 };
            // A number that vanishes is not the least one above zero.
            let special = rounded.is_nan() | (rounded == 0.0);
            any_beyond |= if ordinary { beyond | u32::from(special) } else { 0 };
        }
        any_beyond
    }
}

impl GroupPlan {
    pub(super) fn new(format: &GroupFormat, policy: &GroupPolicy) -> Self {
        let has_powers =
            matches!(format.scale().format, Format::Float(float) if float.fraction_bits() == 0);
        let single = format.scale().outer.is_none() && format.zero_point() == GroupZeroPoint::None;
        let powers = (has_powers && single).then(|| Powers::new(format, policy)).flatten();
        let numbers = !has_powers && format.zero_point() == GroupZeroPoint::None;
        let number = || numbers.then(|| Number::new(format, policy)).flatten();
        let scales = match powers {
            Some(powers) => Scales::Powers(Arc::new(powers)),
            None => number().map_or(Scales::Magnitude, |number| Scales::Number(Box::new(number))),
        };
        let shifted = ShiftedQuotient::new(format, policy);
        let quotient = match format.zero_point() {
            GroupZeroPoint::None => Quotient::new(format, policy, has_powers && single),
            GroupZeroPoint::Code => None,
        };
        let reaches_beyond = policy.scale.arithmetic == ScaleArithmetic::Exact
            && quotient.is_some_and(|quotient| reaches_beyond(format, quotient));
        Self { scales, quotient, shifted, reaches_beyond }
    }

    /// Whether quotients of groups along the last axis go to the lanes.
    pub(super) fn makes_quotients(&self) -> bool {
        self.quotient.is_some() || self.shifted.is_some()
    }

    /// Whether the lanes may take the quotients of a block with this largest magnitude.
    #[inline(always)]
    pub(super) fn divides(&self, magnitude: u32, scale: f32, inverse: f32) -> bool {
        let is_usable = scale > 0.0 && scale.is_finite() && inverse.is_finite();
        is_usable && !(self.reaches_beyond && is_beyond(magnitude, scale))
    }

    /// The same for another instruction set.
    ///
    /// # Errors
    /// One that this CPU lacks.
    pub(super) fn with_isa(mut self, isa: Isa) -> Result<Self, IsaError> {
        if let Scales::Number(number) = &mut self.scales
            && let Some(lanes) = &mut number.lanes
        {
            *lanes = lanes.clone().with_isa(isa)?;
        }
        Ok(self)
    }

    /// Whether [`Self::scales`] may find any.
    pub(super) fn finds_at_once(&self) -> bool {
        matches!(&self.scales, Scales::Number(number) if number.lanes.is_some())
    }

    /// Finds the scales of at most [`AT_ONCE`] blocks with these largest magnitudes, of which those that are not finite
    /// get any; `outer` gives each block's outer scale.
    ///
    /// Whether it did: if not, [`Self::scale`] does it one by one.
    pub(super) fn scales<'o>(
        &self,
        magnitudes: &[u32],
        outer: impl Fn(usize) -> Option<&'o OuterScale>,
        isa: Detected,
        scales: &mut [BlockScale],
    ) -> bool {
        let Scales::Number(number) = &self.scales else { return false };
        let Some(lanes) = &number.lanes else { return false };
        let outers = Outers::of(magnitudes.len(), outer);
        let mut numbers = [1.0; AT_ONCE];
        let numbers = &mut numbers[..magnitudes.len()];
        let job = Numbers { number, lanes, magnitudes, outers: &outers, numbers: &mut *numbers };
        let beyond = isa.vectorize(job);
        beyond == 0 && lanes.find(magnitudes, numbers, &outers.values, isa, scales)
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
            Scales::Number(number) if magnitude != 0 => {
                let scale = number.find(magnitude, outer, format, policy)?;
                Ok((scale, 1.0 / scale.value))
            }
            Scales::Number(_) | Scales::Magnitude => {
                let scale =
                    format.scale_of_extremes(0.0, f32::from_bits(magnitude), outer, policy)?;
                Ok((scale, 1.0 / scale.value))
            }
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
    far || quotient != Quotient::Odd && format.scale().format.max_finite() < 1.0
}
