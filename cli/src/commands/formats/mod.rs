//! `fewbit formats`: the table of formats, all about one of them, or how two differ.

mod describe;
mod diff;

use fewbit_formats::Format;

use crate::error::{CliError, Outcome};
use crate::options::FormArgs;
use crate::output::{self, Form};
use crate::spelling;
use describe::{Code, Description, codes, describe};

const EXAMPLES: &str = "\
Examples:
  fewbit formats                    every named format
  fewbit formats e4m3fn             one format
  fewbit formats e2m1fn --codes     and the value of each of its codes
  fewbit formats e5m3b20fn          a custom one
  fewbit formats --diff e4m3fn e4m3fnuz
                                    two formats side by side; exit code 1 where they differ

Custom formats:
  e<X>m<Y>[b<bias>][fn|fnuz|fin][u]
                    a float of X exponent and Y fraction bits; its infinities and NaNs are
                    those of IEEE 754; fn: no infinities, NaN is all ones where X + Y is 6
                    or more, else there is none; fnuz: NaN at negative zero; fin: none;
                    u: no sign
  int<N>  uint<N>   -2^(N-1) to 2^(N-1) - 1; 0 to 2^N - 1
  int<N>n  uint<N>n narrow range: -(2^(N-1) - 1) to 2^(N-1) - 1; 0 to 2^N - 2
  fix<N>.<F>  ufix<N>.<F>
                    N bits, F of them behind the point
  posit<N>  takum<N>  binary<K>p<P>{s|u}{e|f}";

/// Arguments of `fewbit formats`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// One format, by any of its names
    #[arg(value_name = "NAME", value_parser = spelling::format)]
    name: Option<Format>,
    /// List the value of every code, up to 16 bits
    #[arg(long, requires = "name")]
    codes: bool,
    /// Compare two formats: their properties, the values that only one of them has, the codes of other values
    #[arg(
        long,
        num_args = 2,
        value_names = ["A", "B"],
        conflicts_with_all = ["name", "codes"],
        value_parser = spelling::format
    )]
    diff: Vec<Format>,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// Prints.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    if let [a, b] = args.diff[..] {
        return diff::run(a, b, &args.form);
    }
    let text = match (args.name, args.form.form()) {
        (None, Form::Json) => {
            let all: Vec<_> =
                Format::table().iter().map(|row| describe(row.format, None)).collect();
            output::json(&all)?
        }
        (None, Form::Text) => list(),
        (Some(format), form) => {
            let description = describe(format, args.codes.then(|| codes(format)).transpose()?);
            match form {
                Form::Json => args.form.json(&description, None)?,
                Form::Text => one(&description),
            }
        }
    };
    output::print(&text)?;
    Ok(Outcome::Done)
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
        let mut table = output::numbers(&["code", "hex", "binary", "value", "exact"]);
        let (hex, binary) = (d.bits.div_ceil(4) as usize, d.bits as usize);
        for Code { code, value, exact } in codes {
            table.add_row([
                code.to_string(),
                format!("{code:0hex$x}"),
                format!("{code:0binary$b}"),
                value.to_string(),
                exact.clone(),
            ]);
        }
        lines.push(table.to_string());
    }
    lines.join("\n")
}
