//! All that the table and the codes say about one format.

use fewbit_formats::{Format, NanCodes, Stack};
use serde::{Serialize, Serializer};

use crate::error::CliError;

/// One format.
#[derive(Serialize)]
pub(super) struct Description {
    pub(super) name: String,
    pub(super) description: &'static str,
    pub(super) bits: u32,
    pub(super) signed: bool,
    pub(super) exponent_bits: Option<u32>,
    pub(super) fraction_bits: Option<i32>,
    pub(super) bias: Option<i32>,
    pub(super) max: Number,
    pub(super) min: Number,
    pub(super) smallest_normal: Option<Number>,
    pub(super) smallest_positive: Number,
    pub(super) zero: bool,
    pub(super) infinity: bool,
    pub(super) nan: &'static str,
    pub(super) names: Vec<Name>,
    pub(super) source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) codes: Option<Vec<Code>>,
}

/// A name in another stack.
#[derive(Serialize)]
pub(super) struct Name {
    pub(super) stack: &'static str,
    pub(super) name: &'static str,
}

/// A code and its value.
#[derive(Serialize)]
pub(super) struct Code {
    pub(super) code: u32,
    pub(super) value: Number,
}

/// A value that JSON writes as a number where it has one, and as a string where it has not.
#[derive(Clone, Copy)]
pub(super) struct Number(pub(super) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            serializer.serialize_f64(self.0)
        } else {
            serializer.serialize_str(&self.to_string())
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let magnitude = self.0.abs();
        if self.0.is_nan() {
            f.pad(if self.0.is_sign_negative() { "-nan" } else { "nan" })
        } else if magnitude == 0.0 || magnitude.is_infinite() || (1e-5..1e12).contains(&magnitude) {
            f.pad(&format!("{}", self.0))
        } else {
            f.pad(&format!("{:e}", self.0))
        }
    }
}

/// The widest format whose codes are listed.
const LISTED_BITS: u32 = 16;

pub(super) fn codes(format: Format) -> Result<Vec<Code>, CliError> {
    let bits = format.bits();
    if bits > LISTED_BITS {
        return Err(CliError::Arguments(format!(
            "{format} has 2^{bits} codes: --codes lists formats of up to {LISTED_BITS} bits"
        )));
    }
    Ok((0..1u32 << bits).map(|code| Code { code, value: Number(format.decode(code)) }).collect())
}

pub(super) fn describe(format: Format, codes: Option<Vec<Code>>) -> Description {
    let row = format.row();
    let (exponent_bits, fraction_bits, bias) = match format {
        Format::Float(float) => {
            (Some(float.exponent_bits()), Some(float.fraction_bits() as i32), Some(float.bias()))
        }
        Format::Fixed(fixed) => (None, Some(fixed.fraction_bits()), None),
        _ => (None, None, None),
    };
    let names = row.map_or(&[][..], |row| row.aliases).iter();
    Description {
        name: format.to_string(),
        description: row.map_or("custom format", |row| row.description),
        bits: format.bits(),
        signed: format.is_signed(),
        exponent_bits,
        fraction_bits,
        bias,
        max: Number(format.max_finite()),
        min: Number(format.min_finite()),
        smallest_normal: format.smallest_normal().map(Number),
        smallest_positive: Number(format.smallest_positive()),
        zero: format.has_zero(),
        infinity: format.has_infinity(),
        nan: nan(format),
        names: names.map(|alias| Name { stack: stack(alias.stack), name: alias.name }).collect(),
        source: row.map_or("the grammar of custom formats", |row| row.source),
        codes,
    }
}

fn nan(format: Format) -> &'static str {
    match format {
        Format::Float(float) => match float.nan_codes() {
            NanCodes::None => "none",
            NanCodes::TopExponent => "exponent all ones",
            NanCodes::TopMagnitude => "all ones",
            NanCodes::NegativeZero => "negative zero",
        },
        _ => "none",
    }
}

fn stack(stack: Stack) -> &'static str {
    match stack {
        Stack::Llvm => "LLVM",
        Stack::Ocp => "OCP",
        Stack::MlDtypes => "ml_dtypes",
        Stack::Torch => "PyTorch",
        Stack::Gguf => "GGUF",
        Stack::Ieee => "IEEE",
        Stack::Ptx => "PTX",
        Stack::Hls => "HLS",
        Stack::Common => "usual",
    }
}
