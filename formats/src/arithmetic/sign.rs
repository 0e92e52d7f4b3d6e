//! Signs: operations that never round.

use crate::float::FloatFormat;
use crate::format::Format;
use crate::real::Real;

impl Real {
    /// The value, NaN included, of the opposite sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        self.with_sign(!self.is_negative())
    }

    /// The magnitude.
    #[must_use]
    pub const fn magnitude(self) -> Self {
        self.with_sign(false)
    }
}

impl Format {
    /// The code of the negative of a code, exactly and without flags; `None` where the format does not have it.
    ///
    /// Floats change their sign bit, that of a NaN too; the one NaN or zero of a format stays. Integers have no
    /// negative of the least one, unsigned formats of zero alone. NaR, and a code that stands for nothing, stay.
    ///
    /// ```
    /// use fewbit_formats::Format;
    /// assert_eq!(Format::E4M3FN.negate(0x38), Some(0xb8));
    /// assert_eq!(Format::E4M3FNUZ.negate(0x00), Some(0x00));
    /// assert_eq!(Format::INT8.negate(0x80), None);
    /// assert_eq!(Format::POSIT8.negate(0x40), Some(0xc0));
    /// ```
    #[must_use]
    pub const fn negate(self, code: u32) -> Option<u32> {
        let mask = (self.code_count() - 1) as u32;
        let code = code & mask;
        let complement = code.wrapping_neg() & mask;
        match self {
            Self::Float(float) => negate_float(float, code),
            Self::Binary => Some(code ^ 1),
            // Zero and NaN are each other's codes with the sign changed.
            Self::HiF8 if code & 0x7f == 0 => Some(code),
            Self::HiF8 => Some(code ^ 0x80),
            Self::Ternary | Self::Posit(_) | Self::Takum(_) => Some(complement),
            Self::Int(_) | Self::Fixed(_) if !self.is_signed() => {
                if code == 0 {
                    Some(0)
                } else {
                    None
                }
            }
            // Besides zero's only the least code is its own complement; in a narrow range it stands for nothing.
            Self::Int(_) | Self::Fixed(_) => {
                let least = code == complement && code != 0;
                if least && !self.decode(code).is_nan() { None } else { Some(complement) }
            }
        }
    }

    /// The code of the magnitude of a code, exactly and without flags; `None` where the format does not have it.
    ///
    /// ```
    /// use fewbit_formats::Format;
    /// assert_eq!(Format::E2M1FN.absolute(0xb), Some(0x3));
    /// assert_eq!(Format::INT4.absolute(0x8), None);
    /// ```
    #[must_use]
    pub const fn absolute(self, code: u32) -> Option<u32> {
        let negative = match self {
            Self::Float(float) => code & float.sign_mask() != 0,
            _ => self.decode(code) < 0.0,
        };
        if negative { self.negate(code) } else { Some(code & (self.code_count() - 1) as u32) }
    }
}

/// See [`Format::negate`].
const fn negate_float(float: FloatFormat, code: u32) -> Option<u32> {
    let magnitude = code & float.magnitude_mask();
    if magnitude == 0 && float.has_zero() && !float.has_negative_zero() {
        // Zero, or the NaN at negative zero.
        return Some(code);
    }
    if float.is_signed() {
        Some(code ^ float.sign_mask())
    } else if float.is_nan(code) {
        Some(code)
    } else {
        None
    }
}
