//! `fewbit layer`: one layer's weights through an algorithm.

mod acts;
mod args;
mod grid;
mod inputs;
mod judge;
mod picture;
mod report;
mod solve;

use std::path::PathBuf;

use serde_json::json;

pub(crate) use args::Args;

use self::args::ScaleChoice;
use self::grid::{WeightGrid, sparsity};
use self::inputs::Inputs;
use self::report::{Comparison, Entry, Setting, Single};
use self::solve::{Solved, Task};
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
}

/// Solves, judges, writes, prints.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let found = args.threads.run(|| work(&args))?;
    let single = args.compare.is_empty();
    let text = match (single, found.entries.first()) {
        (true, Some(entry)) => output::json(&Single { entry, setting: &found.setting })?,
        _ => output::json(&Comparison { setting: &found.setting, results: &found.entries })?,
    };
    let mut outputs = Outputs::default();
    if let (Some(path), Some(solved)) = (&args.out, found.solved.first()) {
        let tensor = found.grid.tensor(&solved.codes, solved.factor.as_deref())?;
        let metadata = metadata(&args, &found);
        outputs.add(
            path,
            quantized::write(path, &tensor, &solved.values.clone().into_dyn(), &metadata)?,
        );
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
    outputs.write()?;
    match args.form.form() {
        Form::Json => output::print(&text)?,
        Form::Text => {
            output::print(&report::text(&found.entries, &found.setting))?;
            if let Some(path) = svg {
                output::print(&format!("picture: {}", path.display()))?;
            }
        }
    }
    // Without a constraint overflows are a result like any other.
    let kept = args.acc.is_some() && args.constraint != args::Keeping::None;
    let failed = kept && found.entries.iter().any(Entry::has_failed);
    Ok(if failed { Outcome::Different } else { Outcome::Done })
}

fn work(args: &Args) -> Result<Found, CliError> {
    let weights = npy::read(&args.weight)?.into_float_matrix()?;
    let mut inputs = Inputs::open(args, weights.dim())?;
    let grid = WeightGrid::new(args, weights.view())?;
    let (statistics, statistics_seconds) = inputs.statistics()?;
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
    let entries = solved.iter().zip(verdicts).map(entry).collect();
    let saved = args.save_statistics.as_ref().map(|_| statistics.to_bytes()).transpose()?;
    let setting = Setting {
        outputs: weights.nrows(),
        inputs: weights.ncols(),
        samples: inputs.samples(),
        weights: format_name(args, &grid),
        granularity: grid.granularity(),
        scale: scale_name(args, &grid),
        acts: args.acts.map(|acts| acts.to_string()),
        acc: args.acc.as_ref().map(|acc| acc.to_string()),
        constraint: args.acc.as_ref().map(|_| args.constraint.to_string()),
        act_order: args.act_order,
        quantized_inputs: args.input_quantized.is_some() || args.quantize_input,
        seed: args.seed,
        threads: rayon::current_num_threads(),
    };
    Ok(Found { grid, solved, entries, setting, statistics: saved })
}

/// The format of the weights, narrowed where that is asked for.
fn format_name(args: &Args, grid: &WeightGrid) -> String {
    if grid.has_free_scales() { grid.grid.format().to_string() } else { args.weights.to_string() }
}

fn scale_name(args: &Args, grid: &WeightGrid) -> String {
    match &args.scale {
        Some(scale) => scale.to_string(),
        None if grid.has_free_scales() => ScaleChoice::AbsMax.to_string(),
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
            "acts": setting.acts,
            "acc": setting.acc,
            "constraint": setting.constraint,
            "act_order": setting.act_order,
        }),
    }
}
