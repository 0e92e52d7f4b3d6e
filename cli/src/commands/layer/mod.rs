//! `fewbit layer`: one layer's weights through an algorithm.

mod acts;
mod args;
mod grid;
mod inputs;
mod judge;
mod picture;
mod report;
mod solve;
mod transform;

use std::path::PathBuf;

use fewbit::tensor::store::Stored;
use ndarray::Array2;
use serde_json::json;

pub(crate) use args::Args;

use self::args::{EqualizeChoice, ScaleChoice, ScaleName};
use self::grid::{WeightGrid, sparsity};
use self::inputs::Inputs;
use self::report::{Comparison, Entry, Setting, Single};
use self::solve::{Solved, Task};
use self::transform::Transform;
use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::npy;
use crate::output::{self, Form, LateProgress};
use crate::quantized::{self, Metadata};

/// Everything that is found.
struct Found {
    grid: WeightGrid,
    solved: Vec<Solved>,
    entries: Vec<Entry>,
    setting: Setting,
    /// The bytes of the file of statistics, where one is asked for.
    statistics: Option<Vec<u8>>,
    /// What was done to weights and inputs first.
    transform: Transform,
}

/// Solves, judges, writes, prints.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    args.check()?;
    let found = args.threads.run(|| work(&args))?;
    let single = args.compare.is_empty();
    let text = match (single, found.entries.first()) {
        (true, Some(entry)) => args.form.json(&Single { entry, setting: &found.setting })?,
        _ => args.form.json(&Comparison { setting: &found.setting, results: &found.entries })?,
    };
    let mut outputs = Outputs::default();
    if let (Some(path), Some(solved)) = (&args.out, found.solved.first()) {
        let tensor = found.grid.tensor(&solved.codes, solved.factor.as_deref())?;
        let metadata = metadata(&args, &found);
        let values = solved.values.clone().into_dyn();
        let extra = extra(&found.transform, &solved.values)?;
        outputs.add(path, quantized::write(path, &tensor, &values, &metadata, extra)?);
    }
    if let Some(path) = &args.report {
        outputs.add(path, format!("{text}\n").into_bytes());
    }
    let svg = args.svg.clone().or_else(|| (!single).then(|| PathBuf::from("layer.svg")));
    if let Some(path) = &svg {
        let picture = picture::draw(&found.entries, &found.setting).map_err(CliError::Picture)?;
        outputs.add(path, picture.into_bytes());
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
    let kept = args.acc.is_some() && args.constraint() != args::Keeping::None;
    let failed = kept && found.entries.iter().any(Entry::has_failed);
    Ok(if failed { Outcome::Different } else { Outcome::Done })
}

fn work(args: &Args) -> Result<Found, CliError> {
    let original = npy::read(&args.weight)?.into_float_matrix()?;
    let mut inputs = Inputs::open(args, original.dim())?;
    if let Some(EqualizeChoice::Smoothquant) = args.equalize {
        let most = inputs.abs_max()?;
        inputs.transform.smooth(original.view(), &most, args.alpha)?;
    }
    if let Some(choice) = args.rotate {
        inputs.transform.rotate(choice, original.ncols(), args.seed)?;
    }
    let weights = inputs.transform.weights(original)?;
    inputs.calibrate(args)?;
    let (statistics, statistics_seconds) = inputs.statistics(weights.ncols())?;
    let grid = WeightGrid::new(args, weights.view(), &statistics)?;
    let range = inputs.acts.as_ref().map(|acts| acts.range());
    let task = Task { args, weights: weights.view(), statistics: &statistics, grid: &grid, range };
    let algorithms = args.algorithms();
    let progress = LateProgress::new("solving", algorithms.len() as u64);
    let mut solved = Vec::with_capacity(algorithms.len());
    for algorithm in algorithms {
        solved.push(task.solve(algorithm)?);
        progress.step();
    }
    drop(progress);
    let verdicts = judge::judge(&task, &mut inputs, &solved)?;
    let entry = |(solved, verdict): (&Solved, _)| {
        Entry::new(solved, verdict, statistics_seconds, sparsity(&solved.values))
    };
    let entries: Vec<Entry> = solved.iter().zip(verdicts).map(entry).collect();
    let saved = args.save_statistics.as_ref().map(|_| statistics.to_bytes()).transpose()?;
    let setting = Setting {
        outputs: weights.nrows(),
        inputs: weights.ncols(),
        samples: inputs.samples(),
        weights: format_name(args, &grid),
        granularity: grid.granularity(),
        scale: scale_name(args, &grid),
        equalize: args.equalize.map(|choice| choice.to_string()),
        rotate: args.rotate.map(|choice| choice.to_string()),
        acts: args.acts.map(|acts| acts.to_string()),
        acc: args.acc.as_ref().map(|acc| acc.to_string()),
        constraint: args.acc.as_ref().map(|_| args.constraint().to_string()),
        act_order: args.act_order,
        quantized_inputs: args.input_quantized.is_some() || args.quantize_input,
        seed: args.seed,
        threads: rayon::current_num_threads(),
    };
    warn_of_hopeless(&entries, &grid);
    Ok(Found { grid, solved, entries, setting, statistics: saved, transform: inputs.transform })
}

/// Says so where weights of zeros would have been better.
fn warn_of_hopeless(entries: &[Entry], grid: &WeightGrid) {
    for entry in entries.iter().filter(|entry| entry.relative_error > 1.0) {
        let remedy = match grid.grid.zero_point() {
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

/// What the file has besides where weights and inputs were changed.
fn extra(transform: &Transform, values: &Array2<f32>) -> Result<Vec<Stored>, CliError> {
    if transform.is_identity() {
        return Ok(Vec::new());
    }
    let effective = transform.effective(values)?;
    let mut extra = vec![Stored::f32("effective", &effective.into_dyn())];
    if let Some(scales) = transform.scales() {
        extra.push(Stored::f32("channel_scale", &scales.clone().into_dyn()));
    }
    Ok(extra)
}

/// The format of the weights, narrowed where that is asked for.
fn format_name(args: &Args, grid: &WeightGrid) -> String {
    if grid.has_free_scales() { grid.grid.format().to_string() } else { args.weights.to_string() }
}

fn scale_name(args: &Args, grid: &WeightGrid) -> String {
    match &args.scale {
        Some(scale) => scale.to_string(),
        None if grid.has_free_scales() => ScaleChoice::Rule(ScaleName::AbsMax).to_string(),
        None => "of the format".into(),
    }
}

fn metadata(args: &Args, found: &Found) -> Metadata {
    let setting = &found.setting;
    Metadata {
        format: setting.weights.clone(),
        axis: Some(1),
        group: Some(found.grid.grid.group()),
        seed: args.seed,
        policy: json!({
            "algorithm": args.algorithm.to_string(),
            "scale": setting.scale,
            "equalize": setting.equalize,
            "rotate": setting.rotate,
            "acts": setting.acts,
            "acc": setting.acc,
            "constraint": setting.constraint,
            "act_order": setting.act_order,
        }),
        ..Metadata::default()
    }
}
