//! `fewbit layer`: one layer's weights through an algorithm.

mod args;
mod choices;
mod inputs;
mod job;
mod picture;
mod price;
mod progress;
mod report;
mod types;

use std::path::PathBuf;

use fewbit::algorithms::layer::{
    LayerCandidate, LayerInputs, QuantizedLayer, WeightGrid, WeightScale, quantize_layer,
};
use fewbit::tensor::store::Stored;
use ndarray::arr0;
use serde_json::json;

pub(crate) use args::Args;

use self::choices::{Keeping, WeightChoice};
use self::inputs::FileInputs;
use self::progress::bars;
use self::report::{Comparison, Entry, Setting, Single};
use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::npy;
use crate::output::{self, Form};
use crate::provenance::Provenance;
use crate::quantized::{self, Metadata, Quantized};

/// Everything that is found.
struct Found {
    layer: QuantizedLayer,
    entries: Vec<Entry>,
    setting: Setting,
    /// The bytes of the file of statistics, where one is asked for.
    statistics: Option<Vec<u8>>,
}

/// Solves, judges, writes, prints.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    args.check()?;
    if let Some(bits) = &args.bits {
        return price::run(&args, bits);
    }
    let found = args.threads.run(|| work(&args))?;
    let single = args.compare.is_empty();
    let seed = Some(args.seed);
    let provenance = args.form.provenance(seed)?;
    let text = match (single, found.entries.first()) {
        (true, Some(entry)) => args.form.json(&Single { entry, setting: &found.setting }, seed)?,
        _ => args
            .form
            .json(&Comparison { setting: &found.setting, results: &found.entries }, seed)?,
    };
    let mut outputs = Outputs::default();
    if let (Some(path), Some(candidate)) = (&args.out, found.layer.candidates.first()) {
        let tensor = Quantized::Tensor(Box::new(found.layer.tensor(candidate)?));
        let metadata = metadata(&args, &found, provenance.clone());
        let values = candidate.values.clone().into_dyn();
        let extra = extra(&found.layer, candidate)?;
        outputs.add(path, quantized::write(path, &tensor, &values, &metadata, extra)?);
    }
    if let Some(path) = &args.report {
        outputs.add(path, format!("{text}\n").into_bytes());
    }
    let svg = args.svg.clone().or_else(|| (!single).then(|| PathBuf::from("layer.svg")));
    if let Some(path) = &svg {
        let picture = picture::draw(&found.entries, &found.setting).map_err(CliError::Picture)?;
        outputs.add(path, provenance.in_svg(&picture)?.into_bytes());
    }
    if let (Some(path), Some(bytes)) = (&args.save_statistics, found.statistics) {
        outputs.add(path, bytes);
    }
    outputs.write(&match (args.form.form(), &svg) {
        (Form::Json, _) => text,
        (Form::Text, None) => report::text(&found.entries, &found.setting),
        (Form::Text, Some(path)) => {
            let table = report::text(&found.entries, &found.setting);
            format!("{table}\npicture: {}", path.display())
        }
    })?;
    // Without a constraint overflows are a result like any other.
    let kept = args.accumulator().is_some() && args.constraint() != Keeping::None;
    let failed = kept && found.entries.iter().any(|entry| entry.verdict.can_overflow());
    Ok(if failed { Outcome::Different } else { Outcome::Done })
}

fn work(args: &Args) -> Result<Found, CliError> {
    let weights = npy::read(&args.weight, &args.form.inputs)?.into_float_matrix()?;
    let mut inputs = FileInputs::open(args, weights.dim())?;
    let mut job = args.job()?;
    let mut types = None;
    if let (WeightChoice::Auto, Some(acc)) = (args.weights, args.accumulator()) {
        let choice = types::choose(weights.view(), &mut inputs, &job, acc);
        let choice = choice.map_err(|error| args.complaint(error))?;
        job = choice.job.clone();
        types = Some(choice);
    }
    let found = quantize_layer(weights.view(), &mut inputs, &job, &mut bars());
    let layer = found.map_err(|error| args.complaint(error))?;
    drop(weights);
    let entry = |candidate| Entry::new(candidate, layer.statistics_seconds);
    let entries: Vec<Entry> = layer.candidates.iter().map(entry).collect();
    let saved = match args.save_statistics {
        None => None,
        Some(_) => {
            let provenance = serde_json::to_string(&args.form.provenance(Some(args.seed))?)?;
            let metadata = [("fewbit.provenance".to_owned(), provenance)].into();
            Some(layer.statistics.to_bytes_with(metadata)?)
        }
    };
    let (outputs, width) = layer.grid.grid().dim();
    let setting = Setting {
        outputs,
        inputs: width,
        samples: inputs.dim().0,
        weights: job.weights.format_name(),
        granularity: layer.grid.sharing().to_string(),
        scale: match &types {
            Some(_) => WeightScale::Constrained.to_string(),
            None => scale_name(args, &layer.grid),
        },
        effort: job.effort.map(|effort| effort.level()),
        equalize: args.equalize.map(|choice| choice.to_string()),
        rotate: args.rotate.map(|choice| choice.to_string()),
        acts: job.activations.as_ref().map(|acts| acts.format.to_string()),
        acc: job.accumulator().map(|wanted| wanted.accumulator.to_string()),
        constraint: job.accumulator().map(|wanted| wanted.constraint.to_string()),
        act_order: args.act_order,
        quantized_inputs: args.input_quantized.is_some() || args.quantize_input || types.is_some(),
        seed: args.seed,
        threads: rayon::current_num_threads(),
        activation_scale: layer.activations,
        types,
    };
    warn_of_hopeless(&entries, &layer.grid);
    Ok(Found { layer, entries, setting, statistics: saved })
}

/// Says so where weights of zeros would have been better.
fn warn_of_hopeless(entries: &[Entry], grid: &WeightGrid) {
    for entry in entries.iter().filter(|entry| entry.verdict.relative_error > 1.0) {
        let remedy = match grid.grid().zero_point() {
            Some(_) => {
                "; under an accumulator constraint zero points cost more than they gain: a signed format has none"
            }
            None => "",
        };
        output::warn(&format!(
            "{}: the error is larger than that of weights that are all 0{remedy}",
            entry.algorithm
        ));
    }
}

/// What the file has besides: scale and zero point of the activations, and where weights and inputs were changed what acts on
/// the inputs as they were.
fn extra(layer: &QuantizedLayer, candidate: &LayerCandidate) -> Result<Vec<Stored>, CliError> {
    let number = |name: &'static str, value| Stored::f32(name, &arr0(value).into_dyn());
    let mut extra = Vec::new();
    if let Some(activations) = layer.activations {
        extra.push(number("act_scale", activations.scale));
        extra.push(number("act_zero_point", activations.zero_point));
    }
    if layer.transform.is_identity() {
        return Ok(extra);
    }
    extra.push(Stored::f32("effective", &layer.effective(candidate)?.into_dyn()));
    if let Some(scales) = layer.transform.channel_scale() {
        extra.push(Stored::f32("channel_scale", &scales.clone().into_dyn()));
    }
    Ok(extra)
}

fn scale_name(args: &Args, grid: &WeightGrid) -> String {
    match &args.scale {
        Some(scale) => scale.to_string(),
        None if grid.has_free_scales() => WeightScale::default().to_string(),
        None => "of the format".into(),
    }
}

fn metadata(args: &Args, found: &Found, provenance: Provenance) -> Metadata {
    let setting = &found.setting;
    Metadata {
        format: setting.weights.clone(),
        axis: Some(1),
        group: Some(found.layer.grid.grid().group()),
        seed: args.seed,
        policy: json!({
            "algorithm": args.algorithm.to_string(),
            "scale": setting.scale,
            "equalize": setting.equalize,
            "rotate": setting.rotate,
            "acts": setting.acts,
            "acc": setting.acc,
            "constraint": setting.constraint,
            "effort": setting.effort,
            "act_order": setting.act_order,
        }),
        provenance: Some(provenance),
        ..Metadata::default()
    }
}
