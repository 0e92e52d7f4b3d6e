//! Binary floating-point formats: a row of constants each.
//!
//! A code is a sign bit (where the format is signed) above a magnitude of exponent and fraction bits. The magnitudes
//! count the non-negative values upward, so the next larger value is the next magnitude; that is what makes rounding
//! a matter of adding one. With exponent field `E`, fraction field `T` of `m` bits:
//!
//! - `E = 0`: `T * 2^(1 - bias - m)`;
//! - otherwise `(1 + T * 2^-m) * 2^(E - bias)`, which holds for `E = 0` too in a format without zero.
//!
//! NaN and infinity take codes at the top, or NaN that of negative zero.

mod decode;
mod encode;
mod name;

use crate::error::FormatError;
use crate::named::Excerpt;

/// Whether a format has negative values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signedness {
    /// It has.
    Signed,
    /// It has not; there is no sign bit.
    Unsigned,
}

/// Which codes of a float are NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NanCodes {
    /// None.
    None,
    /// Exponent all ones, fraction not zero: IEEE 754.
    TopExponent,
    /// The magnitude of all ones: OCP E4M3, E8M0, unsigned P3109.
    TopMagnitude,
    /// Negative zero's: FNUZ, signed P3109. Such a format has no negative zero.
    NegativeZero,
}

/// Whether a float has infinities; each then has the code after the largest value of its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    /// It has none.
    Finite,
    /// It has.
    Extended,
}

/// What magnitude 0 stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ZeroCode {
    /// Zero.
    Zero,
    /// The smallest power of two; the format has no zero. E8M0.
    Power,
}

/// The suffix of a custom float's name: what its special values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Specials {
    /// No suffix: infinities and NaNs as IEEE 754.
    Ieee,
    /// `fn`: no infinities; NaN is the magnitude of all ones where exponent and fraction together have 6 bits or more.
    /// With 5 or fewer, 6 with a sign as in OCP's FP6 and FP4, there is no NaN; an unsigned format follows the same rule,
    /// so `e4m2fnu`, 6 bits, has one. Without sign and fraction there is no zero.
    Fn,
    /// `fnuz`: NaN at negative zero.
    Fnuz,
    /// `fin`: none.
    Fin,
}

/// A floating-point format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FloatFormat {
    exponent_bits: u8,
    fraction_bits: u8,
    bias: i32,
    signedness: Signedness,
    nan: NanCodes,
    domain: Domain,
    zero: ZeroCode,
}

impl FloatFormat {
    /// The custom float of a name's parts, with the default bias of its suffix if none is given.
    ///
    /// # Errors
    ///
    /// More than 32 bits; exponent bits outside 1 to 11; an IEEE-like format without a fraction; an unsigned `fnuz`;
    /// values that are not `f64`.
    pub const fn custom(
        exponent_bits: u32,
        fraction_bits: u32,
        bias: Option<i32>,
        specials: Specials,
        signedness: Signedness,
        name: Excerpt,
    ) -> Result<Self, FormatError> {
        if exponent_bits < 1 || exponent_bits > 11 {
            return Err(FormatError::ExponentWidth { name, bits: exponent_bits });
        }
        let signed = matches!(signedness, Signedness::Signed);
        let bits = exponent_bits.saturating_add(fraction_bits).saturating_add(signed as u32);
        if bits > 32 {
            return Err(FormatError::Width { name, bits, least: 2 });
        }
        // The sign counts whether the format has it or not: `u` takes values away and no specials.
        let small = 1 + exponent_bits + fraction_bits <= 6;
        let scale = !signed && fraction_bits == 0;
        let (nan, domain, zero) = match specials {
            Specials::Ieee if fraction_bits == 0 => return Err(FormatError::NoFraction(name)),
            Specials::Fnuz if !signed => return Err(FormatError::UnsignedFnuz(name)),
            Specials::Ieee => (NanCodes::TopExponent, Domain::Extended, ZeroCode::Zero),
            Specials::Fnuz => (NanCodes::NegativeZero, Domain::Finite, ZeroCode::Zero),
            Specials::Fin => (NanCodes::None, Domain::Finite, ZeroCode::Zero),
            Specials::Fn => (
                if small { NanCodes::None } else { NanCodes::TopMagnitude },
                Domain::Finite,
                if scale { ZeroCode::Power } else { ZeroCode::Zero },
            ),
        };
        let bias = match bias {
            Some(bias) => bias,
            None => Self::default_bias(exponent_bits, nan),
        };
        let (exponent_bits, fraction_bits) = (exponent_bits as u8, fraction_bits as u8);
        if bias < -2048 || bias > 4096 {
            let top = 1 << exponent_bits;
            return Err(FormatError::Range { name, smallest: -bias, largest: top - bias });
        }
        let format = Self { exponent_bits, fraction_bits, bias, signedness, nan, domain, zero };
        let (smallest, largest) = (format.smallest_exponent(), format.largest_exponent() + 1);
        if smallest < -1074 || largest > 1024 {
            return Err(FormatError::Range { name, smallest, largest });
        }
        Ok(format)
    }

    /// A row of the table: an unsigned float without zero whose code of all ones is NaN; every other field is an exponent.
    pub(crate) const fn scale_row(exponent_bits: u8, fraction_bits: u8, bias: i32) -> Self {
        Self {
            exponent_bits,
            fraction_bits,
            bias,
            signedness: Signedness::Unsigned,
            nan: NanCodes::TopMagnitude,
            domain: Domain::Finite,
            zero: ZeroCode::Power,
        }
    }

    /// The P3109 format `Binary{bits}p{precision}{s|u}{e|f}`.
    ///
    /// # Errors
    ///
    /// `bits` outside 3 to 16; `precision` outside 1 to `bits - 1` (signed) or `bits` (unsigned).
    pub const fn p3109(
        bits: u32,
        precision: u32,
        signedness: Signedness,
        domain: Domain,
        name: Excerpt,
    ) -> Result<Self, FormatError> {
        let signed = matches!(signedness, Signedness::Signed);
        let most = bits.saturating_sub(signed as u32);
        if bits < 3 || bits > 16 || precision < 1 || precision > most {
            return Err(FormatError::Precision { name, bits, precision, most });
        }
        let exponent_bits = most - (precision - 1);
        Ok(Self {
            exponent_bits: exponent_bits as u8,
            fraction_bits: (precision - 1) as u8,
            bias: 1 << (exponent_bits - 1),
            signedness,
            nan: if signed { NanCodes::NegativeZero } else { NanCodes::TopMagnitude },
            domain,
            zero: ZeroCode::Zero,
        })
    }

    /// `2^(e-1) - 1`, or `2^(e-1)` where NaN is at negative zero.
    const fn default_bias(exponent_bits: u32, nan: NanCodes) -> i32 {
        (1 << (exponent_bits - 1)) - !matches!(nan, NanCodes::NegativeZero) as i32
    }

    /// Bits of the exponent field.
    #[must_use]
    #[inline]
    pub const fn exponent_bits(self) -> u32 {
        self.exponent_bits as u32
    }

    /// Bits of the fraction field, the leading one not counted.
    #[must_use]
    #[inline]
    pub const fn fraction_bits(self) -> u32 {
        self.fraction_bits as u32
    }

    /// The exponent bias.
    #[must_use]
    #[inline]
    pub const fn bias(self) -> i32 {
        self.bias
    }

    /// Whether there is a sign bit.
    #[must_use]
    pub const fn signedness(self) -> Signedness {
        self.signedness
    }

    /// Which codes are NaN.
    #[must_use]
    pub const fn nan_codes(self) -> NanCodes {
        self.nan
    }

    /// Whether there are infinities.
    #[must_use]
    pub const fn domain(self) -> Domain {
        self.domain
    }

    /// What magnitude 0 stands for.
    #[must_use]
    pub const fn zero_code(self) -> ZeroCode {
        self.zero
    }

    /// Whether the format has negative values.
    #[must_use]
    #[inline]
    pub const fn is_signed(self) -> bool {
        matches!(self.signedness, Signedness::Signed)
    }

    /// Bits of a code.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.exponent_bits() + self.fraction_bits() + self.is_signed() as u32
    }

    /// The mask of the magnitude: exponent and fraction.
    #[must_use]
    #[inline]
    pub const fn magnitude_mask(self) -> u32 {
        ((1u64 << (self.exponent_bits + self.fraction_bits)) - 1) as u32
    }

    /// The mask of the sign bit; 0 in an unsigned format.
    #[must_use]
    #[inline]
    pub const fn sign_mask(self) -> u32 {
        if self.is_signed() { 1 << (self.exponent_bits + self.fraction_bits) } else { 0 }
    }

    /// The magnitude of the largest finite value.
    #[must_use]
    #[inline]
    pub const fn max_magnitude(self) -> u32 {
        let top = self.magnitude_mask();
        match self.nan {
            NanCodes::TopExponent => top - (1 << self.fraction_bits),
            NanCodes::TopMagnitude => top - 1 - self.has_infinity() as u32,
            NanCodes::NegativeZero | NanCodes::None => top - self.has_infinity() as u32,
        }
    }

    /// The magnitude of infinity.
    #[must_use]
    pub const fn infinity_magnitude(self) -> Option<u32> {
        if self.has_infinity() { Some(self.max_magnitude() + 1) } else { None }
    }

    /// Whether the format has infinities.
    #[must_use]
    #[inline]
    pub const fn has_infinity(self) -> bool {
        matches!(self.domain, Domain::Extended)
    }

    /// Whether the format has a NaN.
    #[must_use]
    pub const fn has_nan(self) -> bool {
        !matches!(self.nan, NanCodes::None)
    }

    /// Whether the format has a zero.
    #[must_use]
    #[inline]
    pub const fn has_zero(self) -> bool {
        matches!(self.zero, ZeroCode::Zero)
    }

    /// Whether negative zero has a code of its own.
    #[must_use]
    #[inline]
    pub const fn has_negative_zero(self) -> bool {
        self.is_signed() && !matches!(self.nan, NanCodes::NegativeZero)
    }

    /// The exponent of the smallest normal value, `1 - bias`; `-bias` in a format without zero.
    #[must_use]
    #[inline]
    pub const fn min_exponent(self) -> i32 {
        self.has_zero() as i32 - self.bias()
    }

    /// `floor(log2)` of the smallest positive value.
    const fn smallest_exponent(self) -> i32 {
        self.min_exponent() - self.fraction_bits as i32
    }

    /// `floor(log2)` of the largest finite value.
    #[must_use]
    pub const fn largest_exponent(self) -> i32 {
        let field = self.max_magnitude() >> self.fraction_bits;
        if field == 0 && self.has_zero() {
            // Only subnormals are finite.
            self.smallest_exponent() + self.max_magnitude().ilog2() as i32
        } else {
            field as i32 - self.bias()
        }
    }

    /// The smallest positive value of full precision; `None` where all finite values are subnormal.
    #[must_use]
    pub const fn smallest_normal(self) -> Option<f64> {
        let magnitude = (self.has_zero() as u32) << self.fraction_bits;
        if magnitude > self.max_magnitude() { None } else { Some(self.decode(magnitude)) }
    }

    /// Whether every value is an `f64`: in all formats but those of P3109 with more than 11 bits of exponent.
    #[must_use]
    #[inline]
    pub const fn fits_f64(self) -> bool {
        self.fits(53, -1074, 1023)
    }

    /// Whether every value has at most `precision` digits, no digit below `2^least` and none above `2^most`.
    pub(crate) const fn fits(self, precision: u32, least: i32, most: i32) -> bool {
        self.fraction_bits() < precision
            && self.smallest_exponent() >= least
            && self.largest_exponent() <= most
    }
}
