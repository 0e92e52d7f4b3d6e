//! The `fewbit` command line: what a narrow format or accumulator does to a computation.

mod args;
mod commands;
mod conversion;
mod error;
mod io;
mod options;
mod output;
mod policy;
mod product;

use std::process::ExitCode;

fn main() -> ExitCode {
    match args::parse().and_then(commands::run) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            output::complain(&error);
            error.exit_code()
        }
    }
}
