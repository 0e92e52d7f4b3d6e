//! Integers through integer stages.

use std::collections::BTreeMap;

use fewbit::accumulate::FirstEvent;
use fewbit::{Accumulator, MatmulOptions, Product};
use ndarray::Array2;
use serde::Serialize;

use super::args::{Args, Shown, frame};
use super::tail;
use crate::error::CliError;
use crate::io::npy;
use crate::output;
use crate::product;
use crate::requantization::RequantizeReport;

/// The content of the report's file.
#[derive(Serialize)]
struct MatmulReport {
    acc: String,
    shape: [usize; 3],
    stages: Vec<StageEntry>,
    seconds: f64,
    isa: String,
    threads: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    requantized: Option<RequantizeReport>,
}

/// One stage in the report's file.
#[derive(Serialize)]
struct StageEntry {
    events: u64,
    outputs: u64,
    first: Option<FirstEvent>,
    #[serde(flatten)]
    extent: Option<Extent>,
}

/// The part of a stage's entry that only the full report has.
#[derive(Serialize)]
struct Extent {
    min: i128,
    max: i128,
    required_bits: u32,
    histogram: BTreeMap<u32, u64>,
}

/// Multiplies and reports.
pub(super) fn run(
    args: &Args,
    a: &Array2<i64>,
    b: &Array2<i64>,
    init: Option<&Array2<i64>>,
) -> Result<Shown, CliError> {
    let (report, init) = (args.detail.into(), init.map(|init| init.view()));
    let options = MatmulOptions { report, isa: args.isa, init };
    let requantizer = args.tail.requantizer(b.ncols(), args.operands.seed, &args.form.inputs)?;
    let (product, requantized, threads) = args.threads.run(|| {
        let product = product::multiply(a.view(), b.view(), &args.acc, &options, args.repeat)?;
        let by = requantizer.as_ref();
        let requantized = by.map(|by| tail::requantized(by, &product.values)).transpose()?;
        Ok((product, requantized, rayon::current_num_threads()))
    })?;
    let (outputs, requantized) = requantized.unzip();
    let report = MatmulReport {
        acc: args.acc.to_string(),
        shape: [a.nrows(), a.ncols(), b.ncols()],
        stages: entries(&product),
        seconds: product.seconds,
        isa: product.isa.to_string(),
        threads,
        requantized,
    };
    let values = match outputs {
        Some(outputs) => outputs.file,
        None => {
            let values: Vec<i64> = product.values.iter().copied().collect();
            let (rows, columns) = product.values.dim();
            npy::encode(&[rows, columns], &values)
        }
    };
    let table = if report.stages.is_empty() { String::new() } else { table(&args.acc, &report) };
    let by = format!("{}, {} thread(s)", report.isa, report.threads);
    let tail = report.requantized.as_ref().map_or(String::new(), |done| format!("\n{done}"));
    Ok(Shown {
        values,
        json: args.json(&report)?,
        text: frame(&args.acc, report.shape, &table, report.seconds, &by) + &tail,
    })
}

fn entries(product: &Product) -> Vec<StageEntry> {
    if let Some(report) = &product.report {
        let entry = |stage: &fewbit::accumulate::StageReport| StageEntry {
            events: stage.events,
            outputs: stage.outputs,
            first: stage.first,
            extent: Some(Extent {
                min: stage.min,
                max: stage.max,
                required_bits: stage.required_bits,
                histogram: stage.histogram.clone(),
            }),
        };
        return report.stages.iter().map(entry).collect();
    }
    let entry = |stage: &fewbit::StageEvents| StageEntry {
        events: stage.events,
        outputs: stage.outputs,
        first: stage.first,
        extent: None,
    };
    product.events.iter().flatten().map(entry).collect()
}

fn table(acc: &Accumulator, report: &MatmulReport) -> String {
    let full = report.stages.iter().all(|stage| stage.extent.is_some());
    let mut titles = vec!["stage", "events", "outputs", "first event"];
    if full {
        titles.extend(["min", "max", "required bits"]);
    }
    let mut table = output::numbers(&titles);
    for (stage, spec) in report.stages.iter().zip(acc.stages()) {
        let first = stage.first.map_or("none".into(), |e| {
            format!("{} at ({}, {}), k = {}", e.value, e.row, e.col, e.k)
        });
        let mut row =
            vec![spec.to_string(), stage.events.to_string(), stage.outputs.to_string(), first];
        row.extend(stage.extent.iter().flat_map(|extent| {
            [extent.min.to_string(), extent.max.to_string(), extent.required_bits.to_string()]
        }));
        table.add_row(row);
    }
    table.to_string()
}
