//! `fewbit quantize`: an array to codes and scales.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use fewbit::convert::GroupEncoder;
use fewbit::quantize::{Quantizer, ScaleRule, Scheme};
use fewbit::tensor::{GroupTensor, TensorError, ggml_dequantize, ggml_quantize, resolve_axis};
use fewbit_formats::ggml::GgmlType;
use fewbit_formats::{Format, GroupFormat, NanPolicy};
use ndarray::{ArrayD, IxDyn};
use serde::Serialize;
use serde_json::Value;

use crate::error::{CliError, Outcome};
use crate::group_policy::{GroupPolicyReport, ScaleArgs};
use crate::io::atomic::Outputs;
use crate::io::npy;
use crate::options::{FormArgs, ThreadArgs};
use crate::output::{self, Form};
use crate::policy::{NanChoice, PolicyArgs, PolicyReport};
use crate::quantized::{self, Fidelity, Metadata, Quantized, Target};
use crate::timing;

const EXAMPLES: &str = "\
Examples:
  fewbit quantize --to mxfp4 X.npy Q.safetensors                      32 elements of the last axis share a power of two
  fewbit quantize --to mxfp8e4m3 --axis 0 --scale-rule rceil X.npy Q.safetensors
  fewbit quantize --to nvfp4 --preset torchao-0.13-nvfp4 X.npy Q.safetensors
  fewbit quantize --to 'mx(int4,f16,128)' X.npy Q.safetensors         any element, any scale, any size
  fewbit quantize --to 'mx(uint4,f16,32,zero-point)' X.npy Q.safetensors
  fewbit quantize --to 'mx(int4,uint6*f16/8,32)' X.npy Q.safetensors  8 groups share an f16 above their uint6 scales
  fewbit quantize --to int8 X.npy Q.safetensors                       one scale for all
  fewbit quantize --to gguf:q4_0 X.npy Q.safetensors                  the blocks of GGUF files, byte for byte

Group formats: mxfp8e4m3, mxfp8e5m2, mxfp6e2m3, mxfp6e3m2, mxfp4, mxint8, nvfp4, and in general
mx(<element>,<scale>,<size>[,zero-point]) with a scale <format>[*<outer>[/<groups>]].

Tensors of the file, for groups and one scale: codes (unsigned, the shape of X), scale (f32), scale_codes (where the
scale has a format other than f32), zero_point (codes), tensor_scale or outer_scale (f32) and outer_scale_codes,
values (f32). For GGUF's blocks: blocks (uint8, the last axis in bytes), values. The metadata under `fewbit` say the
format, the axis, the group size and every choice made.

SQNR is 10 log10(sum x^2 / sum (x - value)^2) over elements that are finite before and after, in f64.";

/// Arguments of `fewbit quantize`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Array of numbers that are all float32
    #[arg(value_name = "X.npy")]
    input: PathBuf,
    /// Codes, scales and values
    #[arg(value_name = "OUT.safetensors")]
    output: PathBuf,
    /// Group format, scalar format, or gguf:q4_0, gguf:q4_1, gguf:q8_0, gguf:mxfp4, gguf:tq2_0
    #[arg(long, value_name = "FORMAT")]
    to: Target,
    /// Axis along which groups run, counted from the end where it is negative [default: -1]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    axis: Option<isize>,
    #[command(flatten)]
    scales: ScaleArgs,
    #[command(flatten)]
    policy: PolicyArgs,
    /// Seed of stochastic rounding; the random bits of an element depend on it and on the element's index alone
    /// [default: 0]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Quantize this many times and report the least time
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    form: FormArgs,
}

/// What was done, for `--json`.
#[derive(Serialize)]
struct QuantizeReport {
    format: String,
    axis: Option<usize>,
    group: Option<usize>,
    shape: Vec<usize>,
    elements: usize,
    bits_per_element: f64,
    #[serde(flatten)]
    fidelity: Fidelity,
    seconds: f64,
    threads: usize,
    policy: Value,
}

/// What a run gives.
struct Done {
    quantized: Quantized,
    values: ArrayD<f32>,
    metadata: Metadata,
    bits: f64,
    seconds: f64,
    fidelity: Fidelity,
}

/// Quantizes, writes, reports.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let input = npy::read(&args.input)?;
    let values = input.f32_values()?;
    let x = ArrayD::from_shape_vec(IxDyn(&input.shape), values)?;
    let (done, threads) = args.threads.run(|| {
        let done = match args.to {
            Target::Groups(format) => groups(&args, format, &x),
            Target::Tensor(format) => tensor(&args, format, &x),
            Target::Blocks(kind) => blocks(&args, kind, &x),
        };
        Ok((done?, rayon::current_num_threads()))
    })?;
    let mut outputs = Outputs::default();
    let file =
        quantized::write(&args.output, &done.quantized, &done.values, &done.metadata, Vec::new())?;
    outputs.add(&args.output, file);
    outputs.write()?;
    let report = QuantizeReport {
        format: args.to.to_string(),
        axis: done.metadata.axis,
        group: done.metadata.group,
        shape: input.shape,
        elements: x.len(),
        bits_per_element: done.bits,
        fidelity: done.fidelity,
        seconds: done.seconds,
        threads,
        policy: done.metadata.policy,
    };
    match args.form.form() {
        Form::Json => output::print(&output::json(&report)?)?,
        Form::Text => output::print(&text(&report))?,
    }
    Ok(Outcome::Done)
}

/// An error about the input file.
fn wrong(path: &Path, error: impl std::fmt::Display) -> CliError {
    CliError::Array { path: path.to_owned(), reason: error.to_string() }
}

fn warn_of_nan(x: &ArrayD<f32>, format: Format, policy: NanPolicy, choice: NanChoice) {
    let nan = x.iter().filter(|x| x.is_nan()).count();
    if nan > 0 && choice == NanChoice::Default && !format.has_nan() {
        output::warn(&format!(
            "{nan} NaN in the input, and {format} has none: where the scale does not say so, the policy `{policy}` does; \
             --nan chooses otherwise"
        ));
    }
}

fn groups(args: &Args, format: GroupFormat, x: &ArrayD<f32>) -> Result<Done, CliError> {
    let (policy, choice) = args.scales.policy(&args.policy, &format);
    let failed = |error: TensorError| wrong(&args.input, error);
    let (axis, seed) = (args.axis.unwrap_or(-1), args.seed.unwrap_or(0));
    let encoder = GroupEncoder::new(format, policy)
        .map_err(|error| CliError::Arguments(error.to_string()))?
        .with_seed(seed);
    let place = resolve_axis(axis, x.shape()).map_err(failed)?;
    let (tensor, seconds) = timing::least("quantizing", args.repeat, || {
        GroupTensor::quantize(&encoder, &x.view(), place as isize).map_err(failed)
    })?;
    warn_of_nan(x, format.element(), policy.element.nan, choice);
    let values = tensor.dequantize().map_err(failed)?;
    let policy = serde_json::to_value(GroupPolicyReport::from(&policy))?;
    let metadata = Metadata {
        format: format.to_string(),
        axis: Some(place),
        group: Some(format.size()),
        seed,
        policy,
    };
    let fidelity = Fidelity::of_groups(x, &values, &tensor).map_err(failed)?;
    Ok(Done {
        quantized: Quantized::Groups(Box::new(tensor)),
        values,
        metadata,
        bits: format.bits_per_element(),
        seconds,
        fidelity,
    })
}

/// Refuses what has no meaning for a target.
fn refuse(given: bool, flags: &str, args: &Args) -> Result<(), CliError> {
    if given {
        return Err(CliError::Arguments(format!("{flags} has no meaning for --to {}", args.to)));
    }
    Ok(())
}

fn tensor(args: &Args, format: Format, x: &ArrayD<f32>) -> Result<Done, CliError> {
    refuse(args.axis.is_some(), "--axis, which groups have,", args)?;
    refuse(args.scales.is_given(), "a policy for the scales of groups", args)?;
    let (policy, choice) = args.policy.policy(format);
    let seed = args.seed.unwrap_or(0);
    let quantizer =
        Quantizer::new(Scheme::new(format), ScaleRule::abs_max(), policy)?.with_seed(seed);
    let (tensor, seconds) = timing::least("quantizing", args.repeat, || {
        quantizer.quantize(&x.view()).map_err(|error| wrong(&args.input, error))
    })?;
    warn_of_nan(x, format, policy.nan, choice);
    let values = tensor.dequantize();
    let policy = serde_json::to_value(PolicyReport::from(&policy))?;
    let metadata = Metadata { format: format.to_string(), axis: None, group: None, seed, policy };
    let fidelity = Fidelity::of_tensor(x, &values, &tensor);
    Ok(Done {
        quantized: Quantized::Tensor(Box::new(tensor)),
        values,
        metadata,
        bits: f64::from(format.bits()),
        seconds,
        fidelity,
    })
}

fn blocks(args: &Args, kind: GgmlType, x: &ArrayD<f32>) -> Result<Done, CliError> {
    refuse(args.policy.is_given(), "a policy, which ggml sets,", args)?;
    refuse(args.scales.is_given(), "a policy for scales, which ggml sets,", args)?;
    refuse(args.seed.is_some(), "--seed", args)?;
    let last = x.ndim().checked_sub(1);
    let axis = args.axis.unwrap_or(-1);
    refuse(
        last.is_some() && resolve_axis(axis, x.shape()).ok() != last,
        "an axis other than the last",
        args,
    )?;
    let failed = |error: TensorError| wrong(&args.input, error);
    let (blocks, seconds) = timing::least("quantizing", args.repeat, || {
        ggml_quantize(kind, &x.view()).map_err(failed)
    })?;
    let values = ggml_dequantize(kind, &blocks.view()).map_err(failed)?;
    let metadata = Metadata {
        format: args.to.to_string(),
        axis: last,
        group: Some(kind.elements()),
        seed: 0,
        policy: Value::String("ggml's reference quantizer".into()),
    };
    let fidelity = Fidelity::of_blocks(x, &values);
    Ok(Done {
        quantized: Quantized::Blocks(blocks),
        values,
        metadata,
        bits: 8.0 * kind.bytes() as f64 / kind.elements() as f64,
        seconds,
        fidelity,
    })
}

fn text(report: &QuantizeReport) -> String {
    let Fidelity { sqnr_db, max_abs_error, clipped, not_finite } = report.fidelity;
    let along = match (report.axis, report.group) {
        (Some(axis), Some(group)) => format!(" in groups of {group} along axis {axis}"),
        _ => String::from(" with one scale"),
    };
    let sqnr = sqnr_db.map_or_else(|| "no SQNR".into(), |sqnr| format!("SQNR {sqnr:.2} dB"));
    let clipped = clipped.map_or_else(String::new, |clipped| format!(", {clipped} clipped"));
    let not_finite = match not_finite {
        0 => String::new(),
        n => format!(", {n} not finite"),
    };
    format!(
        "{:?} to {}{along}: {} elements, {} bits each, {sqnr}, largest error {max_abs_error:e}{clipped}{not_finite}\n\
         {:.6} s, {:.1} M element/s, {} thread(s)",
        report.shape,
        report.format,
        report.elements,
        report.bits_per_element,
        report.seconds,
        report.elements as f64 / report.seconds / 1e6,
        report.threads,
    )
}
