//! `fewbit cast`: an array to the values or codes of a format, or codes to values.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use fewbit::Isa;
use fewbit::tensor::unravel;
use fewbit_formats::{Format, NanPolicy};
use serde::Serialize;

use crate::conversion::{self, Conversion, ConversionError, Counts, Refused};
use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::codes::Codes;
use crate::io::names::Kind;
use crate::io::npy::{self, Values};
use crate::options::{FormArgs, ThreadArgs};
use crate::output::{self, Form};
use crate::policy::{NanChoice, PolicyArgs, PolicyReport};
use crate::spelling;

const EXAMPLES: &str = "\
Examples:
  fewbit cast --to e4m3fn X.npy Y.npy                     the values that e4m3fn represents, as f32
  fewbit cast --to e2m1fn --codes X.npy C.npy             the codes, as uint8
  fewbit cast --from e2m1fn C.npy Y.npy                   codes to values
  fewbit cast --from e4m3fn --to e5m2 --codes C.npy D.npy codes to codes of another format
  fewbit cast --to e5m2 --overflow special X.npy Y.npy    to infinity beyond the largest value, as ml_dtypes
  fewbit cast --to e4m3fn --round stochastic8 --seed 7 X.npy Y.npy
  fewbit cast --to e4m3fnuz --preset ml_dtypes-0.5 X.npy Y.npy
  fewbit cast --to fix8.4 --round AP_RND --overflow AP_WRAP X.npy Y.npy
  fewbit cast --to bf16 --codes --repeat 20 --threads 1 --json X.npy C.npy
                                                          how fast: the least of 20 times, of the kernel alone";

/// Arguments of `fewbit cast`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Array of any integer or floating-point type; with --from, of unsigned integers
    #[arg(value_name = "IN.npy")]
    input: PathBuf,
    /// Array of the same shape
    #[arg(value_name = "OUT.npy", value_parser = Kind::Npy.output())]
    output: PathBuf,
    /// Format: a name that `fewbit formats` lists, or a custom e<X>m<Y>[b<bias>][fn|fnuz|fin][u]
    #[arg(long, value_name = "FORMAT", required_unless_present = "from", value_parser = spelling::format)]
    to: Option<Format>,
    /// The input holds codes of this format; without --to its values are written
    #[arg(long, value_name = "FORMAT", value_parser = spelling::format)]
    from: Option<Format>,
    /// Write codes, as the smallest unsigned type that holds them, instead of values (f32; f64 where the format's
    /// values need it)
    #[arg(long, requires = "to")]
    codes: bool,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Seed of stochastic rounding; the random bits of an element depend on it and on the element's index alone
    /// [default: 0]
    #[arg(long, value_name = "N", requires = "to")]
    seed: Option<u64>,
    /// Convert this many times and report the least time
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// What was done, for `--json`.
#[derive(Serialize)]
struct CastReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    shape: Vec<usize>,
    elements: usize,
    /// The encoding kernel alone; without `--to`, the decoding one.
    seconds: f64,
    threads: usize,
    isa: String,
    #[serde(flatten)]
    encoding: Option<EncodingReport>,
}

/// What was done by encoding.
#[derive(Serialize)]
struct EncodingReport {
    format: String,
    #[serde(flatten)]
    policy: PolicyReport,
    seed: u64,
    counts: Counts,
}

/// What is written, and what is told.
struct Cast {
    bytes: Vec<u8>,
    seconds: f64,
    encoding: Option<EncodingReport>,
}

/// Converts, writes, reports.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    args.policy.refuse_quantizer("`fewbit cast`")?;
    if args.to.is_none() && args.policy.is_given() {
        return Err(CliError::Arguments(
            "a policy has no meaning without --to FORMAT: the values of codes are exact".into(),
        ));
    }
    let input = npy::read(&args.input, &args.form.inputs)?;
    let shape = input.shape.clone();
    let (cast, threads) = args.threads.run(|| {
        let (values, seconds) = match args.from {
            None => (input.values, 0.0),
            Some(format) => {
                let codes = Codes::of(input, format)?;
                if !format.fits_f64() {
                    output::warn(&format!(
                        "{format} reaches beyond float64: such values become 0 or infinity; `fewbit formats {format} \
                         --codes` has the exact ones"
                    ));
                }
                conversion::decode(format, &codes, args.repeat)
                    .map_err(|error| wrong(&args.input, error.to_string()))?
            }
        };
        let cast = match args.to {
            Some(format) => encode(&args, format, &shape, &values)?,
            None => Cast { bytes: file(&args, &shape, &values)?, seconds, encoding: None },
        };
        Ok((cast, rayon::current_num_threads()))
    })?;
    let mut outputs = Outputs::default();
    outputs.add(&args.output, cast.bytes);
    let report = CastReport {
        from: args.from.map(|format| format.to_string()),
        elements: shape.iter().product(),
        shape,
        seconds: cast.seconds,
        threads,
        isa: Isa::best().to_string(),
        encoding: cast.encoding,
    };
    outputs.write(&match args.form.form() {
        Form::Json => args.form.json(&report, Some(args.seed.unwrap_or(0)))?,
        Form::Text => text(&report),
    })?;
    Ok(Outcome::Done)
}

/// Encodes, and warns where NaN was treated as nobody asked for.
fn encode(args: &Args, format: Format, shape: &[usize], values: &Values) -> Result<Cast, CliError> {
    let (policy, nan_choice) = args.policy.policy(format);
    let conversion = Conversion { format, policy, seed: args.seed.unwrap_or(0) };
    let converted = conversion.run(values, args.repeat).map_err(|error| match error {
        ConversionError::Refused(refused) => refusal(&args.input, shape, &refused),
        ConversionError::Other(error) => wrong(&args.input, error.to_string()),
    })?;
    if nan_choice == NanChoice::Default && !format.has_nan() && converted.counts.nan > 0 {
        output::warn(&nan_warning(format, policy.nan, converted.counts.nan));
    }
    let bytes = if args.codes {
        converted.codes.encode(shape).map_err(|source| unwritten(args, source))?
    } else {
        let (values, _) = conversion::decode(format, &converted.codes, NonZeroU32::MIN)
            .map_err(|error| wrong(&args.input, error.to_string()))?;
        file(args, shape, &values)?
    };
    let encoding = EncodingReport {
        format: format.to_string(),
        policy: PolicyReport::from(&policy),
        seed: conversion.seed,
        counts: converted.counts,
    };
    Ok(Cast { bytes, seconds: converted.seconds, encoding: Some(encoding) })
}

/// The bytes of a file of decoded values.
fn file(args: &Args, shape: &[usize], values: &Values) -> Result<Vec<u8>, CliError> {
    let bytes = match values {
        Values::F32(values) => npy::encode(shape, values),
        Values::F64(values) => npy::encode(shape, values),
        _ => Err(std::io::Error::other("decoded values are floats")),
    };
    bytes.map_err(|source| unwritten(args, source))
}

fn unwritten(args: &Args, source: std::io::Error) -> CliError {
    CliError::Write { path: args.output.clone(), source }
}

fn wrong(path: &Path, reason: String) -> CliError {
    CliError::Array { path: path.to_owned(), reason }
}

fn refusal(path: &Path, shape: &[usize], refused: &Refused) -> CliError {
    let place = unravel(refused.index, shape);
    wrong(path, format!("the element at {place:?} cannot be converted: {}", refused.error))
}

fn nan_warning(format: Format, policy: NanPolicy, count: u64) -> String {
    let fate = match policy {
        NanPolicy::MlDtypes => "positive ones became -0, negative ones +0, as in ml_dtypes".into(),
        other => format!("they were treated by the policy `{other}`"),
    };
    format!("{count} NaN in the input, and {format} has none: {fate}; --nan chooses otherwise")
}

fn text(report: &CastReport) -> String {
    let from = report.from.as_ref().map_or(String::new(), |format| format!(" of {format}"));
    let what = match &report.encoding {
        None => format!("to values: {} elements", report.elements),
        Some(EncodingReport { format, policy, counts, .. }) => {
            let Counts { inexact, underflow, overflow, invalid, nan } = counts;
            format!(
                "to {format} ({policy}): {} elements, {inexact} inexact, {underflow} underflowed, {overflow} \
                 overflowed, {invalid} invalid, {nan} NaN",
                report.elements
            )
        }
    };
    format!(
        "{:?}{from} {what}\n{:.6} s, {:.1} M element/s, {}, {} thread(s)",
        report.shape,
        report.seconds,
        report.elements as f64 / report.seconds / 1e6,
        report.isa,
        report.threads,
    )
}
