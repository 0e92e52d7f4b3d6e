//! `fewbit requantize`: an accumulator's values to the integers of the next layer.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use fewbit::Requantizer;
use fewbit::requantize::RequantizePolicy;
use fewbit_formats::{IntFormat, Rounding};
use serde::Serialize;

use crate::error::{CliError, Outcome};
use crate::io::atomic;
use crate::io::names::Kind;
use crate::io::npy;
use crate::io::numbers::Integers;
use crate::options::{FormArgs, ThreadArgs};
use crate::output::Form;
use crate::requantization::{self, Asked, NumberArgs, RequantizeReport};
use crate::{memory, timing};

const EXAMPLES: &str = "\
Examples:
  fewbit requantize C.npy --policy gemmlowp --scale 0.0037 --to int8 Y.npy
                                   TFLite's two roundings, its multiplier and shift
  fewbit requantize C.npy --policy tosa32 --multiplier 1073741824 --shift 33 --to int8 Y.npy
                                   TOSA's apply_scale_32; its shift goes to the right
  fewbit requantize C.npy --policy cmsis --multiplier M.npy --shift S.npy --zero-point -128 --to int8 Y.npy
                                   M and S: a number for each place of C's last axis
  fewbit requantize C.npy --policy onnx --scale S.npy --bias B.npy --zero-point 128 --to uint8 Y.npy
  fewbit requantize C.npy --policy exact-ties-even --scale 0.1 --to int16 Y.npy
  fewbit requantize C.npy --policy shift-ties-up --shift 8 --to int8 Y.npy
  fewbit requantize C.npy --policy thresholds --thresholds T.npy --to uint4 Y.npy

output = fit(scale(value + bias) + zero point)

Policies:
  tosa32, tosa32-double, tosa16   TOSA 1.0: apply_scale_32 (SINGLE_ROUND, DOUBLE_ROUND), apply_scale_16
  gemmlowp                        TFLite: a doubling high product, then a division with ties away from zero
  tflite-single, tflite16         TFLite with one rounding; its 48-bit path of int16 layers
  cmsis, cmsis-single             CMSIS-NN with two roundings and with one
  ruy                             as gemmlowp, the last ties up
  onnx, finn                      float32: ONNX Runtime's product, FINN+'s product and bias
  exact-<rounding>                the exact product, rounded once
  shift-<rounding>                a shift to the right
  thresholds                      FINN's MultiThreshold
Those of a stack may end in -wrap, -saturate or -refuse: what becomes of an intermediate value that 32 bits do not hold;
by default TOSA's refuse it and the others wrap, as C does.";

/// Arguments of `fewbit requantize`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Accumulators' values: an array of integers, as `fewbit matmul --out` writes them; channels are its last axis
    #[arg(value_name = "C.npy")]
    input: PathBuf,
    /// Array of the same shape: the integers themselves, not codes, in the narrowest of int8, uint8, int16, uint16,
    /// int32 and uint32 that has them all
    #[arg(value_name = "OUT.npy", value_parser = Kind::Npy.output())]
    output: PathBuf,
    /// The rule, as `gemmlowp`, `tosa32`, `onnx` or `exact-ties-even`
    #[arg(long, value_name = "POLICY")]
    policy: RequantizePolicy,
    /// Integer format of the output, as int8, uint8, int16, int32 or int4
    #[arg(long, value_name = "FORMAT", value_parser = requantization::output_format)]
    to: IntFormat,
    #[command(flatten)]
    numbers: NumberArgs,
    /// Seed of a stochastic rounding; the random bits of an element depend on it and on the element's index alone
    /// [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Compute this many times and report the least time
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// What was done, for `--json`.
#[derive(Serialize)]
struct CommandReport {
    shape: Vec<usize>,
    elements: usize,
    #[serde(flatten)]
    requantized: RequantizeReport,
    seed: u64,
    seconds: f64,
    threads: usize,
    isa: String,
}

/// Requantizes, writes, reports.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    if args.seed.is_some() && !is_random(args.policy) {
        return Err(CliError::Arguments(format!(
            "--seed has no meaning for `{}`: it is for stochastic roundings, as exact-stochastic8",
            args.policy
        )));
    }
    let (shape, values) = Integers::of(npy::read(&args.input, &args.form.inputs)?)?;
    let elements = shape.iter().product::<usize>();
    // The outputs, and the bytes of their file.
    memory::check(
        elements as u128 * 8,
        &format!("{elements} outputs"),
        "requantize a part of the array at a time",
    )?;
    // An array without axes has one place.
    let last = shape.last().copied().unwrap_or(1);
    let seed = args.seed.unwrap_or(0);
    let Args { policy, to, numbers, .. } = args;
    let job = Asked { policy, to, numbers: numbers.into(), seed }.job(last, &args.form.inputs)?;
    let by = Requantizer::new(job);
    let ((outputs, seconds), threads) = args.threads.run(|| {
        let once = || match &values {
            Integers::Narrow(values) => requantization::run(&by, &shape, values),
            Integers::Wide(values) => requantization::run(&by, &shape, values),
        };
        let done = timing::least("requantizing", args.repeat, once);
        let done =
            done.map_err(|error| wrong(&args.input, requantization::place_of(&error, &shape)))?;
        Ok((done, rayon::current_num_threads()))
    })?;
    let report = CommandReport {
        shape,
        elements,
        requantized: RequantizeReport::new(&by, &outputs),
        seed,
        seconds,
        threads,
        isa: by.isa().to_string(),
    };
    let failed = |source| CliError::Write { path: args.output.clone(), source };
    let mut files = atomic::Outputs::default();
    files.add(&args.output, outputs.file.map_err(failed)?);
    files.write(&match args.form.form() {
        Form::Json => args.form.json(&report, Some(seed))?,
        Form::Text => text(&report),
    })?;
    Ok(Outcome::Done)
}

/// Whether the policy rounds at random.
fn is_random(policy: RequantizePolicy) -> bool {
    let bits = |mode: Rounding| mode.random_bits().is_some();
    matches!(policy, RequantizePolicy::Exact(mode) | RequantizePolicy::Shift(mode) if bits(mode))
}

fn wrong(path: &Path, reason: String) -> CliError {
    CliError::Array { path: path.to_owned(), reason }
}

fn text(report: &CommandReport) -> String {
    let CommandReport { shape, elements, requantized, seconds, threads, isa, .. } = report;
    let rate = *elements as f64 / seconds / 1e6;
    format!(
        "{shape:?}, {elements} elements, {requantized}\n{seconds:.6} s, {rate:.1} M element/s, {isa}, {threads} thread(s)"
    )
}
