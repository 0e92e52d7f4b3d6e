//! `fewbit matmul`: two matrices through an accumulator.

mod args;
mod float;
mod integer;
mod tail;

pub(crate) use args::Args;

use crate::error::{CliError, Outcome};
use crate::io::atomic::Outputs;
use crate::operands::{Operands, Part};
use crate::output::Form;

/// Multiplies, reports, writes.
pub(crate) fn run(args: Args) -> Result<Outcome, CliError> {
    args.tail.check(&args.acc)?;
    let shown = match args.operands.read(&args.acc, Part::Whole, &args.form.inputs)?.operands {
        Operands::Integer { a, b, init } => integer::run(&args, &a, &b, init.as_ref())?,
        Operands::Real { a, b, init } => {
            args.tail.refuse_reals()?;
            float::run(&args, &a, &b, init.as_ref())?
        }
    };
    let mut outputs = Outputs::default();
    if let Some(path) = &args.out {
        let failed = |source| CliError::Write { path: path.clone(), source };
        outputs.add(path, shown.values.map_err(failed)?);
    }
    if let (Some(path), Some(json)) = (&args.report, &shown.json) {
        outputs.add(path, (json.clone() + "\n").into_bytes());
    }
    outputs.write(match (args.form.form(), &shown.json) {
        (Form::Json, Some(json)) => json,
        _ => &shown.text,
    })?;
    Ok(Outcome::Done)
}
