//! `fewbit matmul`: two integer matrices through an accumulator.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::ValueEnum;
use fewbit::accumulate::FirstEvent;
use fewbit::{Accumulator, Isa, MatmulOptions, Product, ReportLevel};
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
  fewbit matmul A.npy B.npy --acc int20-sat --detail none --threads 1 --repeat 10 --json";

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
    /// How much is reported; less is faster
    #[arg(long, value_enum, default_value_t)]
    detail: Detail,
    /// Instruction set: portable, avx2 or avx512 [default: the widest that the CPU has]; results do not depend on it
    #[arg(long, value_name = "ISA")]
    isa: Option<Isa>,
    /// Compute this many times and report the least time
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    form: FormArgs,
}

/// How much is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Detail {
    /// Nothing but the time
    None,
    /// Overflow events, the outputs that had any, and the first
    Events,
    /// Also the extremes and the widths that the exact sums need
    #[default]
    Full,
}

impl From<Detail> for ReportLevel {
    fn from(detail: Detail) -> Self {
        match detail {
            Detail::None => Self::None,
            Detail::Events => Self::Events,
            Detail::Full => Self::Full,
        }
    }
}

/// The content of the report's file.
#[derive(Serialize)]
struct MatmulReport {
    acc: String,
    shape: [usize; 3],
    stages: Vec<StageEntry>,
    seconds: f64,
    isa: String,
    threads: usize,
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

/// Multiplies, reports, writes.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let a = npy::read(&args.a)?.into_integer_matrix()?;
    let b = npy::read(&args.b)?.into_integer_matrix()?;
    let options = MatmulOptions { report: args.detail.into(), isa: args.isa };
    let (product, threads) = args.threads.run(|| {
        let product = product::multiply(a.view(), b.view(), &args.acc, &options, args.repeat)?;
        Ok((product, rayon::current_num_threads()))
    })?;
    let report = MatmulReport {
        acc: args.acc.to_string(),
        shape: [a.nrows(), a.ncols(), b.ncols()],
        stages: entries(&product),
        seconds: product.seconds,
        isa: product.isa.to_string(),
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

fn text(acc: &Accumulator, report: &MatmulReport) -> String {
    let [m, k, n] = report.shape;
    let outputs = m.saturating_mul(n);
    let rate = m as f64 * k as f64 * n as f64 / report.seconds.max(f64::MIN_POSITIVE) / 1e9;
    let table = if report.stages.is_empty() { String::new() } else { table(acc, report) + "\n" };
    format!(
        "[{m}, {k}] x [{k}, {n}] through {acc}: {outputs} outputs\n{table}\
         {:.6} s, {rate:.3} GMAC/s, {}, {} thread(s)",
        report.seconds, report.isa, report.threads
    )
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
