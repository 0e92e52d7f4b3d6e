//! `fewbit matmul`: two integer matrices through an accumulator.

use std::num::NonZeroU32;
use std::path::PathBuf;

use fewbit::Accumulator;
use fewbit::accumulate::StageReport;
use serde::Serialize;

use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::npy;
use crate::options::{FormArgs, ThreadArgs};
use crate::output::{self, Form};
use crate::product;

const EXAMPLES: &str = "\
Examples:
  fewbit matmul A.npy B.npy --acc int16-sat
  fewbit matmul A.npy B.npy --acc int16-wrap/64,int24-sat --out C.npy --report R.json
  fewbit matmul A.npy B.npy --acc int20-sat --threads 1 --repeat 10 --json";

/// Arguments of `fewbit matmul`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Left matrix [M, K]: integers of at most 32 bits
    #[arg(value_name = "A.npy")]
    a: PathBuf,
    /// Right matrix [K, N]: integers of at most 32 bits
    #[arg(value_name = "B.npy")]
    b: PathBuf,
    /// Accumulator, as `int16-sat` or `int16-wrap/64,int24-sat`
    #[arg(long, value_name = "SPEC")]
    acc: Accumulator,
    /// Write the product [M, N] as int64 here
    #[arg(long, value_name = "C.npy")]
    out: Option<PathBuf>,
    /// Write the report as JSON here
    #[arg(long, value_name = "R.json")]
    report: Option<PathBuf>,
    /// Compute this many times and report the least time
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    form: FormArgs,
}

/// The content of the report's file.
#[derive(Serialize)]
struct MatmulReport<'a> {
    acc: String,
    shape: [usize; 3],
    stages: &'a [StageReport],
    seconds: f64,
    isa: &'a str,
    threads: usize,
}

/// Multiplies, reports, writes.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let a = npy::read(&args.a)?.into_integer_matrix()?;
    let b = npy::read(&args.b)?.into_integer_matrix()?;
    let (product, threads) = args.threads.run(|| {
        let product = product::multiply(a.view(), b.view(), &args.acc, args.repeat)?;
        Ok((product, rayon::current_num_threads()))
    })?;
    let report = MatmulReport {
        acc: args.acc.to_string(),
        shape: [a.nrows(), a.ncols(), b.ncols()],
        stages: &product.report.stages,
        seconds: product.seconds,
        isa: &product.isa,
        threads,
    };
    let mut outputs = Outputs::default();
    if let Some(path) = &args.out {
        let (rows, columns) = product.values.dim();
        let values: Vec<i64> = product.values.iter().copied().collect();
        let bytes = npy::encode(&[rows, columns], &values)
            .map_err(|source| CliError::Write { path: path.clone(), source })?;
        outputs.add(path, bytes);
    }
    if let Some(path) = &args.report {
        outputs.add(path, (output::json(&report)? + "\n").into_bytes());
    }
    outputs.write()?;
    match args.form.form() {
        Form::Json => output::print(&output::json(&report)?)?,
        Form::Text => output::print(&text(&args.acc, &report))?,
    }
    Ok(Outcome::Done)
}

fn text(acc: &Accumulator, report: &MatmulReport<'_>) -> String {
    let titles = ["stage", "events", "outputs", "first event", "min", "max", "required bits"];
    let mut table = output::numbers(&titles);
    for (stage, spec) in report.stages.iter().zip(acc.stages()) {
        let first = stage.first.map_or("none".into(), |e| {
            format!("{} at ({}, {}), k = {}", e.value, e.row, e.col, e.k)
        });
        table.add_row([
            spec.to_string(),
            stage.events.to_string(),
            stage.outputs.to_string(),
            first,
            stage.min.to_string(),
            stage.max.to_string(),
            stage.required_bits.to_string(),
        ]);
    }
    let [m, k, n] = report.shape;
    let outputs = m.saturating_mul(n);
    let rate = m as f64 * k as f64 * n as f64 / report.seconds / 1e9;
    format!(
        "[{m}, {k}] x [{k}, {n}] through {acc}: {outputs} outputs\n{table}\n\
         {:.6} s, {rate:.3} GMAC/s, {}, {} thread(s)",
        report.seconds, report.isa, report.threads
    )
}
