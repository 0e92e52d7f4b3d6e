//! `fewbit explain`: one output, step by step.

mod float;
mod integer;
mod step;

use fewbit::Accumulator;
use serde::Serialize;

use self::step::Step;
use crate::error::{CliError, Outcome};
use crate::operands::{OperandArgs, Operands, Part, Read};
use crate::options::FormArgs;
use crate::output::{self, Form};

const EXAMPLES: &str = "\
Examples:
  fewbit explain A.npy B.npy --row 0 --col 3 --acc int16-sat
  fewbit explain A.npy B.npy --row 0 --col 3 --a e4m3fn --b e5m2 --acc e5m10-rne --from 96 --to 128
  fewbit explain A.npy B.npy --row 0 --col 3 --a e4m3fn --b e4m3fn --acc preset:h100-wgmma-fp8 --json

The steps are those of the scalar reference, which computes the output and the trace at once.";

/// Steps shown where no range is asked for.
const SHOWN: usize = 100;

/// Arguments of `fewbit explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    operands: OperandArgs,
    /// Row of the output, from 0
    #[arg(long, value_name = "I")]
    row: usize,
    /// Column of the output, from 0
    #[arg(long, value_name = "J")]
    col: usize,
    /// Accumulator, as for `fewbit matmul`
    #[arg(long, value_name = "SPEC")]
    acc: Accumulator,
    /// Show the steps from this k on [default: the first]
    #[arg(long, value_name = "K")]
    from: Option<u64>,
    /// Show the steps up to this k [default: the last; as text, 100 steps at most]
    #[arg(long, value_name = "K")]
    to: Option<u64>,
    #[command(flatten)]
    pub(crate) form: FormArgs,
}

/// One output and how it came about.
#[derive(Serialize)]
struct Trace {
    acc: String,
    row: usize,
    col: usize,
    k: usize,
    /// The last register's value after all steps.
    value: output::Exact,
    /// Steps of all stages, not only of those that are listed.
    all_steps: usize,
    /// The steps from --from to --to.
    steps: Vec<Step>,
}

/// Explains.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let part = Part::Output { row: args.row, col: args.col };
    let Read { operands, columns } = args.operands.read(&args.acc, part)?;
    let trace = match operands {
        Operands::Integer { a, b, init } => integer::trace(&args, &a, &b, init.as_ref())?,
        Operands::Real { a, b, init } => float::trace(&args, (&a, &b), init.as_ref(), columns)?,
    };
    match args.form.form() {
        Form::Json => output::print(&args.form.json(&trace)?)?,
        Form::Text => output::print(&text(&args, &trace))?,
    }
    Ok(Outcome::Done)
}

impl Args {
    /// Whether a step of these products is asked for.
    fn wants(&self, first_k: u64, last_k: u64) -> bool {
        self.from.is_none_or(|from| last_k >= from) && self.to.is_none_or(|to| first_k <= to)
    }

    fn trace(&self, k: usize, value: output::Exact, all_steps: usize, steps: Vec<Step>) -> Trace {
        let Self { row, col, .. } = *self;
        Trace { acc: self.acc.to_string(), row, col, k, value, all_steps, steps }
    }
}

fn text(args: &Args, trace: &Trace) -> String {
    let limit = if args.from.is_none() && args.to.is_none() { SHOWN } else { usize::MAX };
    let shown = &trace.steps[..trace.steps.len().min(limit)];
    let mut table =
        output::numbers(&["stage", "k", "input", "before", "exact sum", "after", "event"]);
    for step in shown {
        step.rows(|row| {
            table.add_row(row);
        });
    }
    let left_out = trace.all_steps - shown.len();
    let rest = match left_out {
        0 => String::new(),
        _ => format!(
            "\n{left_out} of {} steps are not shown: --from K and --to K choose",
            trace.all_steps
        ),
    };
    format!(
        "output ({}, {}) of K = {} through {}\n{table}{rest}\nvalue {}",
        trace.row, trace.col, trace.k, trace.acc, trace.value
    )
}
