//! The `fewbit` command line as a library: its entry point, and the data set that it carries.

mod args;
mod commands;
mod conversion;
pub mod digits;
mod error;
mod group_policy;
mod io;
mod operands;
mod options;
mod output;
mod policy;
mod product;
mod quantized;
mod spelling;
mod sweep;
mod timing;

use std::process::ExitCode;

/// Does what the arguments of this process ask for.
pub fn main() -> ExitCode {
    let command = args::parse().map(|mut command| {
        for warning in command.form_mut().warnings() {
            output::warn(warning);
        }
        command
    });
    match command.and_then(commands::run) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            output::complain(&error);
            error.exit_code()
        }
    }
}
