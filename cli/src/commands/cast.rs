//! `fewbit cast`: an array to the values or codes of a format.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use fewbit_formats::{Format, NanPolicy, Policy};
use serde::Serialize;

use crate::conversion::{Conversion, Converted, Counts, Refused};
use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::npy::{self, Npy};
use crate::options::{FormArgs, ThreadArgs};
use crate::output::{self, Form};
use crate::policy::{NanChoice, PolicyArgs};

const EXAMPLES: &str = "\
Examples:
  fewbit cast --to e4m3fn X.npy Y.npy                     the values that e4m3fn represents, as f32
  fewbit cast --to e2m1fn --codes X.npy C.npy             the codes, as uint8
  fewbit cast --to e5m2 --overflow special X.npy Y.npy    to infinity beyond the largest value, as ml_dtypes
  fewbit cast --to e4m3fn --round stochastic8 --seed 7 X.npy Y.npy
  fewbit cast --to e4m3fnuz --preset ml_dtypes-0.5 X.npy Y.npy
  fewbit cast --to fix8.4 --round AP_RND --overflow AP_WRAP X.npy Y.npy";

/// Arguments of `fewbit cast`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Array of any integer or floating-point type
    #[arg(value_name = "IN.npy")]
    input: PathBuf,
    /// Array of the same shape
    #[arg(value_name = "OUT.npy")]
    output: PathBuf,
    /// Format: a name that `fewbit formats` lists, or a custom e<X>m<Y>[b<bias>][fn|fnuz|fin][u]
    #[arg(long, value_name = "FORMAT")]
    to: Format,
    /// Write codes, as the smallest unsigned type that holds them, instead of values (f32; f64 where the format's
    /// values need it)
    #[arg(long)]
    codes: bool,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Seed of stochastic rounding; the random bits of an element depend on it and on the element's index alone
    #[arg(long, value_name = "N", default_value = "0")]
    seed: u64,
    /// Convert this many times and report the least time
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    form: FormArgs,
}

/// What was done, for `--json`.
#[derive(Serialize)]
struct CastReport {
    format: String,
    rounding: String,
    overflow: String,
    nan: String,
    seed: u64,
    shape: Vec<usize>,
    elements: usize,
    counts: Counts,
    seconds: f64,
    threads: usize,
}

/// Converts, writes, reports.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let input = npy::read(&args.input)?;
    let (policy, nan_choice) = args.policy.policy(args.to);
    let conversion = Conversion { format: args.to, policy, seed: args.seed };
    let (converted, threads) = args.threads.run(|| {
        let converted = conversion
            .run(&input.values, args.repeat)
            .map_err(|refused| refusal(&args.input, &input, refused))?;
        Ok((converted, rayon::current_num_threads()))
    })?;
    if nan_choice == NanChoice::Default && !args.to.has_nan() && converted.counts.nan > 0 {
        output::warn(&nan_warning(args.to, policy.nan, converted.counts.nan));
    }
    let bytes = if args.codes {
        encode_codes(args.to, &input.shape, &converted.codes)
    } else {
        encode_values(args.to, &input.shape, &converted.codes)
    };
    let mut outputs = Outputs::default();
    let failed = |source| CliError::Write { path: args.output.clone(), source };
    outputs.add(&args.output, bytes.map_err(failed)?);
    outputs.write()?;
    let report = report(&conversion, &policy, input.shape, &converted, threads);
    match args.form.form() {
        Form::Json => output::print(&output::json(&report)?)?,
        Form::Text => output::print(&text(&report))?,
    }
    Ok(Outcome::Done)
}

fn refusal(path: &Path, input: &Npy, refused: Refused) -> CliError {
    // A flat index is no help in a matrix.
    let mut rest = refused.index;
    let mut place = vec![0; input.shape.len()];
    for (coordinate, &extent) in place.iter_mut().zip(&input.shape).rev() {
        *coordinate = rest % extent;
        rest /= extent;
    }
    CliError::Array {
        path: path.to_owned(),
        reason: format!("the element at {place:?} cannot be converted: {}", refused.error),
    }
}

fn nan_warning(format: Format, policy: NanPolicy, count: u64) -> String {
    let fate = match policy {
        NanPolicy::MlDtypes => "positive ones became -0, negative ones +0, as in ml_dtypes".into(),
        other => format!("they were treated by the policy `{other}`"),
    };
    format!("{count} NaN in the input, and {format} has none: {fate}; --nan chooses otherwise")
}

fn encode_codes(format: Format, shape: &[usize], codes: &[u32]) -> Result<Vec<u8>, std::io::Error> {
    match format.bits() {
        0..=8 => npy::encode(shape, &codes.iter().map(|&code| code as u8).collect::<Vec<_>>()),
        9..=16 => npy::encode(shape, &codes.iter().map(|&code| code as u16).collect::<Vec<_>>()),
        _ => npy::encode(shape, codes),
    }
}

fn encode_values(
    format: Format,
    shape: &[usize],
    codes: &[u32],
) -> Result<Vec<u8>, std::io::Error> {
    let values = codes.iter().map(|&code| format.decode(code));
    if format.fits_f32() {
        npy::encode(shape, &values.map(|value| value as f32).collect::<Vec<_>>())
    } else {
        npy::encode(shape, &values.collect::<Vec<_>>())
    }
}

fn report(
    conversion: &Conversion,
    policy: &Policy,
    shape: Vec<usize>,
    converted: &Converted,
    threads: usize,
) -> CastReport {
    CastReport {
        format: conversion.format.to_string(),
        rounding: policy.rounding.to_string(),
        overflow: policy.overflow.to_string(),
        nan: policy.nan.to_string(),
        seed: conversion.seed,
        shape,
        elements: converted.codes.len(),
        counts: converted.counts,
        seconds: converted.seconds,
        threads,
    }
}

fn text(report: &CastReport) -> String {
    let Counts { inexact, underflow, overflow, invalid, nan } = report.counts;
    format!(
        "{:?} to {} ({}, {}): {} elements, {inexact} inexact, {underflow} underflowed, {overflow} overflowed, \
         {invalid} invalid, {nan} NaN\n{:.6} s, {:.1} M element/s, {} thread(s)",
        report.shape,
        report.format,
        report.rounding,
        report.overflow,
        report.elements,
        report.seconds,
        report.elements as f64 / report.seconds / 1e6,
        report.threads,
    )
}
