//! What an operand of a machine is, and what its codes stand for.

use std::fmt;

use fewbit_formats::Format;

use super::MachineError;
use crate::accumulate::Datapath;
use crate::accumulate::datapath::Unit;
use crate::reference::{Addend, Value, flushed};

/// An operand's elements: codes of a format, alone or under a block scale that has a format too.
///
/// ```
/// use fewbit::formats::Format;
/// use fewbit::machine::OperandFormat;
/// assert_eq!(OperandFormat::from(Format::E4M3FN).to_string(), "e4m3fn");
/// assert_eq!(OperandFormat::scaled(Format::E2M1FN, Format::E8M0FNU).to_string(), "e2m1fn scaled by e8m0fnu");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OperandFormat {
    /// The format of an element.
    pub format: Format,
    /// The format of its block's scale.
    pub scale: Option<Format>,
}

impl From<Format> for OperandFormat {
    fn from(format: Format) -> Self {
        Self { format, scale: None }
    }
}

impl OperandFormat {
    /// Elements of `format` under scales of `scale`.
    pub const fn scaled(format: Format, scale: Format) -> Self {
        Self { format, scale: Some(scale) }
    }

    /// Whether all values are integers, and no scale makes them anything else.
    pub(super) fn is_integer(self) -> bool {
        let integers = matches!(self.format, Format::Int(_) | Format::Binary | Format::Ternary);
        integers && self.scale.is_none()
    }
}

impl fmt::Display for OperandFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scale {
            None => self.format.fmt(f),
            Some(scale) => write!(f, "{} scaled by {scale}", self.format),
        }
    }
}

/// The value of a code.
pub(super) fn decode(format: Format, code: u32) -> Result<f64, MachineError> {
    let value = format.decode(code);
    if u64::from(code) >= format.code_count() || value.is_nan() && !format.has_nan() {
        return Err(MachineError::Code { code, format, bits: format.bits() });
    }
    Ok(value)
}

fn addend(format: Format, code: u32) -> Result<Addend, MachineError> {
    Ok(Addend::new(Value::from_f64(decode(format, code)?), Some(format)))
}

/// What a unit does with subnormal operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subnormals {
    Keep,
    /// They count as zero.
    Flush,
}

impl Subnormals {
    pub(super) fn of(unit: Option<&Datapath>) -> Self {
        match unit.map(|datapath| datapath.unit) {
            Some(Unit::Cdna2 | Unit::Vdpbf16ps) => Self::Flush,
            _ => Self::Keep,
        }
    }

    /// What a code, under the code of its scale, gives to its product.
    pub(super) fn addend(
        self,
        element: OperandFormat,
        code: u32,
        scale: Option<u32>,
    ) -> Result<Addend, MachineError> {
        let plain = addend(element.format, code)?;
        let scaled = match (element.scale, scale) {
            (Some(format), Some(code)) => plain.scaled(&addend(format, code)?),
            _ => plain,
        };
        Ok(match self {
            Self::Keep => scaled,
            Self::Flush => flushed(scaled, element.format),
        })
    }
}

/// Whether the unit takes these operands, each for itself.
pub(super) fn check(unit: &Datapath, elements: [OperandFormat; 2]) -> Result<(), MachineError> {
    let scale = unit.scales.map(|scales| scales.format);
    for element in elements {
        if unit.operands.contains(&element.format) && element.scale == scale {
            continue;
        }
        let formats: Vec<String> = unit
            .operands
            .iter()
            .map(|&format| OperandFormat { format, scale }.to_string())
            .collect();
        return Err(MachineError::Operands {
            preset: unit.to_string(),
            expected: formats.join(", "),
            found: element.to_string(),
        });
    }
    Ok(())
}
