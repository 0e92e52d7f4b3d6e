//! Values in units of their scale with a zero point added, as `f32` values that are encoded as the exact sums are.

use fewbit_formats::{GroupFormat, GroupPolicy, GroupZeroPoint, ScaleArithmetic};

use super::quotient::Quotient;
use crate::convert::source::{round_to_odd, shifted_quotient_may_be_odd};
use crate::simd::odd_sum;

/// How quotients are made and shifted.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShiftedQuotient {
    quotient: Quotient,
    sum: Sum,
}

/// A quotient plus a zero point.
#[derive(Clone, Copy, Debug)]
enum Sum {
    /// The exact one, rounded to an odd `f32`, which is encoded alike.
    Odd,
    /// One addition of `f32`.
    Single,
}

impl ShiftedQuotient {
    /// `None` where no `f32` stands for the sum, or there is no zero point.
    pub(super) fn new(format: &GroupFormat, policy: &GroupPolicy) -> Option<Self> {
        if format.zero_point() == GroupZeroPoint::None {
            return None;
        }
        let quotient = Quotient::new(format, policy, false)?;
        match policy.scale.arithmetic {
            ScaleArithmetic::Exact => {
                let may_be_odd = shifted_quotient_may_be_odd(format.element(), &policy.element);
                may_be_odd.then_some(Self { quotient: Quotient::Odd, sum: Sum::Odd })
            }
            _ => Some(Self { quotient, sum: Sum::Single }),
        }
    }

    /// The sums of any number of elements.
    #[inline(always)]
    pub(super) fn fill(self, x: &[f32], scale: f32, inverse: f32, zero_point: f32, to: &mut [f32]) {
        self.quotient.fill(x, scale, inverse, to);
        match self.sum {
            Sum::Odd => {
                let zero_point = f64::from(zero_point);
                for q in to {
                    *q = round_to_odd(odd_sum(f64::from(*q), zero_point)).0;
                }
            }
            Sum::Single => {
                for q in to {
                    *q += zero_point;
                }
            }
        }
    }
}
