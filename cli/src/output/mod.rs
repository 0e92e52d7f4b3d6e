//! What goes to standard output and standard error.

mod palette;
mod progress;
mod table;

use std::error::Error;
use std::io::{ErrorKind, Write, stderr, stdout};

use serde::Serialize;

use crate::error::CliError;

pub(crate) use fewbit::trace::{ExactNumber, decimal};
pub(crate) use palette::color;
#[cfg(feature = "networks")]
pub(crate) use progress::PhaseProgress;
pub(crate) use progress::{LateProgress, Progress};
pub(crate) use table::{numbers, texts};

/// The form of a result on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Tables and sentences.
    Text,
    /// One JSON value.
    Json,
}

/// Prints `text` and a newline; a reader that has gone away is no error.
pub(crate) fn print(text: &str) -> Result<(), CliError> {
    let mut out = stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::Stdout(error)),
        _ => Ok(()),
    }
}

/// `value` as indented JSON text.
pub(crate) fn json(value: &impl Serialize) -> Result<String, CliError> {
    Ok(serde_json::to_string_pretty(value)?)
}

/// One line on standard error about something that was done, but perhaps not as expected.
pub(crate) fn warn(warning: &str) {
    // A closed standard error takes nothing from the result.
    let _ = writeln!(stderr(), "warning: {warning}");
}

/// One line on standard error.
pub(crate) fn complain(error: &dyn Error) {
    let line = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    // Where standard error is closed as well, the exit code is all that is left to say it with.
    let _ = writeln!(stderr(), "error: {line}");
}

/// The most memory that this process has had at any time, in bytes; where the system says so.
pub(crate) fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
