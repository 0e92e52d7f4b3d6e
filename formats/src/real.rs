//! An exact real number on its way into a narrow format.
//!
//! Every encoder starts from a [`Real`]: the sign, the class, and the significand and exponent of an `f32`, an `f64`
//! or an integer, taken from its bits. Nothing is rounded on the way in, so a value is rounded once, by the format.

use crate::rounding::Rounding;

/// A number unpacked into sign, class, significand and exponent.
///
/// A finite non-zero value is `(-1)^sign * significand * 2^(exponent - 63)` with the leading one of the significand
/// in bit 63, so `exponent` is `floor(log2 |x|)`.
///
/// ```
/// use fewbit_formats::Real;
/// let x = Real::from_f32(-6.5); // 0b110.1
/// assert!(x.is_negative());
/// assert_eq!(x.exponent(), 2);
/// assert_eq!(x.significand() >> 60, 0b1101);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Real {
    negative: bool,
    class: Class,
    significand: u64,
    exponent: i32,
    digits: Digits,
}

/// Whether the significand holds all of the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Digits {
    /// It does.
    All,
    /// Ones were cut off; the last bit is set and stands for them.
    Leading,
}

/// What kind of number a [`Real`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Positive or negative zero.
    Zero,
    /// A value that was subnormal in the type it came from.
    Subnormal,
    /// Any other finite value.
    Normal,
    /// Positive or negative infinity.
    Infinite,
    /// Not a number; its payload is kept, aligned to the left, in the significand.
    Nan,
}

/// The quiet bit of a NaN, as the left-aligned payload holds it.
const QUIET: u64 = 1 << 63;

/// Exponents beyond this one, of either sign, are taken for it: the calculation of an exponent cannot overflow.
const MOST_EXPONENT: i64 = 1 << 30;

impl Real {
    /// Zero with the given sign.
    #[must_use]
    #[inline]
    pub const fn zero(negative: bool) -> Self {
        Self { negative, class: Class::Zero, significand: 0, exponent: 0, digits: Digits::All }
    }

    /// Infinity with the given sign.
    #[must_use]
    #[inline]
    pub const fn infinity(negative: bool) -> Self {
        Self { negative, class: Class::Infinite, significand: 0, exponent: 0, digits: Digits::All }
    }

    /// A quiet NaN with the given sign and no payload.
    #[must_use]
    #[inline]
    pub const fn nan(negative: bool) -> Self {
        Self::nan_with_payload(negative, QUIET)
    }

    /// A NaN with the given sign and payload, which is not zero.
    #[inline]
    pub(crate) const fn nan_with_payload(negative: bool, payload: u64) -> Self {
        Self { negative, class: Class::Nan, significand: payload, exponent: 0, digits: Digits::All }
    }

    /// The exact value of an `f32`.
    #[must_use]
    #[inline]
    pub const fn from_f32(x: f32) -> Self {
        let bits = x.to_bits();
        Self::from_fields(bits >> 31 != 0, (bits as u64) << 41, ((bits >> 23) & 0xff) as i32, 127)
    }

    /// The exact value of an `f64`; never through an `f32`.
    #[must_use]
    #[inline]
    pub const fn from_f64(x: f64) -> Self {
        let bits = x.to_bits();
        Self::from_fields(bits >> 63 != 0, bits << 12, ((bits >> 52) & 0x7ff) as i32, 1023)
    }

    /// From the fields of an IEEE format: the fraction aligned to the left, the biased exponent, the bias.
    #[inline]
    const fn from_fields(negative: bool, fraction: u64, biased: i32, bias: i32) -> Self {
        if biased == 2 * bias + 1 {
            if fraction == 0 {
                Self::infinity(negative)
            } else {
                Self::nan_with_payload(negative, fraction)
            }
        } else if biased != 0 {
            let significand = 1 << 63 | fraction >> 1;
            Self {
                negative,
                class: Class::Normal,
                significand,
                exponent: biased - bias,
                digits: Digits::All,
            }
        } else if fraction != 0 {
            let zeros = fraction.leading_zeros();
            let exponent = -bias - zeros as i32;
            Self {
                negative,
                class: Class::Subnormal,
                significand: fraction << zeros,
                exponent,
                digits: Digits::All,
            }
        } else {
            Self::zero(negative)
        }
    }

    /// The value `(-1)^negative * significand * 2^exponent`.
    ///
    /// A significand of more than 64 bits is cut to its 64 leading bits, and the last of these is set if a one was
    /// cut off (von Neumann's jamming). Every later rounding that looks at no more than 62 leading bits, those that a
    /// stochastic mode compares with random ones included, gives the same result as from the uncut value; no format of
    /// this crate keeps more than 32.
    #[must_use]
    #[inline]
    pub const fn from_scaled(negative: bool, significand: u128, exponent: i32) -> Self {
        Self::from_wide(negative, significand, 0, exponent as i64 + 127)
    }

    /// The value of a significand of 256 bits in two halves, whose first bit counts `2^first`.
    ///
    /// The exponent stays within plus and minus 2^30, far beyond every format.
    #[inline]
    pub(crate) const fn from_wide(negative: bool, high: u128, low: u128, first: i64) -> Self {
        let (high, low, first) = if high == 0 { (low, 0, first - 128) } else { (high, low, first) };
        if high == 0 {
            return Self::zero(negative);
        }
        let zeros = high.leading_zeros();
        let (aligned, below) = if zeros == 0 {
            (high, low)
        } else {
            (high << zeros | low >> (128 - zeros), low << zeros)
        };
        let cut = aligned as u64 != 0 || below != 0;
        let exponent = first - zeros as i64;
        let exponent = if exponent > MOST_EXPONENT {
            MOST_EXPONENT
        } else if exponent < -MOST_EXPONENT {
            -MOST_EXPONENT
        } else {
            exponent
        };
        Self {
            negative,
            class: Class::Normal,
            significand: (aligned >> 64) as u64 | cut as u64,
            exponent: exponent as i32,
            digits: if cut { Digits::Leading } else { Digits::All },
        }
    }

    /// The same finite number, other than zero, as one that was subnormal where it came from.
    pub(crate) const fn as_subnormal(self) -> Self {
        Self { class: Class::Subnormal, ..self }
    }

    /// The nearest `f64`, ties to even; a NaN keeps its sign alone.
    #[must_use]
    pub const fn to_f64(self) -> f64 {
        /// Fraction bits of `f64`.
        const FRACTION: u32 = 52;
        let magnitude = match self.class {
            Class::Zero => 0,
            Class::Infinite => f64::INFINITY.to_bits(),
            Class::Nan => f64::NAN.to_bits(),
            Class::Subnormal | Class::Normal => {
                // As every float is encoded: one unit is one step of the magnitude.
                let below = -1022 - self.exponent as i64;
                let depth = if below > 0 { below } else { 0 };
                let shift = 63 - FRACTION as i64 + depth;
                let shift = if shift > 128 { 128 } else { shift as u32 };
                let binades = if below > 0 { 0 } else { -below };
                let infinite = f64::INFINITY.to_bits();
                if binades > 2046 {
                    infinite
                } else {
                    let base = binades << FRACTION;
                    let rounded = Rounding::TiesEven.round(base, self.significand, shift, false, 0);
                    let magnitude = rounded.whole as u64;
                    if magnitude > infinite { infinite } else { magnitude }
                }
            }
        };
        f64::from_bits(magnitude | (self.negative as u64) << 63)
    }

    /// The same value with the given sign.
    #[must_use]
    #[inline]
    pub const fn with_sign(self, negative: bool) -> Self {
        Self { negative, ..self }
    }

    /// The same NaN, quiet.
    #[inline]
    pub(crate) const fn quieted(self) -> Self {
        Self { significand: self.significand | QUIET, ..self }
    }

    /// This value, which `other` went into: cut off if `other` was.
    #[inline]
    pub(crate) const fn with_digits_of(self, other: Self) -> Self {
        Self { digits: if other.is_cut() { Digits::Leading } else { self.digits }, ..self }
    }

    /// Whether ones were cut off below the significand, whose last bit stands for them.
    #[must_use]
    #[inline]
    pub const fn is_cut(self) -> bool {
        matches!(self.digits, Digits::Leading)
    }

    /// Whether the sign is negative; zeros and NaNs have signs too.
    #[must_use]
    #[inline]
    pub const fn is_negative(self) -> bool {
        self.negative
    }

    /// The class of the number.
    #[must_use]
    #[inline]
    pub const fn class(self) -> Class {
        self.class
    }

    /// The significand, its leading one in bit 63; the payload of a NaN, its quiet bit in bit 63; 0 otherwise.
    #[must_use]
    #[inline]
    pub const fn significand(self) -> u64 {
        self.significand
    }

    /// `floor(log2 |x|)` of a finite non-zero value, 0 otherwise.
    #[must_use]
    #[inline]
    pub const fn exponent(self) -> i32 {
        self.exponent
    }

    /// Whether this is a NaN whose quiet bit is clear.
    #[must_use]
    #[inline]
    pub const fn is_signaling(self) -> bool {
        matches!(self.class, Class::Nan) && self.significand & QUIET == 0
    }
}

impl From<f32> for Real {
    #[inline]
    fn from(x: f32) -> Self {
        Self::from_f32(x)
    }
}

impl From<f64> for Real {
    #[inline]
    fn from(x: f64) -> Self {
        Self::from_f64(x)
    }
}

/// Exact, for integers of any type; one of more than 64 bits is cut as in [`Real::from_scaled`].
macro_rules! from_integers {
    ($($integer:ty),+) => {$(
        impl From<$integer> for Real {
            #[inline]
            fn from(x: $integer) -> Self {
                let x = x as i128;
                Self::from_scaled(x < 0, x.unsigned_abs(), 0)
            }
        }
    )+};
}

from_integers!(i8, i16, i32, i64, i128, u8, u16, u32, u64);

impl From<u128> for Real {
    #[inline]
    fn from(x: u128) -> Self {
        Self::from_scaled(false, x, 0)
    }
}
