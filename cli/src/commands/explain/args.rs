//! What `fewbit explain` takes, and what its parts share.

use fewbit::Accumulator;
use serde::Serialize;

use super::step::Step;
use crate::operands::OperandArgs;
use crate::options::FormArgs;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  fewbit explain A.npy B.npy --row 0 --col 3 --acc int16-sat
  fewbit explain A.npy B.npy --row 0 --col 3 --a e4m3fn --b e5m2 --acc e5m10-rne --from 96 --to 128
  fewbit explain A.npy B.npy --row 0 --col 3 --a e4m3fn --b e4m3fn --acc preset:h100-wgmma-fp8 --json

The steps are those of the scalar reference, which computes the output and the trace at once.";

/// Arguments of `fewbit explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) operands: OperandArgs,
    /// Row of the output, from 0
    #[arg(long, value_name = "I")]
    pub(super) row: usize,
    /// Column of the output, from 0
    #[arg(long, value_name = "J")]
    pub(super) col: usize,
    /// Accumulator, as for `fewbit matmul`
    #[arg(long, value_name = "SPEC")]
    pub(super) acc: Accumulator,
    /// Show the steps from this k on [default: the first]
    #[arg(long, value_name = "K")]
    pub(super) from: Option<u64>,
    /// Show the steps up to this k [default: the last; as text, 100 steps at most]
    #[arg(long, value_name = "K")]
    pub(super) to: Option<u64>,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// One output and how it came about.
#[derive(Serialize)]
pub(super) struct Trace {
    pub(super) acc: String,
    pub(super) row: usize,
    pub(super) col: usize,
    pub(super) k: usize,
    /// The last register's value after all steps.
    pub(super) value: output::Exact,
    /// Steps of all stages, not only of those that are listed.
    pub(super) all_steps: usize,
    /// The steps from --from to --to.
    pub(super) steps: Vec<Step>,
}

impl Args {
    /// Whether a step of these products is asked for.
    pub(super) fn wants(&self, first_k: u64, last_k: u64) -> bool {
        self.from.is_none_or(|from| last_k >= from) && self.to.is_none_or(|to| first_k <= to)
    }

    pub(super) fn trace(
        &self,
        k: usize,
        value: output::Exact,
        all_steps: usize,
        steps: Vec<Step>,
    ) -> Trace {
        let Self { row, col, .. } = *self;
        Trace { acc: self.acc.to_string(), row, col, k, value, all_steps, steps }
    }
}
