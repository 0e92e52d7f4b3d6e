//! `fewbit matmul`: two matrices through an accumulator.

mod float;
mod integer;

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::ValueEnum;
use fewbit::{Accumulator, Isa, ReportLevel};

use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::io::names::Kind;
use crate::operands::{OperandArgs, Operands, Part};
use crate::options::{FormArgs, ThreadArgs};
use crate::output::Form;

const EXAMPLES: &str = "\
Examples:
  fewbit matmul A.npy B.npy --acc int16-sat
  fewbit matmul A.npy B.npy --acc int16-wrap/64,int24-sat --out C.npy --report R.json
  fewbit matmul A.npy B.npy --acc int20-sat --detail none --threads 1 --repeat 10 --json
  fewbit matmul A.npy B.npy --a e4m3fn --b e5m2 --acc e5m10-rne --out C.npy
  fewbit matmul A.npy B.npy --a e4m3fn --b e4m3fn --round ties-even --acc preset:h100-wgmma-fp8 --init C0.npy

Integers go through integer stages with reports at the speed of the product; every other product is computed in vectors
where --detail is none, and step by step in exact arithmetic, some million steps per second and thread, where a report
is asked for.";

/// The help of `--isa`.
fn isa_help() -> String {
    let names = Isa::names();
    format!(
        "Instruction set: {names} [default: the widest that the CPU has]; results do not depend on it"
    )
}

/// Arguments of `fewbit matmul`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    operands: OperandArgs,
    /// Accumulator, as `int16-sat`, `int16-wrap/64,int24-sat`, `e5m10-rne` or `preset:h100-wgmma-fp8`
    #[arg(long, value_name = "SPEC")]
    acc: Accumulator,
    /// Write the product [M, N] here: int64, or the last register's values as float32 where that is exact for all,
    /// else float64
    #[arg(long, value_name = "C.npy", value_parser = Kind::Npy.output())]
    out: Option<PathBuf>,
    /// Write the report as JSON here
    #[arg(long, value_name = "R.json", value_parser = Kind::Json.output())]
    report: Option<PathBuf>,
    /// How much is reported; less is faster
    #[arg(long, value_enum, default_value_t)]
    detail: Detail,
    #[arg(long, value_name = "ISA", help = isa_help())]
    isa: Option<Isa>,
    /// Compute this many times and report the least time
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
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

/// What a product gives to show and to write.
struct Shown {
    /// The content of C.npy.
    values: Result<Vec<u8>, std::io::Error>,
    json: String,
    text: String,
}

/// Multiplies, reports, writes.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let shown = match args.operands.read(&args.acc, Part::Whole)?.operands {
        Operands::Integer { a, b, init } => integer::run(&args, &a, &b, init.as_ref())?,
        Operands::Real { a, b, init } => float::run(&args, &a, &b, init.as_ref())?,
    };
    let mut outputs = Outputs::default();
    if let Some(path) = &args.out {
        let failed = |source| CliError::Write { path: path.clone(), source };
        outputs.add(path, shown.values.map_err(failed)?);
    }
    if let Some(path) = &args.report {
        outputs.add(path, (shown.json.clone() + "\n").into_bytes());
    }
    outputs.write(match args.form.form() {
        Form::Json => &shown.json,
        Form::Text => &shown.text,
    })?;
    Ok(Outcome::Done)
}

/// The lines before and after the table of stages.
fn frame(acc: &Accumulator, [m, k, n]: [usize; 3], table: &str, seconds: f64, by: &str) -> String {
    let outputs = m.saturating_mul(n);
    let rate = m as f64 * k as f64 * n as f64 / seconds.max(f64::MIN_POSITIVE) / 1e9;
    let table = if table.is_empty() { String::new() } else { format!("{table}\n") };
    format!(
        "[{m}, {k}] x [{k}, {n}] through {acc}: {outputs} outputs\n{table}{seconds:.6} s, {rate:.3} GMAC/s, {by}"
    )
}
