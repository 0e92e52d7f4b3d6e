//! Values in units of their scale, as `f32` values that are encoded as the exact quotients are.

use fewbit_formats::{BlockMaximum, GroupFormat, GroupPolicy, ScaleArithmetic, SubnormalInput};

use crate::convert::lane::{LEADING, MAGNITUDE};
use crate::convert::source::{least_step, quotient_may_be_odd, round_to_odd};

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

/// The largest magnitude, as bits; NaN is above infinity.
#[inline(always)]
pub(super) fn magnitude(x: &[f32]) -> u32 {
    x.iter().fold(0, |most, x| most.max(x.to_bits() & MAGNITUDE))
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

    /// The quotients of `N` elements; written at once, so that they are computed side by side.
    #[inline(always)]
    pub(super) fn of<const N: usize>(self, x: &[f32; N], scale: f32, inverse: f32) -> [f32; N] {
        match self {
            Self::Product => std::array::from_fn(|i| x[i] * inverse),
            Self::ProductAtLeast(least) => std::array::from_fn(|i| at_least(x[i], inverse, least)),
            Self::Division => std::array::from_fn(|i| x[i] / scale),
            Self::Odd => std::array::from_fn(|i| odd(x[i], scale)),
        }
    }

    /// The quotients of any number of elements; the last ones go through the same code, padded.
    #[inline(always)]
    pub(super) fn fill(self, x: &[f32], scale: f32, inverse: f32, quotients: &mut [f32]) {
        const WIDTH: usize = 16;
        let (parts, rest) = x.as_chunks::<WIDTH>();
        let (places, place) = quotients.as_chunks_mut::<WIDTH>();
        for (x, place) in parts.iter().zip(places) {
            *place = self.of(x, scale, inverse);
        }
        let mut padded = [0.0; WIDTH];
        padded[..rest.len()].copy_from_slice(rest);
        place.copy_from_slice(&self.of(&padded, scale, inverse)[..rest.len()]);
    }

    /// The quotients of elements that lie side by side and have a scale each.
    #[inline(always)]
    pub(super) fn fill_each(
        self,
        x: &[f32],
        scales: &[f32],
        inverses: &[f32],
        quotients: &mut [f32],
    ) {
        match self {
            Self::Product => {
                for ((x, inverse), q) in x.iter().zip(inverses).zip(quotients) {
                    *q = x * inverse;
                }
            }
            Self::ProductAtLeast(least) => {
                for ((x, inverse), q) in x.iter().zip(inverses).zip(quotients) {
                    *q = at_least(*x, *inverse, least);
                }
            }
            Self::Division => {
                for ((x, scale), q) in x.iter().zip(scales).zip(quotients) {
                    *q = x / scale;
                }
            }
            Self::Odd => {
                for ((x, scale), q) in x.iter().zip(scales).zip(quotients) {
                    *q = odd(*x, *scale);
                }
            }
        }
    }
}
