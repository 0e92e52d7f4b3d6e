//! The arithmetic of scales and of elements in units of them, by [`ScaleArithmetic`].

use crate::real::Real;
use crate::rounding::Rounding;
use crate::scale::{ScaleArithmetic, exact_quotient, to_bf16, to_f32};

/// Sums have no sign of zero to choose here.
const ANY: Rounding = Rounding::TiesEven;

impl ScaleArithmetic {
    /// `amax / (largest * outer)`, where `inverse` is what stands for `1 / outer`.
    ///
    /// ```text
    /// exact            amax / (largest * outer)
    /// f32-divide       f32(f32(amax / largest) / outer)
    /// f32-reciprocal   f32(amax * f32(inverse * f32(1 / largest)))
    /// f32-encode       f32(f32(amax / largest) * inverse)
    /// bf16-reciprocal  bf16(f32(f32(amax * bf16(1 / outer)) * bf16(1 / largest)))
    /// ```
    pub(super) fn ratio(self, amax: Real, largest: Real, outer: f32, inverse: f32) -> Real {
        match self {
            Self::Exact => exact_quotient(amax, largest.product(Real::from_f32(outer)).value),
            Self::F32Divide => Real::from_f32(to_f32(amax) / to_f32(largest) / outer),
            Self::F32Reciprocal => {
                Real::from_f32(to_f32(amax) * (inverse * (1.0 / to_f32(largest))))
            }
            Self::F32Encode => Real::from_f32(to_f32(amax) / to_f32(largest) * inverse),
            Self::Bf16Reciprocal => {
                let amax = self.quotient(amax, Real::from_f32(outer));
                Real::from_f32(to_bf16(to_f32(self.quotient(amax, largest))))
            }
        }
    }

    /// `high - low`, where zero lies between them.
    pub(super) fn extent(self, low: f32, high: f32) -> Real {
        match self {
            Self::Exact => Real::from_f32(high).sum(Real::from_f32(-low), ANY).value,
            _ => Real::from_f32(high - low),
        }
    }

    /// `x + n`.
    pub(super) fn shift(self, x: Real, n: i64) -> Real {
        match self {
            Self::Exact => x.sum(Real::from(n), ANY).value,
            _ => Real::from_f32(to_f32(x) + n as f32),
        }
    }
}
