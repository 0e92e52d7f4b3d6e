//! `fewbit explain`: one output, step by step.

mod args;

pub(crate) use args::Args;

use fewbit::FloatMatmulError;
use fewbit::reference::{FloatMatmul, ReferenceError};
use fewbit::trace::{Trace, TraceStep};

use crate::error::{CliError, Outcome};
use crate::operands::{Operands, Part, Read};
use crate::output::{self, Form};

/// Explains.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    let part = Part::Output { row: args.row, col: args.col };
    let Read { operands, columns } = args.operands.read(&args.acc, part, &args.form.inputs)?;
    let place = (args.row, args.col);
    let trace = match operands {
        Operands::Integer { a, b, init } => {
            let (left, right) = (a.row(0).to_vec(), b.column(0).to_vec());
            let start = init.map_or(0, |init| init[[0, 0]]);
            let trace = Trace::of_integers(&args.acc, &left, &right, start, args.shown());
            trace.map_err(|mut error| {
                if let ReferenceError::InitRange { row, col, .. } = &mut error {
                    (*row, *col) = place;
                }
                error
            })?
        }
        Operands::Real { a, b, init } => {
            let failed = |error| CliError::from(FloatMatmulError::from(error));
            let init = init.as_ref().map(|init| init.view());
            let problem = FloatMatmul::new(&a, &b, &args.acc, init, args.operands.seed);
            let problem = problem.map_err(failed)?.part_of(place, columns);
            Trace::of_output(&problem, (0, 0), args.shown()).map_err(failed)?
        }
    };
    let trace = trace.at(place);
    match args.form.form() {
        Form::Json => output::print(&args.form.json(&trace, Some(args.operands.seed))?)?,
        Form::Text => output::print(&text(&args, &trace))?,
    }
    Ok(Outcome::Done)
}

/// Steps shown where no range is asked for.
const SHOWN: usize = 100;

fn text(args: &Args, trace: &Trace) -> String {
    let limit = if args.from.is_none() && args.to.is_none() { SHOWN } else { usize::MAX };
    let shown = &trace.steps[..trace.steps.len().min(limit)];
    let mut table = output::numbers(&TraceStep::TITLES);
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
