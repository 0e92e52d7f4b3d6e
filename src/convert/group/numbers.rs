//! Scales that are numbers, of many blocks: what is rounded to their format.

use fewbit_formats::{
    BlockScale, Format, GroupError, GroupFormat, GroupPolicy, OuterScale, ScaleArithmetic,
};

use super::extent::Extent;
use super::scale_lanes::{AT_ONCE, ScaleLanes};
use crate::convert::source::round_to_odd;
use crate::simd::{Detected, Isa, IsaError, Vectorized};

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
    pub(super) fn new(format: &GroupFormat, policy: &GroupPolicy) -> Option<Self> {
        let Format::Float(scale) = format.scale().format else { return None };
        let largest = format.measure().max_finite() as f32;
        if f64::from(largest) != format.measure().max_finite() {
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

    /// The same for another instruction set.
    ///
    /// # Errors
    /// One that this CPU lacks.
    pub(super) fn with_isa(self, isa: Isa) -> Result<Self, IsaError> {
        let lanes = self.lanes.map(|lanes| lanes.with_isa(isa)).transpose()?;
        Ok(Self { lanes, ..self })
    }

    /// Finds the scales of at most [`AT_ONCE`] blocks that reach so far, of which those that are not finite get any; `outer`
    /// gives each block's outer scale.
    ///
    /// Whether it did: if not, they must be found one by one.
    pub(super) fn find_all<'o, E: Extent>(
        &self,
        extents: &[E],
        outer: impl Fn(usize) -> Option<&'o OuterScale>,
        isa: Detected,
        scales: &mut [BlockScale],
    ) -> bool {
        let Some(lanes) = &self.lanes else { return false };
        let outers = Outers::of(extents.len(), outer);
        let mut numbers = [1.0; AT_ONCE];
        let numbers = &mut numbers[..extents.len()];
        let job = Numbers { number: self, lanes, extents, outers: &outers, numbers: &mut *numbers };
        let beyond = isa.vectorize(job);
        beyond == 0 && lanes.find(extents, numbers, &outers.values, isa, scales)
    }

    /// What is rounded to the scale's format, of a largest magnitude and the value and the inverse of the outer scale.
    #[inline(always)]
    fn quotient(&self, amax: f32, value: f32, inverse: f32) -> f64 {
        match self.arithmetic {
            ScaleArithmetic::Exact => exact(self.largest, amax.into(), value),
            ScaleArithmetic::F32Divide => divided(self.largest, amax, value).into(),
            ScaleArithmetic::F32Reciprocal => reciprocal(self.largest, amax, inverse).into(),
            ScaleArithmetic::F32Encode => encoded(self.largest, amax, inverse).into(),
            ScaleArithmetic::Bf16Reciprocal => {
                unreachable!("a number rounded to bf16 is the specification's")
            }
        }
    }

    /// The scale of a block of this largest magnitude, without a zero point.
    #[inline(always)]
    pub(super) fn find(
        &self,
        amax: f32,
        outer: Option<&OuterScale>,
        format: &GroupFormat,
        policy: &GroupPolicy,
    ) -> Result<BlockScale, GroupError> {
        let (value, inverse) = outer.map_or((1.0, 1.0), |outer| (outer.value, outer.inverse));
        let number = self.quotient(amax, value, inverse);
        format.scale_of_number(number, outer, policy)
    }
}

/// [`ScaleArithmetic::Exact`]; each of these takes the largest element, how far a block reaches, and the value of the outer
/// scale or its inverse.
#[inline(always)]
fn exact(largest: f32, amax: f64, value: f32) -> f64 {
    amax / (f64::from(largest) * f64::from(value))
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
struct Numbers<'a, E> {
    number: &'a Number,
    lanes: &'a ScaleLanes,
    extents: &'a [E],
    outers: &'a Outers,
    numbers: &'a mut [f32],
}

impl<E: Extent> Vectorized for Numbers<'_, E> {
    /// Not 0 if one is no `f32`, or zero.
    type Output = u32;

    #[inline(always)]
    fn call(self) -> u32 {
        let largest = self.number.largest;
        // A loop of its own for each.
        match self.number.arithmetic {
            ScaleArithmetic::Exact if self.lanes.takes_odd() => self.by(|extent, value, _| {
                let (amax, inexact) = extent.double();
                let (rounded, beyond) = round_to_odd(exact(largest, amax, value));
                (rounded, beyond | inexact)
            }),
            // Infinity is no scale that is taken.
            ScaleArithmetic::Exact => self.by(|extent, value, _| {
                let (amax, inexact) = extent.double();
                (exact(largest, amax, value) as f32, inexact)
            }),
            ScaleArithmetic::F32Divide => {
                self.by(|extent, value, _| (divided(largest, extent.single(), value), 0))
            }
            ScaleArithmetic::F32Reciprocal => {
                self.by(|extent, _, inverse| (reciprocal(largest, extent.single(), inverse), 0))
            }
            ScaleArithmetic::F32Encode => {
                self.by(|extent, _, inverse| (encoded(largest, extent.single(), inverse), 0))
            }
            ScaleArithmetic::Bf16Reciprocal => 1,
        }
    }
}

impl<E: Extent> Numbers<'_, E> {
    #[inline(always)]
    fn by(self, quotient: impl Fn(E, f32, f32) -> (f32, u32)) -> u32 {
        let Self { extents, outers: Outers { values, inverses }, numbers, .. } = self;
        let outers = values.iter().zip(inverses.iter());
        let mut any_beyond = 0;
        for ((to, &extent), (&value, &inverse)) in numbers.iter_mut().zip(extents).zip(outers) {
            let (rounded, beyond) = quotient(extent, value, inverse);
            let ordinary = extent.is_finite() & (extent.magnitude() != 0);
            *to = if ordinary { rounded } else { 1.0 };
            // A number that vanishes is not the least one above zero.
            let special = rounded.is_nan() | (rounded == 0.0);
            any_beyond |= if ordinary { beyond | u32::from(special) } else { 0 };
        }
        any_beyond
    }
}
