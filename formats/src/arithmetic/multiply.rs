//! Products: exact in 128 bits.

use super::Raised;
use super::nan::propagate;
use super::sum::Term;
use crate::real::{Class, Real};

/// The product of two finite values other than zero.
pub(super) const fn product_term(a: Real, b: Real) -> Term {
    let product = a.significand() as u128 * b.significand() as u128;
    // Of two numbers in [1, 2) the product lies in [1, 4).
    let zeros = product.leading_zeros();
    Term {
        negative: a.is_negative() != b.is_negative(),
        significand: product << zeros,
        exponent: a.exponent() as i64 + b.exponent() as i64 + 1 - zeros as i64,
    }
}

impl Real {
    /// `self * other`.
    ///
    /// ```
    /// use fewbit_formats::{Class, Real, Status};
    /// let product = Real::from_f32(1.5).product(Real::from_f32(-2.5)).value;
    /// assert_eq!(product, Real::from_f32(-3.75));
    /// let invalid = Real::zero(false).product(Real::infinity(true));
    /// assert_eq!((invalid.value.class(), invalid.status), (Class::Nan, Status::INVALID));
    /// ```
    pub const fn product(self, other: Self) -> Raised {
        if let Some(nan) = propagate(self, other) {
            return nan;
        }
        let negative = self.is_negative() != other.is_negative();
        let value = match (self.class(), other.class()) {
            (Class::Zero, Class::Infinite) | (Class::Infinite, Class::Zero) => {
                return Raised::INVALID;
            }
            (Class::Infinite, _) | (_, Class::Infinite) => Self::infinity(negative),
            (Class::Zero, _) | (_, Class::Zero) => Self::zero(negative),
            _ => product_term(self, other).real().with_digits_of(self).with_digits_of(other),
        };
        Raised::quiet(value)
    }
}
