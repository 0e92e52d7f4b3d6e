//! `fewbit explain`: one output, step by step.

mod args;
mod float;
mod integer;
mod step;

pub(crate) use args::Args;
use args::Trace;

use crate::error::{CliError, Outcome};
use crate::operands::{Operands, Part, Read};
use crate::output::{self, Form};

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

/// Steps shown where no range is asked for.
const SHOWN: usize = 100;

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
