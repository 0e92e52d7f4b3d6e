//! Any numbers through any stages.

use fewbit::reference::{Dyadic, FloatOperand, FloatReport, FloatStageReport};
use fewbit::{Accumulator, FloatOptions, FloatProduct, matmul_float};
use ndarray::Array2;
use serde::Serialize;

use super::args::{Args, Shown, frame};
use crate::error::CliError;
use crate::io::npy;
use crate::output::{self, ExactNumber};

/// The content of the report's file.
#[derive(Serialize)]
struct FloatMatmulReport {
    acc: String,
    a: String,
    b: String,
    shape: [usize; 3],
    stages: Vec<FloatStageReport>,
    /// Values that float64 does not have.
    rounded: u64,
    seconds: f64,
    engine: String,
    isa: String,
    threads: usize,
}

/// Multiplies and reports.
pub(super) fn run(
    args: &Args,
    a: &FloatOperand,
    b: &FloatOperand,
    init: Option<&Array2<f64>>,
) -> Result<Shown, CliError> {
    let options = FloatOptions {
        report: args.detail.into(),
        isa: args.isa,
        seed: args.operands.seed,
        init: init.map(|init| init.view()),
    };
    let (product, threads) = args.threads.run(|| {
        let once = || matmul_float(a, b, &args.acc, &options);
        let mut best = once()?;
        for _ in 1..args.repeat.get() {
            best.seconds = best.seconds.min(once()?.seconds);
        }
        Ok((best, rayon::current_num_threads()))
    })?;
    let FloatProduct { values, rounded, report, engine, isa, seconds } = product;
    if rounded > 0 {
        output::warn(&format!(
            "{rounded} of the exact sums are no float64: the nearest ones are written"
        ));
    }
    let report = FloatMatmulReport {
        acc: args.acc.to_string(),
        a: a.format().to_string(),
        b: b.format().to_string(),
        shape: [a.values().nrows(), a.values().ncols(), b.values().ncols()],
        stages: report.map_or(Vec::new(), |FloatReport { stages }| stages),
        rounded,
        seconds,
        engine: engine.to_string(),
        isa: isa.to_string(),
        threads,
    };
    let table = if report.stages.is_empty() { String::new() } else { table(&args.acc, &report) };
    let by = format!("{engine}, {isa}, {threads} thread(s)");
    Ok(Shown {
        values: encode(&values),
        json: args.json(&report)?,
        text: frame(&args.acc, report.shape, &table, seconds, &by),
    })
}

/// float32 where that is exact for all, else float64.
fn encode(values: &Array2<f64>) -> Result<Vec<u8>, std::io::Error> {
    let shape = [values.nrows(), values.ncols()];
    if values.iter().all(|&x| x.is_nan() || f64::from(x as f32) == x) {
        npy::encode(&shape, &values.iter().map(|&x| x as f32).collect::<Vec<_>>())
    } else {
        npy::encode(&shape, &values.iter().copied().collect::<Vec<_>>())
    }
}

fn table(acc: &Accumulator, report: &FloatMatmulReport) -> String {
    let titles = [
        "stage",
        "events",
        "outputs",
        "first event",
        "min",
        "max",
        "steps",
        "inexact",
        "underflows",
        "absorbed",
        "invalid",
    ];
    let mut table = output::numbers(&titles);
    let text = |x: &Dyadic| ExactNumber::from(x.clone()).to_string();
    for (stage, spec) in report.stages.iter().zip(acc.stages()) {
        let first = stage.first.as_ref().map_or("none".into(), |e| {
            format!("{} at ({}, {}), k = {}", text(&e.value), e.row, e.col, e.k)
        });
        table.add_row([
            spec.to_string(),
            stage.events.to_string(),
            stage.outputs.to_string(),
            first,
            text(&stage.min),
            text(&stage.max),
            stage.steps.to_string(),
            stage.inexact.to_string(),
            stage.underflows.to_string(),
            stage.absorbed.to_string(),
            stage.invalid.to_string(),
        ]);
    }
    table.to_string()
}
