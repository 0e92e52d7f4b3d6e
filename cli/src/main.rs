//! The `fewbit` command line: what a narrow format or accumulator does to a computation.

use std::process::ExitCode;

fn main() -> ExitCode {
    fewbit_cli::main()
}
