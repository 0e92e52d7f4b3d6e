//! `fewbit formats`: the table of formats, or all about one of them.

use fewbit_formats::{Format, NanCodes, Stack};
use serde::{Serialize, Serializer};

use crate::error::{CliError, Outcome};
use crate::options::FormArgs;
use crate::output::{self, Form};

const EXAMPLES: &str = "\
Examples:
  fewbit formats                    every named format
  fewbit formats e4m3fn             one format
  fewbit formats e2m1fn --codes     and the value of each of its codes
  fewbit formats e5m3b20fn          a custom one: e<X>m<Y>[b<bias>][fn|fnuz|fin][u]";

/// Arguments of `fewbit formats`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// One format, by any of its names
    #[arg(value_name = "NAME")]
    name: Option<Format>,
    /// List the value of every code, up to 16 bits
    #[arg(long, requires = "name")]
    codes: bool,
    #[command(flatten)]
    form: FormArgs,
}

/// One format.
#[derive(Serialize)]
struct Description {
    name: String,
    description: &'static str,
    bits: u32,
    signed: bool,
    exponent_bits: Option<u32>,
    fraction_bits: Option<i32>,
    bias: Option<i32>,
    max: Number,
    min: Number,
    smallest_normal: Option<Number>,
    smallest_positive: Number,
    zero: bool,
    infinity: bool,
    nan: &'static str,
    names: Vec<Name>,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    codes: Option<Vec<Code>>,
}

/// A name in another stack.
#[derive(Serialize)]
struct Name {
    stack: &'static str,
    name: &'static str,
}

/// A code and its value.
#[derive(Serialize)]
struct Code {
    code: u32,
    value: Number,
}

/// A value that JSON writes as a number where it has one, and as a string where it has not.
#[derive(Clone, Copy)]
struct Number(f64);

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

/// Prints.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let form = args.form.form();
    let text = match (args.name, form) {
        (None, Form::Json) => {
            let all: Vec<_> =
                Format::table().iter().map(|row| describe(row.format, None)).collect();
            output::json(&all)?
        }
        (None, Form::Text) => list(),
        (Some(format), form) => {
            let description = describe(format, args.codes.then(|| codes(format)).transpose()?);
            match form {
                Form::Json => output::json(&description)?,
                Form::Text => one(&description),
            }
        }
    };
    output::print(&text)?;
    Ok(Outcome::Done)
}

/// The widest format whose codes are listed.
const LISTED_BITS: u32 = 16;

fn codes(format: Format) -> Result<Vec<Code>, CliError> {
    let bits = format.bits();
    if bits > LISTED_BITS {
        return Err(CliError::Arguments(format!(
            "{format} has 2^{bits} codes: --codes lists formats of up to {LISTED_BITS} bits"
        )));
    }
    Ok((0..1u32 << bits).map(|code| Code { code, value: Number(format.decode(code)) }).collect())
}

fn describe(format: Format, codes: Option<Vec<Code>>) -> Description {
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

fn list() -> String {
    let titles = [
        "name",
        "bits",
        "bias",
        "max",
        "min",
        "normal from",
        "positive from",
        "inf",
        "nan",
        "description",
    ];
    let mut table = output::numbers(&titles);
    for row in Format::table() {
        let d = describe(row.format, None);
        table.add_row([
            d.name,
            d.bits.to_string(),
            d.bias.map_or("".into(), |bias| bias.to_string()),
            d.max.to_string(),
            d.min.to_string(),
            d.smallest_normal.map_or("".into(), |value| value.to_string()),
            d.smallest_positive.to_string(),
            if d.infinity { "yes" } else { "no" }.into(),
            d.nan.into(),
            d.description.into(),
        ]);
    }
    table.to_string()
}

fn one(d: &Description) -> String {
    let optional = |value: Option<String>| value.unwrap_or("none".into());
    let yes = |value: bool| if value { "yes" } else { "no" };
    let mut lines = vec![
        format!("{}: {}", d.name, d.description),
        format!("bits               {}", d.bits),
        format!("exponent bits      {}", optional(d.exponent_bits.map(|n| n.to_string()))),
        format!("fraction bits      {}", optional(d.fraction_bits.map(|n| n.to_string()))),
        format!("bias               {}", optional(d.bias.map(|n| n.to_string()))),
        format!("largest            {}", d.max),
        format!("smallest           {}", d.min),
        format!("smallest normal    {}", optional(d.smallest_normal.map(|n| n.to_string()))),
        format!("smallest positive  {}", d.smallest_positive),
        format!("zero               {}", yes(d.zero)),
        format!("infinities         {}", yes(d.infinity)),
        format!("NaN                {}", d.nan),
    ];
    for name in &d.names {
        lines.push(format!("name in {:<10} {}", name.stack, name.name));
    }
    lines.push(format!("source             {}", d.source));
    if let Some(codes) = &d.codes {
        let mut table = output::numbers(&["code", "hex", "binary", "value"]);
        let (hex, binary) = (d.bits.div_ceil(4) as usize, d.bits as usize);
        for &Code { code, value } in codes {
            table.add_row([
                code.to_string(),
                format!("{code:0hex$x}"),
                format!("{code:0binary$b}"),
                value.to_string(),
            ]);
        }
        lines.push(table.to_string());
    }
    lines.join("\n")
}
