//! Any scalar format, chosen at run time.

use crate::float::{FloatFormat, Signedness};
use crate::integer::{FixedFormat, IntFormat, IntRange};
use crate::real::Real;
use crate::tapered::{PositFormat, TakumFormat, hif8};

/// A scalar number format: what each code stands for, and which code a value gets.
///
/// It is read and printed by name; `parse` understands the names of other stacks too, `Display` prints the table's.
///
/// ```
/// use fewbit_formats::{Format, Overflow, Policy, Rounding};
/// let format: Format = "float8_e4m3fn".parse().unwrap();
/// assert_eq!(format, Format::E4M3FN);
/// assert_eq!(format.to_string(), "e4m3fn");
/// assert_eq!(format.decode(0b0_1000_100), 3.0); // 1.5 * 2^(8-7)
/// let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
/// assert_eq!(format.encode(3.1f32, &policy, 0).unwrap().code, 0b0_1000_100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// Binary floating point.
    Float(FloatFormat),
    /// Two's complement or unsigned integer.
    Int(IntFormat),
    /// Fixed point.
    Fixed(FixedFormat),
    /// -1 (code 0) and +1 (code 1); zero becomes +1.
    Binary,
    /// -1, 0, +1 in two bits of two's complement; code 2 stands for nothing and decodes to NaN.
    Ternary,
    /// Posit with two exponent bits.
    Posit(PositFormat),
    /// Linear takum.
    Takum(TakumFormat),
    /// HiF8, a tapered 8-bit float with infinities and one NaN.
    HiF8,
}

/// The range of [`Format::Ternary`].
pub(crate) const TERNARY: IntFormat = IntFormat::row(2, Signedness::Signed, IntRange::Narrow);

impl Format {
    /// Bits of a code, 1 to 32.
    #[must_use]
    #[inline]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Float(float) => float.bits(),
            Self::Int(int) => int.bits(),
            Self::Fixed(fixed) => fixed.integer().bits(),
            Self::Binary => 1,
            Self::Ternary => TERNARY.bits(),
            Self::Posit(posit) => posit.bits(),
            Self::Takum(takum) => takum.bits(),
            Self::HiF8 => 8,
        }
    }

    /// How many codes there are: 2^bits.
    #[must_use]
    pub const fn code_count(self) -> u64 {
        1 << self.bits()
    }

    /// The value of a code; bits above the format's width are ignored. A NaN keeps its sign; a code that stands for
    /// nothing gives NaN.
    ///
    /// It is exact, but for P3109's formats of more than 11 bits of exponent: what lies beyond `f64` there is rounded to
    /// it, and [`Format::decode_real`] is exact.
    #[must_use]
    #[inline]
    pub const fn decode(self, code: u32) -> f64 {
        match self {
            Self::Float(float) => float.decode(code),
            Self::Int(int) => int.decode(code),
            Self::Fixed(fixed) => fixed.decode(code),
            Self::Binary => (code & 1) as f64 * 2.0 - 1.0,
            Self::Ternary => TERNARY.decode(code),
            Self::Posit(posit) => posit.decode(code),
            Self::Takum(takum) => takum.decode(code),
            Self::HiF8 => hif8::decode(code),
        }
    }

    /// The exact value of a code as an operand of arithmetic, or to be encoded in another format.
    ///
    /// It tells what [`Format::decode`] cannot: values beyond `f64`; whether a NaN of an IEEE-like float is signaling, and
    /// its payload; and whether a value is subnormal in this format.
    ///
    /// ```
    /// use fewbit_formats::{Class, Format, HexFloat};
    /// let format: Format = "binary16p1uf".parse().unwrap();
    /// assert_eq!(format.decode(1), 0.0); // too small for an f64
    /// assert_eq!(HexFloat(format.decode_real(1)).to_string(), "0x1p-32767");
    /// assert_eq!(Format::E4M3FN.decode_real(0x04).class(), Class::Subnormal); // 2^-7
    /// assert!(Format::F16.decode_real(0x7c01).is_signaling());
    /// ```
    #[must_use]
    #[inline]
    pub const fn decode_real(self, code: u32) -> Real {
        match self {
            Self::Float(float) => float.decode_real(code),
            Self::HiF8 => hif8::decode_real(code),
            // Every other format's values are f64.
            _ => Real::from_f64(self.decode(code)),
        }
    }

    /// Whether the value of every code is an `f64`.
    #[must_use]
    pub const fn fits_f64(self) -> bool {
        match self {
            Self::Float(float) => float.fits_f64(),
            _ => true,
        }
    }

    /// The value of a code as an `f32`, if it is one exactly. See [`Format::fits_f32`].
    #[must_use]
    pub const fn decode_f32(self, code: u32) -> Option<f32> {
        let value = self.decode(code);
        let narrow = value as f32;
        if value.is_nan() || narrow as f64 == value { Some(narrow) } else { None }
    }

    /// Whether the value of every code is an `f32`.
    #[must_use]
    pub const fn fits_f32(self) -> bool {
        match self {
            Self::Float(float) => float.fits(24, -149, 127),
            Self::Int(int) => int.bits() - int.is_signed() as u32 <= 24,
            Self::Fixed(fixed) => {
                let (int, fraction) = (fixed.integer(), fixed.fraction_bits());
                let digits = (int.bits() - int.is_signed() as u32) as i32;
                // The last digit, and the power of two at the negative end.
                digits <= 24 && fraction <= 149 && digits - fraction <= 127
            }
            Self::Binary | Self::Ternary | Self::HiF8 => true,
            Self::Posit(posit) => posit.fits_f32(),
            Self::Takum(takum) => takum.fits_f32(),
        }
    }

    /// The largest finite value.
    #[must_use]
    pub const fn max_finite(self) -> f64 {
        match self {
            Self::Float(float) => float.decode(float.max_magnitude()),
            Self::Int(int) => int.max() as f64,
            Self::Fixed(fixed) => fixed.decode(fixed.integer().code(fixed.integer().max())),
            Self::Binary | Self::Ternary => 1.0,
            Self::Posit(_) | Self::Takum(_) => self.decode((1 << (self.bits() - 1)) - 1),
            Self::HiF8 => hif8::max_finite(),
        }
    }

    /// The smallest finite value, negative where the format is signed.
    #[must_use]
    pub const fn min_finite(self) -> f64 {
        match self {
            Self::Float(float) if float.is_signed() => -self.max_finite(),
            Self::Float(float) => float.decode(0),
            Self::Int(int) => int.min() as f64,
            Self::Fixed(fixed) => fixed.decode(fixed.integer().code(fixed.integer().min())),
            Self::Binary | Self::Ternary => -1.0,
            Self::Posit(_) | Self::Takum(_) | Self::HiF8 => -self.max_finite(),
        }
    }

    /// The smallest value above zero; NaN where there is none (`int1`).
    #[must_use]
    pub const fn smallest_positive(self) -> f64 {
        match self {
            Self::Float(float) => float.decode(float.has_zero() as u32),
            Self::Int(int) if int.max() < 1 => f64::NAN,
            Self::Fixed(fixed) if fixed.integer().max() < 1 => f64::NAN,
            Self::Fixed(fixed) => fixed.decode(1),
            Self::Int(_) | Self::Binary | Self::Ternary => 1.0,
            Self::Posit(_) | Self::Takum(_) | Self::HiF8 => self.decode(1),
        }
    }

    /// The smallest positive value of full precision, where the format has subnormal ones below it or could have;
    /// `None` in every other format, and in floats of subnormal values alone.
    #[must_use]
    pub const fn smallest_normal(self) -> Option<f64> {
        match self {
            Self::Float(float) => float.smallest_normal(),
            Self::HiF8 => Some(hif8::smallest_normal()),
            _ => None,
        }
    }

    /// Whether the format has infinities.
    #[must_use]
    pub const fn has_infinity(self) -> bool {
        match self {
            Self::Float(float) => float.has_infinity(),
            Self::HiF8 => true,
            _ => false,
        }
    }

    /// Whether the format has a NaN.
    #[must_use]
    pub const fn has_nan(self) -> bool {
        match self {
            Self::Float(float) => float.has_nan(),
            Self::Posit(_) | Self::Takum(_) | Self::HiF8 => true,
            Self::Int(_) | Self::Fixed(_) | Self::Binary | Self::Ternary => false,
        }
    }

    /// Whether the format has a zero.
    #[must_use]
    pub const fn has_zero(self) -> bool {
        match self {
            Self::Float(float) => float.has_zero(),
            Self::Binary => false,
            Self::Int(_) | Self::Fixed(_) | Self::Ternary => true,
            Self::Posit(_) | Self::Takum(_) | Self::HiF8 => true,
        }
    }

    /// Whether the format has negative values.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        match self {
            Self::Float(float) => float.is_signed(),
            Self::Int(int) => int.is_signed(),
            Self::Fixed(fixed) => fixed.integer().is_signed(),
            Self::Binary | Self::Ternary => true,
            Self::Posit(_) | Self::Takum(_) | Self::HiF8 => true,
        }
    }
}
