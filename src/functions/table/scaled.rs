//! A format whose codes stand for numbers by a scale and a zero point.

use std::fmt;
use std::str::FromStr;

use fewbit_formats::{EncodeError, Format, Overflow, Policy, Real, Rounding};

use super::error::{TableError, excerpt};

/// A format with a scale and a zero point: a code of value `v` stands for `scale (v - zero point)`.
///
/// ```text
/// scaled := format ["*" scale] ["@" zero point]        a zero point for integers alone
/// ```
///
/// ```
/// use fewbit::functions::table::ScaledFormat;
/// let scaled: ScaledFormat = "int8*0.25@-3".parse()?;
/// assert_eq!(scaled.decode(0xff), 0.5); // (-1 + 3) / 4
/// assert_eq!(scaled.to_string(), "int8*0.25@-3");
/// assert_eq!("fix8.4".parse::<ScaledFormat>()?.decode(0x18), 1.5);
/// # Ok::<(), fewbit::functions::table::TableError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaledFormat {
    format: Format,
    scale: f64,
    zero_point: i64,
}

impl ScaledFormat {
    /// A format with a scale and a zero point.
    ///
    /// # Errors
    /// A scale outside of 2^-200 to 2^200; a zero point other than 0 of a format that is no integer, or beyond 32 bits.
    pub fn new(format: Format, scale: f64, zero_point: i64) -> Result<Self, TableError> {
        if !(scale >= 2f64.powi(-200) && scale <= 2f64.powi(200)) {
            return Err(TableError::number("scale", scale, "above 0, 2^-200 to 2^200"));
        }
        if i32::try_from(zero_point).is_err() {
            return Err(TableError::number("zero point", zero_point, "at most 32 bits"));
        }
        if zero_point != 0 && !matches!(format, Format::Int(_)) {
            let what = format!("a zero point of {zero_point}");
            return Err(TableError::together(what, format, "integers alone have one"));
        }
        Ok(Self { format, scale, zero_point })
    }

    /// The format.
    #[must_use]
    pub const fn format(self) -> Format {
        self.format
    }

    /// The scale.
    #[must_use]
    pub const fn scale(self) -> f64 {
        self.scale
    }

    /// The zero point.
    #[must_use]
    pub const fn zero_point(self) -> i64 {
        self.zero_point
    }

    /// The number that a code stands for, the product in f64.
    #[must_use]
    pub fn decode(self, code: u32) -> f64 {
        match self.integer(code) {
            Some(integer) => self.of_integer(integer),
            None => self.scale * self.format.decode(code),
        }
    }

    /// Fraction bits of integers and fixed point; `None` for other formats.
    pub(crate) fn fraction_bits(self) -> Option<i32> {
        match self.format {
            Format::Int(_) => Some(0),
            Format::Fixed(fixed) => Some(fixed.fraction_bits()),
            _ => None,
        }
    }

    /// The integer of a code of integers and fixed point, sign-extended.
    pub(crate) fn integer(self, code: u32) -> Option<i64> {
        self.fraction_bits()?;
        let unused = 64 - self.format.bits();
        let aligned = u64::from(code) << unused;
        Some(if self.format.is_signed() {
            aligned as i64 >> unused
        } else {
            (aligned >> unused) as i64
        })
    }

    /// The number that an integer stands for, be it a code's or the one beyond.
    pub(crate) fn of_integer(self, integer: i64) -> f64 {
        let units = (integer - self.zero_point) as f64;
        // Exact: at most 34 bits times a power of two.
        self.scale * (units * 2f64.powi(-self.fraction_bits().unwrap_or(0)))
    }

    /// The code of a number: divided by the scale in f64, rounded, with the zero point, by the policy.
    pub(super) fn encode(self, value: f64, policy: &Policy) -> Result<u32, EncodeError> {
        let units = value / self.scale;
        if self.zero_point == 0 {
            return Ok(self.format.encode(units, policy, 0)?.code);
        }
        if !units.is_finite() {
            return Ok(self.format.encode(units, policy, 0)?.code);
        }
        // Rounded first, as the zero point decides which integers are even.
        let rounded =
            match Format::INT32.encode(units, &policy.with_overflow(Overflow::Saturate), 0) {
                Ok(encoded) => i64::from(encoded.code as i32),
                Err(error) => return Err(error),
            };
        Ok(self.format.encode(Real::from(rounded + self.zero_point), policy, 0)?.code)
    }
}

impl fmt::Display for ScaledFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.format)?;
        if self.scale != 1.0 {
            write!(f, "*{:?}", self.scale)?;
        }
        if self.zero_point != 0 { write!(f, "@{}", self.zero_point) } else { Ok(()) }
    }
}

impl FromStr for ScaledFormat {
    type Err = TableError;

    fn from_str(text: &str) -> Result<Self, TableError> {
        let (rest, zero_point) = match text.split_once('@') {
            Some((rest, zero)) => (
                rest,
                zero.parse().map_err(|_| {
                    TableError::number(
                        "zero point",
                        excerpt(zero),
                        "a whole number of at most 32 bits",
                    )
                })?,
            ),
            None => (text, 0),
        };
        let (format, scale) = match rest.split_once('*') {
            Some((format, scale)) => (
                format,
                scale.parse().map_err(|_| {
                    TableError::number("scale", excerpt(scale), "a decimal number above 0")
                })?,
            ),
            None => (rest, 1.0),
        };
        Self::new(format.parse()?, scale, zero_point)
    }
}

/// The modes that a table may have: those whose result the value alone decides.
pub(super) fn check_rounding(what: &'static str, rounding: Rounding) -> Result<(), TableError> {
    match rounding.random_bits() {
        None => Ok(()),
        Some(_) => {
            Err(TableError::together(rounding, what, "a table rounds the same way every time"))
        }
    }
}
