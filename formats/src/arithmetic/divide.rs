//! Quotients and remainders.

use super::Raised;
use super::nan::propagate;
use crate::real::{Class, Real};
use crate::status::Status;

impl Real {
    /// `self / other`: at least 64 bits of the quotient, and a last one for the remainder.
    ///
    /// ```
    /// use fewbit_formats::{Real, Status};
    /// let third = Real::from_f32(1.0).quotient(Real::from_f32(3.0)).value;
    /// assert_eq!((third.exponent(), third.significand(), third.is_cut()), (-2, 0xaaaa_aaaa_aaaa_aaab, true));
    /// let infinite = Real::from_f32(-1.0).quotient(Real::zero(false));
    /// assert_eq!((infinite.value, infinite.status), (Real::infinity(true), Status::DIVIDE_BY_ZERO));
    /// ```
    pub const fn quotient(self, other: Self) -> Raised {
        if let Some(nan) = propagate(self, other) {
            return nan;
        }
        let negative = self.is_negative() != other.is_negative();
        let value = match (self.class(), other.class()) {
            (Class::Infinite, Class::Infinite) | (Class::Zero, Class::Zero) => {
                return Raised::INVALID;
            }
            (Class::Infinite, _) => Self::infinity(negative),
            (Class::Zero, _) | (_, Class::Infinite) => Self::zero(negative),
            (_, Class::Zero) => {
                let value = Self::infinity(negative);
                return Raised { value, status: Status::DIVIDE_BY_ZERO };
            }
            _ => {
                let (dividend, divisor) =
                    ((self.significand() as u128) << 64, other.significand() as u128);
                // Both significands lie in [1, 2), so this one in (1/2, 2): 64 or 65 bits, and one for the rest.
                let rest = dividend % divisor != 0;
                let quotient = (dividend / divisor) << 1 | rest as u128;
                let exponent = self.exponent() as i64 - other.exponent() as i64;
                Self::from_wide(negative, 0, quotient, exponent + 128 + 62)
                    .with_digits_of(self)
                    .with_digits_of(other)
            }
        };
        Raised::quiet(value)
    }

    /// `self - n * other` with `n = self / other` truncated: C's `fmod`. Always exact; it has the sign of `self`.
    ///
    /// ```
    /// use fewbit_formats::Real;
    /// let rest = Real::from_f32(-7.5).remainder(Real::from_f32(2.0)).value;
    /// assert_eq!(rest, Real::from_f32(-1.5));
    /// ```
    pub const fn remainder(self, other: Self) -> Raised {
        if let Some(nan) = propagate(self, other) {
            return nan;
        }
        let value = match (self.class(), other.class()) {
            (Class::Infinite, _) | (_, Class::Zero) => return Raised::INVALID,
            (Class::Zero, _) | (_, Class::Infinite) => self,
            _ if self.exponent() < other.exponent() => self,
            _ => {
                // 64 digits of the quotient at a time, of which only the rest is kept.
                let divisor = other.significand() as u128;
                let mut rest = self.significand() as u128 % divisor;
                let mut left = self.exponent() as i64 - other.exponent() as i64;
                while left > 0 && rest != 0 {
                    let digits = if left < 64 { left } else { 64 };
                    rest = (rest << digits) % divisor;
                    left -= digits;
                }
                Self::from_wide(self.is_negative(), 0, rest, other.exponent() as i64 + 128 + 64)
                    .with_digits_of(self)
                    .with_digits_of(other)
            }
        };
        Raised::quiet(value)
    }
}
