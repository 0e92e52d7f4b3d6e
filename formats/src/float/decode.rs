//! From codes to values.

use super::{FloatFormat, NanCodes};
use crate::exact::scale_by_power_of_two;
use crate::real::Real;

impl FloatFormat {
    /// The value of a code, rounded to the nearest `f64` where it is none ([`FloatFormat::fits_f64`]); bits above the
    /// format's width are ignored.
    #[must_use]
    #[inline]
    pub const fn decode(self, code: u32) -> f64 {
        if !self.fits_f64() {
            return self.decode_real(code).to_f64();
        }
        let negative = code & self.sign_mask() != 0;
        let magnitude = code & self.magnitude_mask();
        let unsigned = if self.is_nan(code) {
            f64::NAN
        } else if magnitude > self.max_magnitude() {
            f64::INFINITY
        } else {
            self.decode_magnitude(magnitude)
        };
        f64::from_bits(unsigned.to_bits() & !(1 << 63) | (negative as u64) << 63)
    }

    /// The exact value of a code as an operand: subnormal if it is so in this format, and a NaN with its payload;
    /// bits above the format's width are ignored.
    #[must_use]
    #[inline]
    pub const fn decode_real(self, code: u32) -> Real {
        let negative = code & self.sign_mask() != 0;
        let magnitude = code & self.magnitude_mask();
        if self.is_nan(code) {
            return match self.nan {
                NanCodes::TopExponent => Real::nan_with_payload(
                    negative,
                    (magnitude as u64) << (64 - self.fraction_bits),
                ),
                _ => Real::nan(negative),
            };
        }
        if magnitude > self.max_magnitude() {
            return Real::infinity(negative);
        }
        let (significand, exponent) = self.parts(magnitude);
        let value = Real::from_scaled(negative, significand as u128, exponent);
        let normal = (self.has_zero() as u32) << self.fraction_bits;
        if significand != 0 && magnitude < normal { value.as_subnormal() } else { value }
    }

    /// The value of a finite magnitude.
    #[inline]
    const fn decode_magnitude(self, magnitude: u32) -> f64 {
        let (significand, exponent) = self.parts(magnitude);
        scale_by_power_of_two(significand, exponent)
    }

    /// A finite magnitude as `significand * 2^exponent`.
    #[inline]
    const fn parts(self, magnitude: u32) -> (u32, i32) {
        let field = magnitude >> self.fraction_bits;
        let fraction = magnitude & ((1 << self.fraction_bits) - 1);
        if field == 0 && self.has_zero() {
            (fraction, self.min_exponent() - self.fraction_bits as i32)
        } else {
            let significand = 1 << self.fraction_bits | fraction;
            (significand, field as i32 - self.bias() - self.fraction_bits as i32)
        }
    }

    /// Whether a code is NaN.
    #[must_use]
    #[inline]
    pub const fn is_nan(self, code: u32) -> bool {
        let magnitude = code & self.magnitude_mask();
        match self.nan {
            NanCodes::None => false,
            NanCodes::TopExponent => magnitude > self.max_magnitude() + 1,
            NanCodes::TopMagnitude => magnitude == self.magnitude_mask(),
            NanCodes::NegativeZero => magnitude == 0 && code & self.sign_mask() != 0,
        }
    }

    /// Whether a code is infinite.
    #[must_use]
    pub const fn is_infinite(self, code: u32) -> bool {
        self.has_infinity() && code & self.magnitude_mask() == self.max_magnitude() + 1
    }
}
