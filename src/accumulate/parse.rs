//! The text form of accumulators.

use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;

use fewbit_formats::{Format, Rounding};
use thiserror::Error;

use super::datapath::UnknownDatapath;
use super::near::near;
use super::{Accumulator, Datapath, Register, RegisterOverflow, Stage};

/// Why a text or a list of stages is not an accumulator.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AccumulatorError {
    /// No stage at all.
    #[error("an accumulator needs at least one stage, such as `int16-sat`")]
    Empty,
    /// A register that the grammar does not have.
    #[error(
        "`{0}` is not a register: expected int<P>-wrap, int<P>-sat, exact, <float>[-<rounding>] or \
         aligned<F>[-<rounding>][:<float>[-<rounding>]] or preset:<name>"
    )]
    Register(String),
    /// Almost a register: the grammar has one that was probably meant.
    #[error("`{text}` is not a register: did you mean {meant}?")]
    Near {
        /// What was written.
        text: String,
        /// What the grammar has instead.
        meant: String,
    },
    /// A register width out of range.
    #[error("an integer register of {0} bits is outside the supported widths of 2 to 64 bits")]
    Bits(u64),
    /// Fraction bits out of range.
    #[error("aligned{0} keeps more than the 64 fraction bits that are supported")]
    FractionBits(u64),
    /// A `*width` or `/count` that is not a positive integer.
    #[error("`{text}` in `{stage}` must be a positive integer")]
    Number {
        /// The offending number.
        text: String,
        /// The stage that it stands in.
        stage: String,
    },
    /// An inner stage that never hands on.
    #[error(
        "stage `{0}` is not the last one, so it needs `/<count>`: how many inputs it sums before it hands on"
    )]
    MissingCount(String),
    /// A last stage that hands on to nobody.
    #[error(
        "stage `{0}` is the last one, so it cannot have `/<count>`: there is no stage to hand its value on to"
    )]
    LastCount(String),
    /// A machine that the table does not have.
    #[error(transparent)]
    Datapath(#[from] UnknownDatapath),
    /// A format that cannot be a register.
    #[error("`{0}` cannot be a register: a float register is a signed floating-point format")]
    NotAFloat(String),
}

pub(super) fn validate(stages: &[Stage]) -> Result<(), AccumulatorError> {
    let Some((last, inner)) = stages.split_last() else {
        return Err(AccumulatorError::Empty);
    };
    if let Some(stage) = inner.iter().find(|s| s.count.is_none()) {
        return Err(AccumulatorError::MissingCount(stage.to_string()));
    }
    if last.count.is_some() {
        return Err(AccumulatorError::LastCount(last.to_string()));
    }
    for stage in stages {
        match stage.register {
            Register::Int { bits, .. } if !(2..=64).contains(&bits) => {
                return Err(AccumulatorError::Bits(bits.into()));
            }
            Register::Aligned { fraction_bits, .. } if fraction_bits > 64 => {
                return Err(AccumulatorError::FractionBits(fraction_bits.into()));
            }
            Register::Float { format, .. } | Register::Aligned { format, .. }
                if !matches!(format, Format::Float(_)) || !format.is_signed() =>
            {
                return Err(AccumulatorError::NotAFloat(format.to_string()));
            }
            _ => {}
        }
    }
    Ok(())
}

impl FromStr for Accumulator {
    type Err = AccumulatorError;

    fn from_str(text: &str) -> Result<Self, AccumulatorError> {
        if text.trim().is_empty() {
            return Err(AccumulatorError::Empty);
        }
        Self::new(text.split(',').map(|s| s.trim().parse()).collect::<Result<_, _>>()?)
    }
}

impl FromStr for Stage {
    type Err = AccumulatorError;

    fn from_str(text: &str) -> Result<Self, AccumulatorError> {
        let number =
            |part: &str| AccumulatorError::Number { text: part.into(), stage: text.into() };
        let (rest, count) = match text.split_once('/') {
            Some((rest, count)) => {
                let positive = parse_digits(count).and_then(NonZeroU64::new);
                (rest, Some(positive.ok_or_else(|| number(count))?))
            }
            None => (text, None),
        };
        let (register, width) = match rest.split_once('*') {
            Some((register, width)) => {
                let positive = parse_digits(width).and_then(|n| n.try_into().ok());
                let positive = positive.and_then(NonZeroU32::new);
                (register, Some(positive.ok_or_else(|| number(width))?))
            }
            None => (rest, None),
        };
        let register: Register = register.parse()?;
        Ok(Self { register, width: width.unwrap_or(register.default_width()), count })
    }
}

impl FromStr for Register {
    type Err = AccumulatorError;

    fn from_str(text: &str) -> Result<Self, AccumulatorError> {
        let unknown = || near(text).unwrap_or_else(|| AccumulatorError::Register(text.into()));
        if text == "exact" {
            return Ok(Self::Exact);
        }
        if let Some(name) = text.strip_prefix("preset:") {
            return Ok(Self::Datapath(Datapath::find(name)?));
        }
        if let Some(rest) = text.strip_prefix("aligned") {
            return parse_aligned(rest).ok_or_else(unknown);
        }
        if let Some((digits, overflow)) = text.strip_prefix("int").and_then(|t| t.split_once('-')) {
            let overflow = match overflow {
                "wrap" => RegisterOverflow::Wrap,
                "sat" => RegisterOverflow::Saturate,
                _ => return Err(unknown()),
            };
            let bits = parse_digits(digits).ok_or_else(unknown)?;
            let bits = u32::try_from(bits).map_err(|_| AccumulatorError::Bits(bits))?;
            return Ok(Self::Int { bits, overflow });
        }
        let (format, rounding) = parse_float(text, Rounding::TiesEven).ok_or_else(unknown)?;
        Ok(Self::Float { format, rounding })
    }
}

/// `<F>[-<rounding>][:<float>[-<rounding>]]`
fn parse_aligned(text: &str) -> Option<Register> {
    let (head, result) = match text.split_once(':') {
        Some((head, result)) => (head, Some(result)),
        None => (text, None),
    };
    let (digits, alignment) = match head.split_once('-') {
        Some((digits, rounding)) => (digits, rounding.parse().ok()?),
        None => (head, Rounding::TowardZero),
    };
    let fraction_bits = u32::try_from(parse_digits(digits)?).ok()?;
    let (format, rounding) = parse_float(result.unwrap_or("f32"), Rounding::TiesEven)?;
    Some(Register::Aligned { fraction_bits, alignment, format, rounding })
}

/// `<float>[-<rounding>]`; a rounding's own name may hold a hyphen.
fn parse_float(text: &str, default: Rounding) -> Option<(Format, Rounding)> {
    let (format, rounding) = match text.split_once('-') {
        Some((format, rounding)) => (format, rounding.parse().ok()?),
        None => (text, default),
    };
    let format = format.parse().ok().filter(|format| matches!(format, Format::Float(_)))?;
    Some((format, rounding))
}

/// Digits alone: no sign, no blanks.
fn parse_digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
