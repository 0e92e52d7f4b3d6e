//! How one output of a product comes about, step by step, in numbers that people read.
//!
//! [`reference`](mod@crate::reference) makes the steps and shows each to an observer; a [`Trace`] is the list of them with
//! the factors, the alignment and what was lost, for tables and for JSON. `fewbit explain` prints one.

mod float;
mod integer;
mod number;
mod step;

use std::fmt;
use std::ops::RangeInclusive;

use serde::Serialize;

pub use number::{ExactNumber, decimal};
pub use step::{TraceAddend, TraceAlignment, TraceInput, TraceRegister, TraceStep};

/// One output and how it came about.
///
/// Its text is a table of the steps, a line each, and the value.
///
/// ```
/// use fewbit::trace::Trace;
/// let trace = Trace::of_integers(&"int8-sat".parse()?, &[100, 100], &[1, 1], 0, 0..=u64::MAX)?;
/// assert!(trace.to_string().contains("100 * 1 = 100 |"));
/// assert!(trace.to_string().ends_with("value 127"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trace {
    /// The accumulator.
    pub acc: String,
    /// Row of the output.
    pub row: usize,
    /// Column of the output.
    pub col: usize,
    /// Products.
    pub k: usize,
    /// The last register's value after all steps.
    pub value: ExactNumber,
    /// Steps of all stages, not only of those that are listed.
    pub all_steps: usize,
    /// The steps that were asked for.
    pub steps: Vec<TraceStep>,
}

impl Trace {
    /// The same as that of another output: of a part that was taken out of a product, the place there.
    #[must_use]
    pub fn at(self, (row, col): (usize, usize)) -> Self {
        Self { row, col, ..self }
    }
}

/// Whether a step that these products entered is asked for.
fn wants(shown: &RangeInclusive<u64>, first_k: u64, last_k: u64) -> bool {
    last_k >= *shown.start() && first_k <= *shown.end()
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![TraceStep::TITLES.map(str::to_owned)];
        self.steps.iter().for_each(|step| step.rows(|row| rows.push(row)));
        let mut widths = [0; TraceStep::TITLES.len()];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &rows {
            for (cell, width) in row.iter().zip(widths) {
                write!(f, "| {cell:>width$} ")?;
            }
            writeln!(f, "|")?;
        }
        let left_out = self.all_steps.saturating_sub(self.steps.len());
        if left_out > 0 {
            writeln!(f, "{left_out} of {} steps are not shown", self.all_steps)?;
        }
        write!(f, "value {}", self.value)
    }
}
