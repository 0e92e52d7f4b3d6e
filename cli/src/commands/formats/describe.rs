//! All that the table and the codes say about one format.

use fewbit_formats::{Class, FloatFormat, Format, HexFloat, NanCodes, Real, Stack};
use serde::{Serialize, Serializer};

use crate::error::CliError;
use crate::output;

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
    /// The value, as a string where it is no `f64`.
    pub(super) value: Number,
    /// The exact value in C's hexadecimal notation.
    pub(super) exact: String,
}

/// A value that JSON writes as a number where it has one, and as a string where it has not.
#[derive(Clone, Copy)]
pub(super) struct Number(pub(super) Real);

impl Number {
    /// The value as an `f64`, where it is one.
    fn as_f64(self) -> Option<f64> {
        let (exact, near) = (self.0, self.0.to_f64());
        let back = Real::from_f64(near);
        let same = (exact.significand(), exact.exponent()) == (back.significand(), back.exponent());
        let finite = !matches!(exact.class(), Class::Infinite | Class::Nan);
        (same || !finite).then_some(near)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self(Real::from_f64(value))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_f64().filter(|value| value.is_finite()) {
            Some(value) => serializer.serialize_f64(value),
            None => serializer.serialize_str(&self.to_string()),
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(value) = self.as_f64() else { return f.pad(&HexFloat(self.0).to_string()) };
        match (value.is_nan(), value.is_sign_negative()) {
            (true, true) => f.pad("-nan"),
            (true, false) => f.pad("nan"),
            (false, _) => f.pad(&output::decimal(value)),
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
    let code = |code| Code {
        code,
        value: Number(format.decode_real(code)),
        exact: HexFloat(format.decode_real(code)).to_string(),
    };
    Ok((0..1u32 << bits).map(code).collect())
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
    // P3109's formats of very wide exponents have values that are no f64.
    let exact = |value: f64, code: fn(FloatFormat) -> u32| match format {
        Format::Float(float) if !float.fits_f64() => Number(float.decode_real(code(float))),
        _ => value.into(),
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
        max: exact(format.max_finite(), |f| f.max_magnitude()),
        min: exact(format.min_finite(), |f| {
            f.sign_mask() | if f.is_signed() { f.max_magnitude() } else { 0 }
        }),
        smallest_normal: format.smallest_normal().map(|x| exact(x, |f| 1 << f.fraction_bits())),
        smallest_positive: exact(format.smallest_positive(), |_| 1),
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
        Format::HiF8 => "negative zero",
        Format::Posit(_) | Format::Takum(_) => "1 followed by zeros",
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
