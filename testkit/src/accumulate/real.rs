//! Real accumulators as the oracle sees them: IEEE-like formats, rounding modes, stages, operands.

use std::fmt;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use super::Overflow;

/// An IEEE-like format of a sign, `exponent_bits` and `fraction_bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealFormat {
    /// Bits of the exponent field.
    pub exponent_bits: u32,
    /// Bits of the fraction field.
    pub fraction_bits: u32,
}

impl RealFormat {
    /// `2^(e-1) - 1`
    pub const fn bias(self) -> i64 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    /// The exponent of the smallest normal value.
    pub const fn min_exponent(self) -> i64 {
        1 - self.bias()
    }

    /// The largest finite value.
    pub fn largest(self) -> BigRational {
        let significand = (BigInt::from(2) << self.fraction_bits) - 1;
        BigRational::from(significand) * power(self.bias() - i64::from(self.fraction_bits))
    }

    /// A finite code's value and exponent, from its fields; zero has no exponent.
    pub fn decode(self, code: u32) -> (BigRational, Option<i64>) {
        let fraction = code & ((1 << self.fraction_bits) - 1);
        let field = (code >> self.fraction_bits) & ((1 << self.exponent_bits) - 1);
        let negative = code >> (self.fraction_bits + self.exponent_bits) & 1 == 1;
        let hidden = if field == 0 { 0 } else { 1 << self.fraction_bits };
        let exponent = i64::from(field.max(1)) - self.bias();
        let magnitude = BigRational::from(BigInt::from(fraction + hidden))
            * power(exponent - i64::from(self.fraction_bits));
        let exponent = (!magnitude.is_zero()).then_some(exponent);
        (if negative { -magnitude } else { magnitude }, exponent)
    }

    /// How many codes are not infinite or NaN and not negative; the same codes with the sign bit are their negatives.
    pub const fn finite_magnitudes(self) -> u32 {
        ((1 << self.exponent_bits) - 1) << self.fraction_bits
    }

    /// The bit of the sign.
    pub const fn sign(self) -> u32 {
        1 << (self.exponent_bits + self.fraction_bits)
    }
}

/// `2^exponent`
pub fn power(exponent: i64) -> BigRational {
    let magnitude = BigInt::from(1) << exponent.unsigned_abs();
    if exponent < 0 { BigRational::new(1.into(), magnitude) } else { magnitude.into() }
}

/// Rounding without chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Mode {
    TiesEven,
    TiesAway,
    TiesZero,
    TowardZero,
    Up,
    Down,
    Away,
    Odd,
}

impl Mode {
    /// All of them, with their short names.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::TiesEven, "rne"),
        (Self::TiesAway, "rna"),
        (Self::TiesZero, "rnz"),
        (Self::TowardZero, "rz"),
        (Self::Up, "ru"),
        (Self::Down, "rd"),
        (Self::Away, "raz"),
        (Self::Odd, "ro"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(mode, _)| *mode == self).map_or("", |(_, name)| name)
    }
}

/// Where a stage sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the grammar of accumulators says it")]
pub enum RealRegister {
    Int(u32, Overflow),
    Exact,
    Float(RealFormat, Mode),
    Aligned { fraction_bits: u32, alignment: Mode, format: RealFormat, rounding: Mode },
}

/// One stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealStage {
    /// The register.
    pub register: RealRegister,
    /// Inputs of one step.
    pub width: usize,
    /// Registers that take turns.
    pub interleave: usize,
    /// Inputs of one tile; `None` for the last stage.
    pub count: Option<usize>,
}

/// A list of stages, innermost first; prints as the text that an accumulator is parsed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealSpec(pub Vec<RealStage>);

/// What an operand's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elements {
    /// Codes of a float.
    Float(RealFormat),
    /// Integers of so many bits, two's complement.
    Int(u32),
}

/// A row-major matrix of codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealMatrix {
    /// What they are codes of.
    pub elements: Elements,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// `rows * cols` finite codes.
    pub codes: Vec<u32>,
}

impl fmt::Display for RealFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}m{}", self.exponent_bits, self.fraction_bits)
    }
}

impl fmt::Display for Elements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(format) => format.fmt(f),
            Self::Int(bits) => write!(f, "int{bits}"),
        }
    }
}

impl fmt::Display for RealSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, stage) in self.0.iter().enumerate() {
            let separator = if index > 0 { "," } else { "" };
            f.write_str(separator)?;
            match stage.register {
                RealRegister::Int(bits, Overflow::Wrap) => write!(f, "int{bits}-wrap")?,
                RealRegister::Int(bits, Overflow::Saturate) => write!(f, "int{bits}-sat")?,
                RealRegister::Exact => f.write_str("exact")?,
                RealRegister::Float(format, mode) => write!(f, "{format}-{}", mode.name())?,
                RealRegister::Aligned { fraction_bits, alignment, format, rounding } => {
                    let (alignment, rounding) = (alignment.name(), rounding.name());
                    write!(f, "aligned{fraction_bits}-{alignment}:{format}-{rounding}")?;
                }
            }
            write!(f, "*{}", stage.width)?;
            if stage.interleave != 1 {
                write!(f, "%{}", stage.interleave)?;
            }
            if let Some(count) = stage.count {
                write!(f, "/{count}")?;
            }
        }
        Ok(())
    }
}
