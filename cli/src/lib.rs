//! The `fewbit` command line as a library: its entry point, and the data set that it carries.

mod args;
mod commands;
mod conversion;
mod digest;
pub mod digits;
mod error;
mod group_policy;
mod io;
mod memory;
#[cfg(feature = "networks")]
mod networks;
mod operands;
mod options;
mod output;
mod policy;
mod product;
mod provenance;
mod quantized;
mod requantization;
mod spelling;
mod sweep;
mod timing;
mod vector_files;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::args::Parsed;
use crate::error::{CliError, Outcome};

/// Does what the arguments of this process ask for.
///
/// SIGINT and SIGTERM end the process with 130 and 143; no file is left half-way.
pub fn main() -> ExitCode {
    let watched = io::pending::watch_signals().map_err(CliError::Signals);
    ExitCode::from(finish(watched.and_then(|()| done(std::env::args_os()))))
}

/// Does what `args`, the name of the program first, ask for, and gives the exit code: 0 done, 1 compared and
/// different, 2 bad input.
///
/// It prints to the standard output and the standard error of this process, and leaves its signals alone.
///
/// ```
/// assert_eq!(fewbit_cli::run(["fewbit", "formats", "e4m3fn"]), 0);
/// assert_eq!(fewbit_cli::run(["fewbit", "formats", "e4m3fm"]), 2);
/// ```
pub fn run<T: Into<OsString>>(args: impl IntoIterator<Item = T>) -> u8 {
    finish(done(args.into_iter().map(Into::into)))
}

fn done(args: impl Iterator<Item = OsString>) -> Result<u8, CliError> {
    options::check_thread_variable()?;
    match args::parse(args)? {
        Parsed::Command(mut command) => {
            for warning in command.form_mut().warnings() {
                output::warn(warning);
            }
            command.run().map(Outcome::exit_code)
        }
        Parsed::Help(text) => output::print(text.trim_end()).map(|()| 0),
        Parsed::Nothing(help) => {
            // Where standard error is closed, the exit code is all that is left to say it with.
            let _ = help.print();
            Ok(CliError::EXIT_CODE)
        }
    }
}

fn finish(code: Result<u8, CliError>) -> u8 {
    match code {
        Ok(code) => code,
        Err(error) => {
            output::complain(&error);
            CliError::EXIT_CODE
        }
    }
}
