//! What `fewbit matmul` takes, and what its parts share.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::ValueEnum;
use fewbit::{Accumulator, Isa, ReportLevel};

use super::tail::TailArgs;
use serde::Serialize;

use crate::error::CliError;
use crate::io::names::Kind;
use crate::operands::OperandArgs;
use crate::options::{FormArgs, ThreadArgs};
use crate::output::Form;

const EXAMPLES: &str = "\
Examples:
  fewbit matmul A.npy B.npy --acc int16-sat
  fewbit matmul A.npy B.npy --acc int16-wrap/64,int24-sat --out C.npy --report R.json
  fewbit matmul A.npy B.npy --acc int20-sat --detail none --threads 1 --repeat 10 --json
  fewbit matmul A.npy B.npy --a e4m3fn --b e5m2 --acc e5m10-rne --out C.npy
  fewbit matmul A.npy B.npy --a e4m3fn --b e4m3fn --round ties-even --acc preset:h100-wgmma-fp8 --init C0.npy
  fewbit matmul A.npy B.npy --acc int32-wrap --out Y.npy --requantize gemmlowp --requantize-to int8 \
      --requantize-scale 0.0037            the outputs of a layer: the register, then TFLite's requantization

Integers go through integer stages with reports at the speed of the product, and most floats through float and aligned
registers with reports in vectors too; what no vectors serve is stepped in exact arithmetic, some million steps per
second and thread. The last line says which it was.";

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
    pub(super) operands: OperandArgs,
    /// Accumulator, as `int16-sat`, `int16-wrap/64,int24-sat`, `e5m10-rne` or `preset:h100-wgmma-fp8`
    #[arg(long, value_name = "SPEC")]
    pub(super) acc: Accumulator,
    /// Write the product [M, N] here: int64, or the last register's values as float32 where that is exact for all,
    /// else float64; with --requantize, the integers of its format
    #[arg(long, value_name = "C.npy", value_parser = Kind::Npy.output())]
    pub(super) out: Option<PathBuf>,
    /// Write the report as JSON here
    #[arg(long, value_name = "R.json", value_parser = Kind::Json.output())]
    pub(super) report: Option<PathBuf>,
    /// How much is reported; less is faster
    #[arg(long, value_enum, default_value_t)]
    pub(super) detail: Detail,
    #[arg(long, value_name = "ISA", help = isa_help())]
    pub(super) isa: Option<Isa>,
    /// Compute this many times and report the least time
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) repeat: NonZeroU32,
    #[command(flatten)]
    pub(super) tail: TailArgs,
    #[command(flatten)]
    pub(super) threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// How much is reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Detail {
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
pub(super) struct Shown {
    /// The content of C.npy.
    pub(super) values: Result<Vec<u8>, std::io::Error>,
    pub(super) json: Option<String>,
    pub(super) text: String,
}

/// The lines before and after the table of stages.
pub(super) fn frame(
    acc: &Accumulator,
    [m, k, n]: [usize; 3],
    table: &str,
    seconds: f64,
    by: &str,
) -> String {
    let outputs = m.saturating_mul(n);
    let rate = m as f64 * k as f64 * n as f64 / seconds.max(f64::MIN_POSITIVE) / 1e9;
    let table = if table.is_empty() { String::new() } else { format!("{table}\n") };
    format!(
        "[{m}, {k}] x [{k}, {n}] through {acc}: {outputs} outputs\n{table}{seconds:.6} s, {rate:.3} GMAC/s, {by}"
    )
}

impl Args {
    /// The report as JSON where that is asked for: the inputs are hashed for it.
    ///
    /// # Errors
    /// A file that can be read no more.
    pub(super) fn json(&self, report: &impl Serialize) -> Result<Option<String>, CliError> {
        let asked = self.report.is_some() || self.form.form() == Form::Json;
        asked.then(|| self.form.json(report, Some(self.operands.seed))).transpose()
    }
}
