//! One module per job.

pub(crate) mod accumulators;
pub(crate) mod bounds;
pub(crate) mod cast;
pub(crate) mod dequantize;
pub(crate) mod explain;
pub(crate) mod formats;
pub(crate) mod layer;
pub(crate) mod matmul;
pub(crate) mod quantize;
mod ranges;
pub(crate) mod sweep;

use crate::args::Command;
use crate::error::{CliError, Outcome};

/// Does what the arguments ask for.
pub(crate) fn run(command: Command) -> Result<Outcome, CliError> {
    match command {
        Command::Accumulators(args) => accumulators::run(args),
        Command::Bounds(args) => bounds::run(args),
        Command::Cast(args) => cast::run(args),
        Command::Dequantize(args) => dequantize::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Formats(args) => formats::run(args),
        Command::Layer(args) => layer::run(*args),
        Command::Matmul(args) => matmul::run(args),
        Command::Quantize(args) => quantize::run(args),
        Command::Sweep(args) => sweep::run(args),
    }
}
