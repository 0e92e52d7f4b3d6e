//! From text to an exact number.
//!
//! A text of digits `d`, `k` of them behind the point, with exponent `e` is `d * 10^(e - k)`: a quotient of two whole
//! numbers, of which 64 bits are taken by long division, and a last one for the rest. Of `d` the digits that fit in
//! 3000 bits are kept, 903 in decimal; if any of the others is not zero, one more digit stands for them. The values
//! of formats and the ties between them have at most 770 digits, so no text is taken to the wrong side of one.

use super::big::Big;
use crate::encoded::EncodeError;
use crate::named::Excerpt;
use crate::real::Real;

/// Bits of the digits that are kept.
const KEPT_BITS: usize = 3000;

/// Powers of two beyond this one, of either sign, are beyond every format whose values are `f64`.
const MOST_EXPONENT: i64 = 1600;

/// A text that is no number of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseNumberError {
    /// It is no number at all.
    #[error(
        "`{0}` is not a number: expected digits with an optional sign, point and exponent, or inf, or NaN"
    )]
    Invalid(Excerpt),
    /// NaN or infinity, of which the type has none.
    #[error(transparent)]
    Missing(#[from] EncodeError),
    /// A radix that has no digits.
    #[error("radix {0} has no digits: expected 2 to 36")]
    Radix(u32),
}

impl Real {
    /// The number that a text stands for, in Rust's syntax of floats: `-1.5e3`, `.5`, `inf`, `NaN`.
    ///
    /// The text may have any length. A number with more than 64 bits is cut as in [`Real::from_scaled`], so every format
    /// rounds it as it would round the number written. Beyond 2^1600, and below 2^-1600, one number stands for all, 2^(2^20)
    /// and its reciprocal: of the formats only P3109's with more than 11 bits of exponent have values there
    /// ([`Format::fits_f64`](crate::Format::fits_f64)).
    ///
    /// # Errors
    ///
    /// Text that is no number.
    ///
    /// ```
    /// use fewbit_formats::{Format, Overflow, Policy, Real, Rounding};
    /// let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
    /// let code = |text| {
    ///     Format::E2M1FN.encode_real(Real::from_decimal(text).unwrap(), &policy, 0).unwrap().code
    /// };
    /// // 2.5 is a tie between 2 and 3.
    /// assert_eq!(code("2.5"), 0x4);
    /// assert_eq!(code("2.50000000000000000000000000000000000000001"), 0x5);
    /// ```
    pub fn from_decimal(text: &str) -> Result<Self, ParseNumberError> {
        Self::from_digits(text, 10)
    }

    /// The number that a text stands for, whose digits are of the given radix; an exponent, in decimal and of that
    /// radix, is understood up to radix 10.
    pub(crate) fn from_digits(text: &str, radix: u32) -> Result<Self, ParseNumberError> {
        if !(2..=36).contains(&radix) {
            return Err(ParseNumberError::Radix(radix));
        }
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if radix == 10 {
            if ["inf", "infinity"].iter().any(|name| name.eq_ignore_ascii_case(unsigned)) {
                return Ok(Self::infinity(negative));
            }
            if unsigned.eq_ignore_ascii_case("nan") {
                return Ok(Self::nan(negative));
            }
        }
        let number = Digits::read(unsigned, radix);
        Ok(number.ok_or(ParseNumberError::Invalid(Excerpt::new(text)))?.real(negative))
    }
}

/// `digits * radix^power`.
struct Digits {
    radix: u32,
    digits: Big,
    power: i64,
}

impl Digits {
    /// Reads digits with an optional point and exponent.
    fn read(text: &str, radix: u32) -> Option<Self> {
        let is_exponent = |c: char| radix <= 10 && matches!(c, 'e' | 'E');
        let (mantissa, exponent) = match text.split_once(is_exponent) {
            Some((mantissa, exponent)) => (mantissa, read_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        // The number is `digits * radix^power`, each digit of the fraction taking one off the power.
        let (mut digits, mut power) = (Big::new(0), exponent);
        let mut rest = false;
        let places = whole.chars().map(|c| (c, 0)).chain(fraction.chars().map(|c| (c, 1)));
        for (c, behind_point) in places {
            let digit = c.to_digit(radix)?;
            if digits.bits() < KEPT_BITS {
                digits.multiply_add(radix.into(), digit.into());
                power -= behind_point;
            } else {
                rest |= digit != 0;
                power += 1 - behind_point;
            }
        }
        if rest {
            digits.multiply_add(radix.into(), 1);
            power -= 1;
        }
        Some(Self { radix, digits, power })
    }

    /// The value.
    fn real(self, negative: bool) -> Real {
        let Self { radix, mut digits, power } = self;
        if digits.is_zero() {
            return Real::zero(negative);
        }
        // 1. A number beyond all formats: below `2^magnitude` if the power is negative, else at least half of that.
        let bits = digits.bits() as i64;
        let magnitude = bits.saturating_add(power.saturating_mul(radix.ilog2().into()));
        if power > 0 && magnitude > MOST_EXPONENT {
            return Real::from_scaled(negative, 1, 1 << 20);
        }
        if power < 0 && magnitude < -MOST_EXPONENT {
            return Real::from_scaled(negative, 1, -(1 << 20));
        }

        // 2. The number as a quotient.
        let mut divisor = Big::new(1);
        let scaled = if power < 0 { &mut divisor } else { &mut digits };
        scaled.multiply_power(radix, power.unsigned_abs() as u32);

        // 3. Both with the same number of bits: the quotient is above 1/2 and below 2.
        let exponent = digits.bits() as i32 - divisor.bits() as i32;
        let behind = if exponent < 0 { &mut digits } else { &mut divisor };
        behind.shift_left(exponent.unsigned_abs() as usize);

        // 4. Digit by digit, then the rest.
        let mut quotient = 0u128;
        for _ in 0..66 {
            quotient <<= 1;
            if digits.compare(&divisor).is_ge() {
                digits.subtract(&divisor);
                quotient |= 1;
            }
            digits.multiply_add(2, 0);
        }
        let rest = u128::from(!digits.is_zero());
        Real::from_scaled(negative, quotient << 1 | rest, exponent - 66)
    }
}

/// A decimal exponent; one of any length is understood, and held within what no text makes up for.
fn read_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut exponent = 0i64;
    for c in digits.chars() {
        let digit = c.to_digit(10)?;
        exponent = exponent.saturating_mul(10).saturating_add(digit.into()).min(1 << 60);
    }
    Some(if negative { -exponent } else { exponent })
}
