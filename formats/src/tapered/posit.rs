//! Posits of the 2022 standard: two exponent bits behind a run of equal bits.

use super::{BitString, assemble, decode_special, fraction, magnitude};
use crate::error::FormatError;
use crate::named::Excerpt;
use crate::real::Real;
use crate::scan::number;
use core::fmt;

/// A posit of 3 to 32 bits with two exponent bits.
///
/// The string of `2^(4k + e) * (1 + f)`, `0 <= e < 4`, is `k + 1` ones and a zero, or for negative `k`, `-k` zeros
/// and a one; then `e` in two bits; then `f`. Source: Standard for Posit Arithmetic (2022).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PositFormat {
    bits: u8,
}

impl PositFormat {
    /// A posit of `bits` bits.
    ///
    /// # Errors
    ///
    /// A width outside 3 to 32.
    pub const fn new(bits: u32, name: Excerpt) -> Result<Self, FormatError> {
        if bits < 3 || bits > 32 {
            return Err(FormatError::Width { name, bits, least: 3 });
        }
        Ok(Self { bits: bits as u8 })
    }

    /// A row of the table.
    pub(crate) const fn row(bits: u8) -> Self {
        Self { bits }
    }

    /// Bits of a code.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.bits as u32
    }

    /// The value of a code; NaR is NaN.
    #[must_use]
    pub const fn decode(self, code: u32) -> f64 {
        let bits = self.bits();
        let Some((magnitude, negative)) = magnitude(code, bits) else {
            return decode_special(code, bits);
        };
        let string = magnitude << (65 - bits);
        let ones = string >> 63 != 0;
        let run = if ones { string.leading_ones() } else { string.leading_zeros() };
        let regime = if ones { run as i32 - 1 } else { -(run as i32) };
        let rest = string << (run + 1);
        let value = assemble(rest << 2, 4 * regime + (rest >> 62) as i32);
        if negative { -value } else { value }
    }

    /// Whether every value is an `f32`: at most 24 digits; the exponents are within range in any width.
    pub(crate) const fn fits_f32(self) -> bool {
        self.bits <= 28
    }

    /// Reads a name in lower case; `None` if it does not follow the pattern.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, FormatError>> {
        let rest = text.strip_prefix("posit")?;
        let (bits, rest) = number(rest.strip_prefix('<').unwrap_or(rest))?;
        matches!(rest, "" | ",2>").then(|| Self::new(bits, Excerpt::new(text)))
    }
}

/// The string of a positive value.
#[inline(always)]
pub(super) const fn string(x: Real) -> BitString {
    let (regime, exponent) = (x.exponent().div_euclid(4), x.exponent().rem_euclid(4) as u64);
    let significand_bits = fraction(x);
    let tail = exponent << 62 | significand_bits >> 2 | (significand_bits & 3 != 0) as u64;
    match regime {
        0..=61 => {
            let ones = regime as u32 + 1;
            BitString::new(((1 << ones) - 1) << 1, ones + 1, tail)
        }
        62.. => BitString::LARGEST,
        -62..0 => BitString::new(1, regime.unsigned_abs() + 1, tail),
        _ => BitString::SMALLEST,
    }
}

impl fmt::Display for PositFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "posit{}", self.bits)
    }
}
