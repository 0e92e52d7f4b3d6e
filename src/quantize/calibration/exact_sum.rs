//! Sums of floating-point numbers without any rounding.

use fewbit_formats::{Format, Overflow, Policy, Real, Rounding};
use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive};

/// Bits of all places of f64 and of 2^64 summands, in words.
const WORDS: usize = 34;
/// The exponent of the lowest bit.
const LOWEST: i32 = -1074;

/// An exact sum of f64 numbers, in fixed point: the same in any order, and the sum of two is the sum of all.
///
/// One word of 64 bits per 64 places from `2^-1074` up, in two's complement; up to `2^64` summands. NaN and infinities are
/// remembered apart, and sum as in IEEE 754.
///
/// ```
/// use fewbit::quantize::calibration::ExactSum;
/// let mut sum = ExactSum::default();
/// [1e300, 1.0, -1e300, 2f64.powi(-1074)].map(|x| sum.add(x));
/// assert_eq!(sum.quotient(4), 0.25);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactSum {
    words: [u64; WORDS],
    nan: bool,
    infinite: [bool; 2],
}

impl Default for ExactSum {
    fn default() -> Self {
        Self { words: [0; WORDS], nan: false, infinite: [false; 2] }
    }
}

impl ExactSum {
    /// Adds a number.
    pub fn add(&mut self, x: f64) {
        if !x.is_finite() {
            self.nan |= x.is_nan();
            self.infinite[0] |= x == f64::INFINITY;
            self.infinite[1] |= x == f64::NEG_INFINITY;
            return;
        }
        let bits = x.to_bits();
        let field = (bits >> 52) as u32 & 0x7ff;
        let fraction = bits & ((1 << 52) - 1);
        let magnitude = if field == 0 { fraction } else { fraction | 1 << 52 };
        // Subnormals and the smallest normals have the lowest bit in common.
        let place = field.saturating_sub(1) as usize;
        let shifted = u128::from(magnitude) << (place % 64);
        let parts = [shifted as u64, (shifted >> 64) as u64];
        let words = &mut self.words[place / 64..];
        let step = if x < 0.0 { u64::overflowing_sub } else { u64::overflowing_add };
        let mut carry = false;
        for (i, word) in words.iter_mut().enumerate() {
            let part = parts.get(i).copied().unwrap_or(0);
            if i >= parts.len() && !carry {
                break;
            }
            let (sum, first) = step(*word, part);
            let (sum, second) = step(sum, u64::from(carry));
            *word = sum;
            carry = first || second;
        }
    }

    /// Adds the sum of others.
    pub fn merge(&mut self, other: &Self) {
        self.nan |= other.nan;
        self.infinite[0] |= other.infinite[0];
        self.infinite[1] |= other.infinite[1];
        let mut carry = false;
        for (word, &part) in self.words.iter_mut().zip(&other.words) {
            let (sum, first) = word.overflowing_add(part);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            *word = sum;
            carry = first || second;
        }
    }

    /// The sum divided by a count, rounded once to f32, to nearest, ties to even.
    #[must_use]
    pub fn quotient(&self, count: u64) -> f32 {
        match self.special() {
            Some(special) => special,
            None => rounded(&self.integer(), LOWEST, &BigInt::from(count)),
        }
    }

    /// NaN or an infinity, if one of the summands was.
    pub(super) fn special(&self) -> Option<f32> {
        match (self.nan, self.infinite) {
            (true, _) | (_, [true, true]) => Some(f32::NAN),
            (_, [true, _]) => Some(f32::INFINITY),
            (_, [_, true]) => Some(f32::NEG_INFINITY),
            _ => None,
        }
    }

    /// The sum in units of `2^-1074`.
    pub(super) fn integer(&self) -> BigInt {
        let bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        BigInt::from_signed_bytes_le(&bytes)
    }
}

/// `numerator * 2^exponent / denominator`, rounded once to f32; NaN for 0 / 0.
pub(super) fn rounded(numerator: &BigInt, exponent: i32, denominator: &BigInt) -> f32 {
    if denominator.sign() == Sign::NoSign {
        return f32::NAN;
    }
    // At least 64 bits of quotient, and a last one that stands for the rest.
    let missing = 66 + denominator.bits() as i64 - numerator.bits() as i64;
    let shift = missing.max(0) as u32;
    let magnitude = numerator.abs() << shift;
    let denominator_magnitude = denominator.abs();
    let (quotient, rest) =
        (&magnitude / &denominator_magnitude, &magnitude % &denominator_magnitude);
    let cut = quotient.bits().saturating_sub(100);
    let top = (&quotient >> cut).to_u128().unwrap_or(u128::MAX);
    let exact = rest.sign() == Sign::NoSign && (BigInt::from(top) << cut) == quotient;
    let negative = (numerator.sign() == Sign::Minus) != (denominator.sign() == Sign::Minus);
    let significand = top << 1 | u128::from(!exact);
    let exponent = exponent - shift as i32 + cut as i32 - 1;
    let real = Real::from_scaled(negative, significand, exponent);
    let policy = Policy::new(Rounding::TiesEven, Overflow::Special);
    Format::F32.encode(real, &policy, 0).map_or(f32::NAN, |encoded| f32::from_bits(encoded.code))
}
