//! Values in units of their scale, as `f32` values that are encoded as the exact quotients are.

use crate::convert::lane::MAGNITUDE;
use crate::convert::source::round_to_odd;

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

/// Whether the lanes may take the quotients by this scale.
#[inline(always)]
pub(super) fn divides(scale: f32, inverse: f32) -> bool {
    scale > 0.0 && scale.is_finite() && inverse.is_finite()
}

/// The largest magnitude, as bits; NaN is above infinity.
#[inline(always)]
pub(super) fn magnitude(x: &[f32]) -> u32 {
    let mut most = 0;
    for x in x {
        most = most.max(x.to_bits() & MAGNITUDE);
    }
    most
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
    /// The quotients of a block.
    #[inline(always)]
    pub(super) fn fill(self, x: &[f32], scale: f32, inverse: f32, quotients: &mut [f32]) {
        let each = x.iter().zip(quotients);
        match self {
            Self::Product => {
                for (x, q) in each {
                    *q = x * inverse;
                }
            }
            Self::ProductAtLeast(least) => {
                for (x, q) in each {
                    *q = at_least(*x, inverse, least);
                }
            }
            Self::Division => {
                for (x, q) in each {
                    *q = x / scale;
                }
            }
            Self::Odd => {
                for (x, q) in each {
                    *q = odd(*x, scale);
                }
            }
        }
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
