//! Square roots.

use super::Raised;
use super::nan::propagate;
use crate::real::{Class, Real};

impl Real {
    /// The square root: at least 63 bits of it, and a last one for the rest.
    ///
    /// ```
    /// use fewbit_formats::{Class, Real};
    /// assert_eq!(Real::from_f32(6.25).square_root().value, Real::from_f32(2.5));
    /// assert_eq!(Real::from_f32(-1.0).square_root().value.class(), Class::Nan);
    /// ```
    pub const fn square_root(self) -> Raised {
        if let Some(nan) = propagate(self, self) {
            return nan;
        }
        match self.class() {
            Class::Zero => Raised::quiet(self),
            _ if self.is_negative() => Raised::INVALID,
            Class::Infinite => Raised::quiet(self),
            _ => {
                // 1. The value is `square * 2^power` with an even power and a square of 126 or 127 bits.
                let power = self.exponent() as i64 - 63 - 62;
                let odd = power.rem_euclid(2);
                let (square, power) = ((self.significand() as u128) << (62 + odd), power - odd);
                // 2. The last bit tells whether anything is left.
                let root = square.isqrt();
                let digits = root << 2 | (root * root != square) as u128;
                let root = Self::from_wide(false, digits, 0, power / 2 - 2 + 127);
                Raised::quiet(root.with_digits_of(self))
            }
        }
    }
}
