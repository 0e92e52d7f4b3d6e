//! `fewbit quantize`: an array to codes and scales.

mod args;
mod formats;
mod list;
mod recipes;

use ndarray::{ArrayD, IxDyn};
use serde::Serialize;
use serde_json::Value;

pub(crate) use args::Args;

use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::npy;
use crate::output::Form;
use crate::quantized::{self, Fidelity, Histogram, Metadata};

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

/// Quantizes, writes, reports.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    if args.list_presets {
        return list::run(args.form.form());
    }
    let (Some(input_path), Some(output_path)) = (&args.input, &args.output) else {
        return Err(CliError::Arguments("X.npy and OUT.safetensors are needed".into()));
    };
    let input = npy::read(input_path, &args.form.inputs)?;
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
    let seed = Some(done.metadata.seed);
    let provenance = args.form.provenance(seed)?;
    let metadata = Metadata { provenance: Some(provenance.clone()), ..done.metadata };
    let file = quantized::write(output_path, &done.quantized, &done.values, &metadata, Vec::new())?;
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
            outputs.add(path, format!("{}\n", args.form.json(&whole, seed)?).into_bytes());
        }
        if let Some(path) = &args.svg {
            let name = report.preset.unwrap_or(&report.format);
            let svg =
                quantized::draw(&histogram, name, &report.fidelity).map_err(CliError::Picture)?;
            outputs.add(path, provenance.in_svg(&svg)?.into_bytes());
        }
    }
    outputs.write(&match args.form.form() {
        Form::Json => args.form.json(&report, seed)?,
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
