//! Linear takums: the length of the exponent in three bits, then the exponent.

use super::{BitString, assemble, decode_special, fraction, magnitude};
use crate::error::FormatError;
use crate::named::Excerpt;
use crate::real::Real;
use crate::scan::number;
use core::fmt;

/// A linear takum of 2 to 32 bits.
///
/// The string of `2^c * (1 + f)` is a direction bit D, three regime bits R, `r` characteristic bits C, and `f`:
///
/// - `c >= 0`: D = 1, R = r, C = c - (2^r - 1), where `2^r <= c + 1 < 2^(r+1)`;
/// - `c < 0`: D = 0, R = 7 - r, C = c + 2^(r+1) - 1, where `2^r <= -c < 2^(r+1)`;
///
/// `c` lies within -255 and 254. A code of fewer than 12 bits may end within the characteristic; it goes on with zeros.
/// Source: Hunhold, "Beating Posits at Their Own Game: Takum Arithmetic", CoNGA 2024 (the linear variant).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TakumFormat {
    bits: u8,
}

impl TakumFormat {
    /// A linear takum of `bits` bits.
    ///
    /// # Errors
    ///
    /// A width outside 2 to 32.
    pub const fn new(bits: u32, name: Excerpt) -> Result<Self, FormatError> {
        if bits < 2 || bits > 32 {
            return Err(FormatError::Width { name, bits, least: 2 });
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
        let regime_bits = (string >> 60 & 7) as u32;
        let up = string >> 63 != 0;
        let length = if up { regime_bits } else { 7 - regime_bits };
        let characteristic_bits = ((string << 4 >> 1) >> (63 - length)) as i32;
        let characteristic = if up {
            (1 << length) - 1 + characteristic_bits
        } else {
            1 - (2 << length) + characteristic_bits
        };
        let value = assemble(string << (4 + length), characteristic);
        if negative { -value } else { value }
    }

    /// Whether every value is an `f32`: with more than five bits there are values of 2^191 and more.
    pub(crate) const fn fits_f32(self) -> bool {
        self.bits <= 5
    }

    /// Reads a name in lower case; `None` if it does not follow the pattern.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, FormatError>> {
        let (bits, rest) = number(text.strip_prefix("takum")?)?;
        rest.is_empty().then(|| Self::new(bits, Excerpt::new(text)))
    }
}

/// The string of a positive value.
#[inline(always)]
pub(super) const fn string(x: Real) -> BitString {
    let c = x.exponent();
    match c {
        0..=254 => {
            let length = (c + 1).ilog2();
            let characteristic = (c + 1 - (1 << length)) as u64;
            let head = (8 | length as u64) << length | characteristic;
            BitString::new(head, 4 + length, fraction(x))
        }
        255.. => BitString::LARGEST,
        -255..0 => {
            let length = (-c).ilog2();
            let characteristic = (c + (2 << length) - 1) as u64;
            let head = (7 - length as u64) << length | characteristic;
            BitString::new(head, 4 + length, fraction(x))
        }
        _ => BitString::SMALLEST,
    }
}

impl fmt::Display for TakumFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "takum{}", self.bits)
    }
}
