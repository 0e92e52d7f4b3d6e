//! Integers and fixed point, with unbounded integers.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::choose::{Between, Mode, Neighbour, Parts, Point};
use super::{Answer, INEXACT, INVALID, Overflow, power_of_two};

/// An integer's or fixed-point format's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntSpec {
    /// Bits of a code.
    pub bits: u32,
    /// Whether there are negative values.
    pub signed: bool,
    /// Whether the least value, or without a sign the greatest, is left out.
    pub narrow: bool,
    /// Bits after the binary point.
    pub fraction_bits: i32,
}

/// A value between two multiples of a unit, or on one.
#[derive(Clone, Debug)]
pub struct Units {
    floor: BigInt,
    between: Option<Between>,
}

impl IntSpec {
    /// The least value, in units.
    #[must_use]
    pub fn min(&self) -> BigInt {
        if self.signed {
            -(BigInt::one() << (self.bits - 1)) + BigInt::from(u8::from(self.narrow))
        } else {
            BigInt::zero()
        }
    }

    /// The greatest value, in units.
    #[must_use]
    pub fn max(&self) -> BigInt {
        let (digits, left_out) =
            if self.signed { (self.bits - 1, 0) } else { (self.bits, u8::from(self.narrow)) };
        (BigInt::one() << digits) - 1 - left_out
    }

    /// One unit.
    #[must_use]
    pub fn unit(&self) -> BigRational {
        power_of_two(-self.fraction_bits)
    }

    /// The code of an integer: its remainder modulo 2^bits.
    #[must_use]
    pub fn code(&self, units: &BigInt) -> u32 {
        let remainder = units.mod_floor(&(BigInt::one() << self.bits));
        remainder.to_u32().expect("a remainder of at most 32 bits")
    }

    /// The magnitudes at which the answer of a mode may change, in ascending order, from one number of units to another.
    #[must_use]
    pub fn cuts(&self, parts: &Parts, units: std::ops::Range<u64>) -> Vec<BigRational> {
        let at = |n: u64| BigRational::from_integer(n.into()) * self.unit();
        units.flat_map(|n| parts.between(&at(n), &at(n + 1))).collect()
    }

    /// Where a value lies among the multiples of the unit.
    #[must_use]
    pub fn place(&self, x: &BigRational) -> Units {
        let units = x / self.unit();
        let floor = units.floor().to_integer();
        let point = |n: &BigInt| Point { value: n.clone().into(), odd: n.is_odd() };
        let between = (!units.is_integer())
            .then(|| Between::new(&units, &point(&floor), &point(&(&floor + 1))));
        Units { floor, between }
    }

    /// The code of a value; `None` where the policy has no meaning.
    #[must_use]
    pub fn encode(&self, x: &Units, mode: Mode, overflow: Overflow, random: u32) -> Option<Answer> {
        let up = match &x.between {
            Some(between) => between.choose(mode, random) == Neighbour::Above,
            None => false,
        };
        let rounded = &x.floor + u8::from(up);
        let symmetric = overflow == Overflow::SaturateSymmetric && self.signed;
        let least = if symmetric { -self.max() } else { self.min() };
        if (&least..=&self.max()).contains(&&rounded) {
            let flags = if x.between.is_some() { INEXACT } else { 0 };
            return Some(Answer { code: self.code(&rounded), flags });
        }
        let wraps = matches!(overflow, Overflow::Wrap | Overflow::WrapSignMagnitude);
        if wraps && self.narrow {
            return None;
        }
        let chosen = match overflow {
            Overflow::Wrap => rounded,
            Overflow::WrapSignMagnitude => self.fold(rounded),
            Overflow::Zero => BigInt::zero(),
            _ if rounded.is_negative() => least,
            _ => self.max(),
        };
        Some(Answer { code: self.code(&chosen), flags: INVALID })
    }

    /// Sign-magnitude wrapping as the HLS manual tells it, digit by digit: the digits above the register are deleted,
    /// the lowest of these becomes the sign, and the others are inverted if the sign has changed by it.
    fn fold(&self, value: BigInt) -> BigInt {
        if !self.signed {
            return value;
        }
        let bit = |n: u32| !((&value >> n) & BigInt::one()).is_zero();
        let (lowest_deleted, old_sign) = (bit(self.bits), bit(self.bits - 1));
        let invert = lowest_deleted != old_sign;
        let mut folded = BigInt::zero();
        for n in 0..self.bits - 1 {
            folded += BigInt::from(u8::from(bit(n) != invert)) << n;
        }
        folded + (BigInt::from(u8::from(lowest_deleted)) << (self.bits - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the Vitis HLS manual, UG1399, for 4 bits.
    #[test]
    fn the_manuals_examples() {
        let encode = |signed, value: i32, overflow| {
            let spec = IntSpec { bits: 4, signed, narrow: false, fraction_bits: 0 };
            let x = spec.place(&BigRational::from_integer(value.into()));
            spec.encode(&x, Mode::Down, overflow, 0).map(|answer| answer.code)
        };
        assert_eq!(encode(true, 19, Overflow::Wrap), Some(0b0011));
        assert_eq!(encode(true, -19, Overflow::Wrap), Some(0b1101));
        assert_eq!(encode(false, 19, Overflow::Wrap), Some(3));
        assert_eq!(encode(true, 19, Overflow::WrapSignMagnitude), Some(0b1100));
        assert_eq!(encode(true, -19, Overflow::WrapSignMagnitude), Some(0b0010));
        assert_eq!(encode(true, -8, Overflow::SaturateSymmetric), Some(0b1001));
        assert_eq!(encode(true, 19, Overflow::Saturate), Some(7));
        assert_eq!(encode(true, 19, Overflow::Zero), Some(0));
        assert_eq!(encode(false, -19, Overflow::Saturate), Some(0));
    }
}
