//! Values in units of their scale with a zero point added, as `f32` values that are encoded as the exact sums are.

use fewbit_formats::{
    BlockScale, Format, GroupFormat, GroupPolicy, GroupZeroPoint, Overflow, Policy, ScaleArithmetic,
};

use super::extent::{Extent, Span};
use super::factors::Factors;
use super::quotient::{BlockQuotient, Quotient, Shift};
use super::scale_lanes::AT_ONCE;
use crate::convert::encode::Encoder;
use crate::convert::source::shifted_quotient_may_be_odd;
use crate::simd::{Detected, Isa, IsaError, Vectorized};

/// Quotients plus zero points, and the zero points of blocks.
#[derive(Clone, Debug)]
pub(super) struct ShiftedQuotient {
    quotient: Quotient,
    shift: Shift,
    zero_points: ZeroPoints,
}

/// Zero points are codes of how far the least value lies below zero, counted from the least element.
#[derive(Clone, Copy, Debug)]
struct ZeroPoints {
    encoder: Encoder,
    least: f32,
}

impl ShiftedQuotient {
    /// `None` where no `f32` stands for a sum, or there is no zero point.
    pub(super) fn new(format: &GroupFormat, policy: &GroupPolicy) -> Option<Self> {
        let element = format.element();
        let Format::Int(int) = element else { return None };
        if format.zero_point() == GroupZeroPoint::None {
            return None;
        }
        let quotient = Quotient::new(format, policy, false)?;
        let rounding = Policy::new(policy.scale_code.rounding, Overflow::Saturate);
        let (quotient, shift) = match policy.scale.arithmetic {
            ScaleArithmetic::Exact => {
                let may_be_odd = |policy| shifted_quotient_may_be_odd(element, policy);
                let both = may_be_odd(&policy.element) && may_be_odd(&rounding);
                both.then_some((Quotient::Odd, Shift::Odd))?
            }
            _ => (quotient, Shift::Nearest),
        };
        let encoder = Encoder::new(element, rounding);
        let zero_points = ZeroPoints { encoder, least: int.min() as f32 };
        Some(Self { quotient, shift, zero_points })
    }

    /// The same for another instruction set.
    ///
    /// # Errors
    /// One that this CPU lacks.
    pub(super) fn with_isa(mut self, isa: Isa) -> Result<Self, IsaError> {
        self.zero_points.encoder = self.zero_points.encoder.with_isa(isa)?;
        Ok(self)
    }
}

impl BlockQuotient for ShiftedQuotient {
    type Extent = Span;

    #[inline(always)]
    fn of(&self, x: f32, factors: Factors) -> f32 {
        self.shift.add(self.quotient.of(x, factors), factors.zero_point)
    }

    fn in_lanes(&self) -> (Quotient, Shift) {
        (self.quotient, self.shift)
    }

    fn find_zero_points(&self, extents: &[Span], isa: Detected, scales: &mut [BlockScale]) -> bool {
        let (mut places, mut codes) = ([0f32; AT_ONCE], [0u32; AT_ONCE]);
        let (places, codes) = (&mut places[..extents.len()], &mut codes[..extents.len()]);
        isa.vectorize(Places { of: self, extents, scales: &*scales, places: &mut *places });
        let done = self.zero_points.encoder.encode(places, codes).is_ok();
        scales.iter_mut().zip(&*codes).for_each(|(scale, &code)| scale.zero_point = code);
        done
    }
}

/// Where zero lies among the elements of each block; at any place in blocks that the lanes do not take.
struct Places<'a> {
    of: &'a ShiftedQuotient,
    extents: &'a [Span],
    scales: &'a [BlockScale],
    places: &'a mut [f32],
}

impl Vectorized for Places<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { of, extents, .. } = self;
        for ((place, extent), scale) in self.places.iter_mut().zip(extents).zip(self.scales) {
            let factors = Factors::new(scale.value, of.zero_points.least);
            let found = of.of(f32::from_bits(extent.below), factors);
            *place = if extent.is_finite() & factors.are_usable() { found } else { 0.0 };
        }
    }
}
