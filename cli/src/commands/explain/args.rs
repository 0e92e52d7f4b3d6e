//! What `fewbit explain` takes.

use std::ops::RangeInclusive;

use fewbit::Accumulator;

use crate::operands::OperandArgs;
use crate::options::FormArgs;

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

impl Args {
    /// Products whose steps are asked for.
    pub(super) fn shown(&self) -> RangeInclusive<u64> {
        self.from.unwrap_or(0)..=self.to.unwrap_or(u64::MAX)
    }
}
