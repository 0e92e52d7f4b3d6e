//! `fewbit quantize`: an array to codes and scales.

mod formats;
mod list;
mod recipes;

use std::num::NonZeroU32;
use std::path::PathBuf;

use ndarray::{ArrayD, IxDyn};
use serde::Serialize;
use serde_json::Value;

use crate::error::{CliError, Outcome};
use crate::group_policy::ScaleArgs;
use crate::io::atomic::Outputs;
use crate::io::names::Kind;
use crate::io::npy;
use crate::options::{FormArgs, ThreadArgs};
use crate::output::{self, Form};
use crate::policy::PolicyArgs;
use crate::quantized::{self, Fidelity, Histogram, Metadata, Quantized, Target};

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
  fewbit quantize --preset Int8WeightPerChannelFloat W.npy Q.safetensors
  fewbit quantize --preset MXFloat8e4m3Weight --set group_size=64 W.npy Q.safetensors --report R.json --svg P.svg
  fewbit quantize --config quantizer.yaml --set scale.source.mse.guard=never-worse W.npy Q.safetensors
  fewbit quantize --list-presets

Group formats: mxfp8e4m3, mxfp8e5m2, mxfp6e2m3, mxfp6e3m2, mxfp4, mxint8, nvfp4, and in general
mx(<element>,<scale>,<size>[,zero-point]) with a scale <format>[*<outer>[/<groups>]].

Tensors of the file, for groups and one scale: codes (unsigned, the shape of X), scale (f32), scale_codes (where the
scale has a format other than f32), zero_point (codes), tensor_scale or outer_scale (f32) and outer_scale_codes,
values (f32). For GGUF's blocks: blocks (uint8, the last axis in bytes), values. The metadata under `fewbit` say the
format, the axis, the group size and every choice made, and state the tensors with a digest of them.

A quantizer by name computes what the class of that name in Brevitas 0.12.1 computes. Its file has codes, scale,
zero_point (f32), bit_width, and values (f32) as a simulation on floats has them: NaN stays NaN, zeros keep their signs.
--config reads YAML or JSON: either the whole quantizer as the metadata of a file have it under `recipe`, or `preset` and
the fields to change. A field is named by its path (scale.restriction), or as in Brevitas (bit_width, group_size).

SQNR is 10 log10(sum x^2 / sum (x - value)^2) over elements that are finite before and after, in f64.";

/// Arguments of `fewbit quantize`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Array of numbers that are all float32
    #[arg(value_name = "X.npy", required_unless_present = "list_presets")]
    input: Option<PathBuf>,
    /// Codes, scales and values
    #[arg(
        value_name = "OUT.safetensors",
        required_unless_present = "list_presets",
        value_parser = Kind::Safetensors.output()
    )]
    output: Option<PathBuf>,
    /// Group format, scalar format, or gguf:q4_0, gguf:q4_1, gguf:q8_0, gguf:mxfp4, gguf:tq2_0
    #[arg(long, value_name = "FORMAT")]
    to: Option<Target>,
    /// Quantizer in YAML or JSON
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    config: Option<PathBuf>,
    /// Change a field of the quantizer that --preset or --config names; can be given several times
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<String>,
    /// Take this field of the quantizer from an array of numbers, as input_scale=S.npy; can be given several times
    #[arg(long, value_name = "FIELD=FILE.npy")]
    set_array: Vec<String>,
    /// Print the quantizers that --preset takes, and do nothing else
    #[arg(long, exclusive = true)]
    list_presets: bool,
    /// The result as JSON with a histogram of the codes
    #[arg(long, value_name = "R.json", value_parser = Kind::Json.output())]
    report: Option<PathBuf>,
    /// A picture of the histogram
    #[arg(long, value_name = "P.svg", value_parser = Kind::Svg.output())]
    svg: Option<PathBuf>,
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
    pub(crate) form: FormArgs,
}

/// What was done, for `--json`.
#[derive(Serialize)]
struct QuantizeReport {
    format: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<&'static str>,
    axis: Option<usize>,
    group: Option<usize>,
    shape: Vec<usize>,
    elements: usize,
    bits_per_element: f64,
    #[serde(flatten)]
    fidelity: Fidelity,
    clipped_share: Option<f64>,
    seconds: f64,
    threads: usize,
    policy: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipe: Option<Value>,
}

/// The same with what is too long for a screen.
#[derive(Serialize)]
struct WholeReport<'a> {
    #[serde(flatten)]
    report: &'a QuantizeReport,
    histogram: &'a Histogram,
}

/// What a run gives.
struct Done {
    format: String,
    quantized: Quantized,
    values: ArrayD<f32>,
    metadata: Metadata,
    bits: f64,
    seconds: f64,
    fidelity: Fidelity,
}

/// Quantizes, writes, reports.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    if args.list_presets {
        return list::run(args.form.form());
    }
    let (Some(input_path), Some(output_path)) = (&args.input, &args.output) else {
        return Err(CliError::Arguments("X.npy and OUT.safetensors are needed".into()));
    };
    let input = npy::read(input_path)?;
    let values = input.f32_values()?;
    let x = ArrayD::from_shape_vec(IxDyn(&input.shape), values)?;
    let preset = args.policy.quantizer();
    let recipe = match (preset, &args.config, &args.to) {
        (None, None, _) => None,
        _ => Some(recipes::recipe(&args)?),
    };
    let (done, threads) = args.threads.run(|| {
        let done = match &recipe {
            Some(recipe) => recipes::quantize(&args, input_path, recipe, &x),
            None => formats::quantize(&args, input_path, &x),
        };
        Ok((done?, rayon::current_num_threads()))
    })?;
    let report = QuantizeReport {
        format: done.format,
        preset: preset.map(|preset| preset.name),
        axis: done.metadata.axis,
        group: done.metadata.group,
        shape: input.shape,
        elements: x.len(),
        bits_per_element: done.bits,
        clipped_share: done.fidelity.clipped.map(|clipped| clipped as f64 / x.len().max(1) as f64),
        fidelity: done.fidelity,
        seconds: done.seconds,
        threads,
        policy: done.metadata.policy.clone(),
        recipe: done.metadata.recipe.clone(),
    };
    let mut outputs = Outputs::default();
    let file =
        quantized::write(output_path, &done.quantized, &done.values, &done.metadata, Vec::new())?;
    outputs.add(output_path, file);
    if args.report.is_some() || args.svg.is_some() {
        let histogram = Histogram::of(&done.quantized).ok_or_else(|| {
            CliError::Arguments(format!(
                "--report and --svg count codes, and {} has blocks of bytes",
                report.format
            ))
        })?;
        if let Some(path) = &args.report {
            let whole = WholeReport { report: &report, histogram: &histogram };
            outputs.add(path, format!("{}\n", output::json(&whole)?).into_bytes());
        }
        if let Some(path) = &args.svg {
            let name = report.preset.unwrap_or(&report.format);
            let svg =
                quantized::draw(&histogram, name, &report.fidelity).map_err(CliError::Picture)?;
            outputs.add(path, svg.into_bytes());
        }
    }
    outputs.write(&match args.form.form() {
        Form::Json => args.form.json(&report)?,
        Form::Text => text(&report),
    })?;
    Ok(Outcome::Done)
}

fn text(report: &QuantizeReport) -> String {
    let Fidelity { sqnr_db, max_abs_error, clipped, not_finite } = report.fidelity;
    let along = match (report.axis, report.group) {
        (Some(axis), Some(group)) => format!(" in groups of {group} along axis {axis}"),
        (Some(axis), None) => format!(" with one scale per index of axis {axis}"),
        _ if report.recipe.is_some() => String::new(),
        _ => String::from(" with one scale"),
    };
    let by = report.preset.map_or_else(String::new, |preset| format!(" by {preset}"));
    let sqnr = sqnr_db.map_or_else(|| "no SQNR".into(), |sqnr| format!("SQNR {sqnr:.2} dB"));
    let clipped = clipped.map_or_else(String::new, |clipped| format!(", {clipped} clipped"));
    let not_finite = match not_finite {
        0 => String::new(),
        n => format!(", {n} not finite"),
    };
    format!(
        "{:?} to {}{by}{along}: {} elements, {} bits each, {sqnr}, largest error {max_abs_error:e}{clipped}{not_finite}\n\
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
