//! Posits and takums, by the definitions of their values on strings of digits.
//!
//! The string of a value to any length is found by bisection among the values of all strings of that length; so the
//! only thing this oracle knows of a format is how to read a string.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::choose::{Between, Mode, Neighbour, Parts};
use super::{Answer, INEXACT, OVERFLOW, Overflow, UNDERFLOW, power_of_two};

/// A tapered format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaperedSpec {
    /// A posit with two exponent bits.
    Posit {
        /// Bits of a code.
        bits: u32,
    },
    /// A linear takum.
    Takum {
        /// Bits of a code.
        bits: u32,
    },
}

/// Digits beyond a code's that are looked at: more than any number of random bits.
const MORE: u32 = 36;

impl TaperedSpec {
    /// Bits of a code.
    #[must_use]
    pub fn bits(&self) -> u32 {
        match *self {
            Self::Posit { bits } | Self::Takum { bits } => bits,
        }
    }

    /// The format with one more bit.
    #[must_use]
    pub fn wider(&self) -> Self {
        match *self {
            Self::Posit { bits } => Self::Posit { bits: bits + 1 },
            Self::Takum { bits } => Self::Takum { bits: bits + 1 },
        }
    }

    /// The value of a code; `None` for NaR.
    #[must_use]
    pub fn decode(&self, code: u64) -> Option<BigRational> {
        let digits: Vec<bool> = (0..self.bits()).rev().map(|i| code >> i & 1 == 1).collect();
        let rest_is_zero = digits[1..].iter().all(|d| !d);
        if rest_is_zero {
            return (!digits[0]).then(BigRational::zero);
        }
        Some(match self {
            Self::Posit { .. } if digits[0] => -posit(&negated(&digits)[1..]),
            Self::Posit { .. } => posit(&digits[1..]),
            Self::Takum { .. } => takum(&digits),
        })
    }

    /// The value of a positive string of `length` digits after the sign.
    fn positive(&self, string: u128, length: u32) -> BigRational {
        let digits = (0..length).rev().map(|i| string >> i & 1 == 1);
        match self {
            Self::Posit { .. } => posit(&digits.collect::<Vec<_>>()),
            Self::Takum { .. } => takum(&std::iter::once(false).chain(digits).collect::<Vec<_>>()),
        }
    }

    /// The magnitudes at which the answer of a mode may change, in ascending order: strings are cut after a code's
    /// digits, so they lie between codes as the parts do.
    #[must_use]
    pub fn cuts(&self, parts: &Parts) -> Vec<BigRational> {
        let length = self.bits() - 1 + parts.digits;
        let mut tails = vec![0u128];
        tails.extend(parts.numerators.iter().map(|&part| u128::from(part)));
        (0..1u128 << (self.bits() - 1))
            .flat_map(|code| tails.iter().map(move |tail| code << parts.digits | tail))
            .map(|string| self.positive(string, length))
            .collect()
    }

    /// Where a value other than zero lies on the strings.
    #[must_use]
    pub fn place(&self, x: &BigRational) -> Cut {
        let length = self.bits() - 1 + MORE;
        let size = x.abs();
        // The last string whose value is not above the size; the empty one, of zeros, is below all.
        let (mut low, mut high) = (0u128, 1u128 << length);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.positive(middle, length) <= size { low = middle } else { high = middle }
        }
        let exact = low != 0 && self.positive(low, length) == size;
        Cut { negative: x.is_negative(), string: low, exact }
    }

    /// The code of a value.
    #[must_use]
    pub fn encode(&self, x: &Cut, mode: Mode, overflow: Overflow, random: u32) -> Answer {
        let bits = self.bits();
        let nar = 1u64 << (bits - 1);
        let code = (x.string >> MORE) as u64;
        let cut = x.string & ((1 << MORE) - 1);
        // What was cut off, with one more digit for whatever follows.
        let part = BigRational::new(BigInt::from(cut * 2 + u128::from(!x.exact)), BigInt::from(2))
            * power_of_two(-(MORE as i32));
        let mut rounded = code;
        if !part.is_zero() {
            let between = Between::from_part(x.negative, code % 2 == 1, part.clone());
            let away = if x.negative { Neighbour::Below } else { Neighbour::Above };
            rounded += u64::from(between.choose(mode, random) == away);
        }
        let toward_zero = match mode {
            Mode::TowardZero => true,
            Mode::Up => x.negative,
            Mode::Down => !x.negative,
            _ => false,
        };
        if rounded == 0 && !toward_zero {
            rounded = 1;
        }
        let signed = |magnitude: u64| {
            let code = if x.negative { (1u64 << bits) - magnitude } else { magnitude };
            (code % (1 << bits)) as u32
        };
        if rounded == nar {
            let code = match overflow {
                Overflow::Saturate | Overflow::SaturateSymmetric | Overflow::SatNone => {
                    signed(nar - 1)
                }
                Overflow::Ieee if toward_zero => signed(nar - 1),
                Overflow::Ieee | Overflow::Special => nar as u32,
                Overflow::Zero => 0,
                Overflow::Wrap | Overflow::WrapSignMagnitude => {
                    panic!("tapered formats do not wrap")
                }
            };
            return Answer { code, flags: OVERFLOW | INEXACT };
        }
        let inexact = if part.is_zero() { 0 } else { INEXACT };
        let underflow = if code == 0 { UNDERFLOW } else { 0 };
        Answer { code: signed(rounded), flags: inexact | underflow }
    }
}

/// A value's place among the strings.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    negative: bool,
    string: u128,
    exact: bool,
}

/// Two's complement of a string.
fn negated(digits: &[bool]) -> Vec<bool> {
    // From the right: keep all up to the first one, invert the rest.
    let last_one = digits.iter().rposition(|&d| d).expect("neither zero nor NaR");
    digits.iter().enumerate().map(|(i, &d)| if i < last_one { !d } else { d }).collect()
}

fn number(digits: &[bool]) -> BigInt {
    digits.iter().fold(BigInt::zero(), |n, &d| n * 2 + u8::from(d))
}

/// A fraction in [0, 1).
fn fraction(digits: &[bool]) -> BigRational {
    BigRational::new(number(digits), BigInt::one() << digits.len())
}

/// The digits from `start`, `count` of them, zeros where there are none.
fn field(digits: &[bool], start: usize, count: usize) -> Vec<bool> {
    (start..start + count).map(|i| digits.get(i).copied().unwrap_or(false)).collect()
}

/// The value of a positive posit after its sign: regime, two exponent bits, fraction. A string of zeros is below all.
fn posit(digits: &[bool]) -> BigRational {
    let Some(&first) = digits.first() else { return BigRational::zero() };
    let run = digits.iter().take_while(|&&d| d == first).count();
    if !first && run == digits.len() {
        return BigRational::zero();
    }
    let regime = if first { run as i32 - 1 } else { -(run as i32) };
    let exponent: i32 = i32::try_from(number(&field(digits, run + 1, 2))).expect("two bits");
    let rest = digits.get(run + 3..).unwrap_or(&[]);
    (BigRational::one() + fraction(rest)) * power_of_two(4 * regime + exponent)
}

/// The value of a linear takum, of either sign, by the one formula `((1-3S)+f) * 2^((1-2S)(c+S))`.
fn takum(digits: &[bool]) -> BigRational {
    if digits.iter().all(|d| !d) {
        return BigRational::zero();
    }
    let small = |digits: &[bool]| i32::try_from(number(digits)).expect("at most seven bits");
    let sign = i32::from(digits[0]);
    let direction = field(digits, 1, 1)[0];
    let regime = small(&field(digits, 2, 3));
    let length = if direction { regime } else { 7 - regime };
    let characteristic = small(&field(digits, 5, length as usize));
    let c = if direction {
        (1 << length) - 1 + characteristic
    } else {
        -(1 << (length + 1)) + 1 + characteristic
    };
    let f = fraction(digits.get(5 + length as usize..).unwrap_or(&[]));
    (BigRational::from_integer((1 - 3 * sign).into()) + f)
        * power_of_two((1 - 2 * sign) * (c + sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_traits::ToPrimitive;

    fn values(spec: TaperedSpec, codes: &[u64]) -> Vec<f64> {
        codes.iter().map(|&c| spec.decode(c).map_or(f64::NAN, |v| v.to_f64().unwrap())).collect()
    }

    #[test]
    fn known_values() {
        // 0 10 00 000 = 1; 0 10 01 000 = 2; 0 10 00 100 = 1.5; 0 0000001 = 2^-24; 0 1111111 = 2^24; -1.
        let posit8 = TaperedSpec::Posit { bits: 8 };
        assert_eq!(
            values(posit8, &[0x40, 0x48, 0x44, 0x01, 0x7f, 0xc0]),
            [1.0, 2.0, 1.5, 2f64.powi(-24), 2f64.powi(24), -1.0]
        );
        assert!(values(posit8, &[0x80])[0].is_nan());
        // 0 1 000 ... = 2^0; 0 1 001 0 = 2^1; 0 0 111 = 2^-1.
        let takum12 = TaperedSpec::Takum { bits: 12 };
        assert_eq!(
            values(takum12, &[0x400, 0x480, 0x380, 0xc00, 0x440]),
            [1.0, 2.0, 0.5, -1.0, 1.5]
        );
    }
}
