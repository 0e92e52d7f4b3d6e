//! Sums, also of a product and a value: exact in 256 bits, then cut to 64.
//!
//! The greater term is put at the top of 256 bits, the other one moved down to its place. A term has at most 128 bits,
//! so nothing of it is lost unless it lies 127 places or more below. Then at most one leading bit is cancelled, and the
//! part of the term that is left, however small, sets bits below the 64 that are kept.

use super::Raised;
use super::nan::propagate;
use crate::real::{Class, Real};
use crate::rounding::Rounding;
use core::cmp::Ordering;

/// A finite value other than zero: `(-1)^negative * significand * 2^(exponent - 127)`, the leading one in bit 127.
#[derive(Clone, Copy)]
pub(super) struct Term {
    pub(super) negative: bool,
    pub(super) significand: u128,
    pub(super) exponent: i64,
}

impl Term {
    pub(super) const fn new(x: Real) -> Self {
        Self {
            negative: x.is_negative(),
            significand: (x.significand() as u128) << 64,
            exponent: x.exponent() as i64,
        }
    }

    /// The value, cut to 64 bits.
    pub(super) const fn real(self) -> Real {
        Real::from_wide(self.negative, self.significand, 0, self.exponent)
    }

    /// The order of two magnitudes.
    const fn compare_magnitudes(self, other: Self) -> Ordering {
        if self.exponent != other.exponent {
            return if self.exponent < other.exponent { Ordering::Less } else { Ordering::Greater };
        }
        if self.significand < other.significand {
            Ordering::Less
        } else if self.significand > other.significand {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    }

    /// The sum of two terms; `zero` is the sign of an exact zero.
    pub(super) const fn plus(self, other: Self, zero: bool) -> Real {
        // 1. The greater one first.
        let (big, small) = match self.compare_magnitudes(other) {
            Ordering::Equal if self.negative != other.negative => return Real::zero(zero),
            Ordering::Less => (other, self),
            Ordering::Equal | Ordering::Greater => (self, other),
        };

        // 2. It takes bits 254 to 127 of 256; the bit above is for the carry.
        let (high, low) = (big.significand >> 1, big.significand << 127);
        let (small_high, small_low) = shifted(small.significand, big.exponent - small.exponent + 1);

        // 3. The sum or difference of the magnitudes.
        let (high, low) = if big.negative == small.negative {
            let (low, carry) = low.overflowing_add(small_low);
            (high + small_high + carry as u128, low)
        } else {
            let (low, borrow) = low.overflowing_sub(small_low);
            (high - small_high - borrow as u128, low)
        };
        Real::from_wide(big.negative, high, low, big.exponent + 1)
    }
}

/// `significand` at the top of 256 bits, moved down by `places`, which is positive. Of one that is moved out in part the
/// leading one stays; the last bit stands for one that is moved out whole.
const fn shifted(significand: u128, places: i64) -> (u128, u128) {
    match places {
        1..128 => (significand >> places, significand << (128 - places)),
        128..256 => (0, significand >> (places - 128)),
        _ => (0, 1),
    }
}

/// The sign of an exact zero made of terms of opposite signs.
pub(super) const fn zero_sign(rounding: Rounding) -> bool {
    matches!(rounding, Rounding::Down)
}

impl Real {
    /// `self + other`. The rounding mode decides about the sign of an exact zero alone.
    ///
    /// ```
    /// use fewbit_formats::{Real, Rounding};
    /// let (big, tiny) = (Real::from_f64(2f64.powi(100)), Real::from_f64(-2f64.powi(-100)));
    /// let sum = big.sum(tiny, Rounding::TiesEven).value;
    /// // Just below 2^100: all ones, and more below.
    /// assert_eq!((sum.exponent(), sum.significand(), sum.is_cut()), (99, u64::MAX, true));
    /// ```
    pub const fn sum(self, other: Self, rounding: Rounding) -> Raised {
        if let Some(nan) = propagate(self, other) {
            return nan;
        }
        let value = match (self.class(), other.class()) {
            (Class::Infinite, Class::Infinite) if self.is_negative() != other.is_negative() => {
                return Raised::INVALID;
            }
            (Class::Infinite, _) => self,
            (_, Class::Infinite) => other,
            (Class::Zero, Class::Zero) if self.is_negative() != other.is_negative() => {
                Self::zero(zero_sign(rounding))
            }
            (_, Class::Zero) => self,
            (Class::Zero, _) => other,
            _ => Term::new(self)
                .plus(Term::new(other), zero_sign(rounding))
                .with_digits_of(self)
                .with_digits_of(other),
        };
        Raised::quiet(value)
    }

    /// `self - other`, as `self + (-other)`; a NaN keeps its sign.
    pub const fn difference(self, other: Self, rounding: Rounding) -> Raised {
        let negated = if matches!(other.class(), Class::Nan) { other } else { other.negated() };
        self.sum(negated, rounding)
    }
}
