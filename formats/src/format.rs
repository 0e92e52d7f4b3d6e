//! Any scalar format, chosen at run time.

use crate::encoded::Encoded;
use crate::error::{EncodeError, FormatError};
use crate::float::{FloatFormat, Signedness};
use crate::integer::{FixedFormat, IntFormat, IntRange, encode_units};
use crate::named::Excerpt;
use crate::policy::{InfinityPolicy, NanPolicy, Policy, SubnormalInput};
use crate::real::{Class, Real};
use crate::status::Status;
use crate::table::{FormatRow, TABLE};
use crate::tapered::{PositFormat, TakumFormat, hif8};
use core::fmt;
use core::str::FromStr;

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
const TERNARY: IntFormat = IntFormat::row(2, Signedness::Signed, IntRange::Narrow);

impl Format {
    /// The rows of the table of formats, in the order in which they are listed.
    #[must_use]
    pub const fn table() -> &'static [FormatRow] {
        TABLE
    }

    /// The row of the table that describes this format, if there is one.
    #[must_use]
    pub fn row(self) -> Option<&'static FormatRow> {
        TABLE.iter().find(|row| row.format == self)
    }

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

    /// The code of a value under a policy, and what happened to the value.
    ///
    /// The value is rounded once, as though the format had no largest value; then the overflow policy looks at the
    /// rounded value. `random` supplies the bits of stochastic rounding, in its low end
    /// ([`philox::bits`](crate::philox::bits)); other modes ignore it.
    ///
    /// # Errors
    ///
    /// NaN or infinity where the policy refuses them; an overflow policy that has no meaning for the format.
    #[inline]
    pub fn encode(
        self,
        x: impl Into<Real>,
        policy: &Policy,
        random: u32,
    ) -> Result<Encoded, EncodeError> {
        self.encode_real(x.into(), policy, random)
    }

    /// [`Format::encode`], usable in constants.
    ///
    /// Always inlined, with all that it calls: where format and policy are constants, their cases are decided by the
    /// compiler, and a loop over values is left with the arithmetic of one format.
    ///
    /// # Errors
    ///
    /// As [`Format::encode`].
    #[inline(always)]
    pub const fn encode_real(
        self,
        x: Real,
        policy: &Policy,
        random: u32,
    ) -> Result<Encoded, EncodeError> {
        match self {
            Self::Float(float) => float.encode(x, policy, random),
            Self::Int(int) => int.encode(x, policy, random),
            Self::Fixed(fixed) => fixed.encode(x, policy, random),
            Self::Binary => encode_binary(x, policy),
            Self::Ternary => encode_units(x, TERNARY, 0, self, policy, random),
            Self::Posit(posit) => posit.encode(x, policy, random),
            Self::Takum(takum) => takum.encode(x, policy, random),
            Self::HiF8 => hif8::encode(x, policy, random),
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

/// The sign of a value; that of zero, of either sign, is +1.
const fn encode_binary(x: Real, policy: &Policy) -> Result<Encoded, EncodeError> {
    let flushed = matches!(policy.subnormal_input, SubnormalInput::Flush);
    let (positive, status) = match x.class() {
        Class::Infinite if matches!(policy.infinity, InfinityPolicy::Error) => {
            return Err(EncodeError::Infinity { format: Format::Binary });
        }
        Class::Infinite if !matches!(policy.infinity, InfinityPolicy::Nan) => {
            (!x.is_negative(), Status::INVALID)
        }
        Class::Nan | Class::Infinite => match policy.nan {
            NanPolicy::Error => return Err(EncodeError::Nan { format: Format::Binary }),
            NanPolicy::Smallest => (false, Status::INVALID),
            NanPolicy::Zero
            | NanPolicy::NegativeZero
            | NanPolicy::MlDtypes
            | NanPolicy::Largest => (true, Status::INVALID),
        },
        Class::Zero => (true, Status::INEXACT),
        Class::Subnormal if flushed => (true, Status::INEXACT),
        Class::Subnormal | Class::Normal => {
            let one = x.exponent() == 0 && x.significand() == 1 << 63;
            (!x.is_negative(), Status::INEXACT.when(!one))
        }
    };
    Ok(Encoded { code: positive as u32, status })
}

impl fmt::Display for Format {
    /// The table's name where there is one, else the name by pattern.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(row) = self.row() {
            return f.pad(row.name);
        }
        match self {
            Self::Float(float) => float.fmt(f),
            Self::Int(int) => int.fmt(f),
            Self::Fixed(fixed) => fixed.fmt(f),
            Self::Binary => f.pad("binary"),
            Self::Ternary => f.pad("ternary"),
            Self::Posit(posit) => posit.fmt(f),
            Self::Takum(takum) => takum.fmt(f),
            Self::HiF8 => f.pad("hif8"),
        }
    }
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(row) = TABLE.iter().find(|row| row.is_named(text)) {
            return Ok(row.format);
        }
        let name = Excerpt::new(text);
        let lower = name.to_ascii_lowercase();
        let lower = lower.as_str();
        let float = || FloatFormat::parse(lower).map(|parsed| parsed.map(Self::Float));
        let int = || IntFormat::parse(lower).map(|parsed| parsed.map(Self::Int));
        let fixed = || FixedFormat::parse(lower).map(|parsed| parsed.map(Self::Fixed));
        if lower.len() < text.len() {
            return Err(FormatError::Unknown(name));
        }
        let posit = || PositFormat::parse(lower).map(|parsed| parsed.map(Self::Posit));
        let takum = || TakumFormat::parse(lower).map(|parsed| parsed.map(Self::Takum));
        let any = float().or_else(int).or_else(fixed).or_else(posit).or_else(takum);
        any.unwrap_or(Err(FormatError::Unknown(name)))
    }
}
