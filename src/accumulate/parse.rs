//! The text form of accumulators.

use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;

use fewbit_formats::{Format, Rounding};

use super::near::near;
use super::{
    Accumulator, AccumulatorError, Datapath, FloatOverflow, Register, RegisterOverflow, Stage,
};

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
        let positive = |part: &str| {
            let positive = parse_digits(part).and_then(|n| n.try_into().ok());
            positive.and_then(NonZeroU32::new).ok_or_else(|| number(part))
        };
        let (rest, interleave) = match rest.split_once('%') {
            Some((rest, registers)) => (rest, positive(registers)?),
            None => (rest, NonZeroU32::MIN),
        };
        let (register, width) = match rest.split_once('*') {
            Some((register, width)) => (register, Some(positive(width)?)),
            None => (rest, None),
        };
        let register: Register = register.parse()?;
        let width = width.unwrap_or(register.default_width());
        Ok(Self { register, width, interleave, count })
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
            return Ok(Self::Datapath(name.parse::<&Datapath>()?));
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
        let (format, rounding, overflow) = parse_float(text).ok_or_else(unknown)?;
        Ok(Self::Float { format, rounding, overflow })
    }
}

/// `<F>[-<rounding>][:<float>[-<rounding>][-sat|-special]]`
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
    let (format, rounding, overflow) = parse_float(result.unwrap_or("f32"))?;
    Some(Register::Aligned { fraction_bits, alignment, format, rounding, overflow })
}

/// `<float>[-<rounding>][-sat|-special]`; a rounding's own name may hold a hyphen.
fn parse_float(text: &str) -> Option<(Format, Rounding, FloatOverflow)> {
    let named =
        |overflow: FloatOverflow| Some((text.strip_suffix(&overflow.to_string())?, overflow));
    let (text, overflow) = named(FloatOverflow::Saturate)
        .or_else(|| named(FloatOverflow::Special))
        .unwrap_or((text, FloatOverflow::Own));
    let (format, rounding) = match text.split_once('-') {
        Some((format, rounding)) => (format, rounding.parse().ok()?),
        None => (text, Rounding::TiesEven),
    };
    let format = format.parse().ok().filter(|format| matches!(format, Format::Float(_)))?;
    Some((format, rounding, overflow))
}

/// Digits alone: no sign, no blanks.
fn parse_digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
