//! Berkeley TestFloat's text: operands, result and flags in hexadecimal, a row a line. It has no place for a header, which
//! is a file of its own beside it.
//!
//! The flags are its own: bit 0 inexact, 1 underflow, 2 overflow, 3 infinite (a division by zero), 4 invalid. Source: John R.
//! Hauser, Berkeley TestFloat, `testfloat_gen` (doc/testfloat_gen.html).

use fewbit::vectors::{VectorField, VectorJob, VectorPlan};

use super::hex;
use super::rows::Rows;

/// Why rows of this plan have no such text, if they have none.
pub(super) fn refusal(plan: &VectorPlan) -> Option<&'static str> {
    match &plan.job {
        VectorJob::Scalar(job) if job.policy().rounding.random_bits().is_none() => None,
        VectorJob::Scalar(_) => {
            Some("it has no place for the random bits of a stochastic rounding")
        }
        _ => Some("its lines are operations on codes: add, sub, mul, div, fma, sqrt, cast"),
    }
}

/// All rows.
pub(super) fn body(rows: &Rows) -> String {
    let mut body = String::new();
    for row in 0..rows.table.len() {
        let cells = rows.table.cells(row);
        let cells =
            cells.flat_map(|(field, words)| words.iter().map(|&word| hex::text(field, word)));
        body += &cells.collect::<Vec<_>>().join(" ");
        body.push('\n');
    }
    body
}

/// The words of rows.
///
/// # Errors
/// The first cell that is no word of its field.
pub(super) fn read(fields: &[VectorField], body: &str) -> Result<Vec<u64>, String> {
    let mut words = Vec::new();
    for (row, line) in body.lines().enumerate() {
        let mut cells = line.split(' ');
        for field in fields {
            let place = || format!("vector {row}, field {}", field.name);
            let cell = cells.next().ok_or_else(|| format!("{}: the line ends before", place()))?;
            words.push(hex::word(field, cell).map_err(|reason| format!("{}: {reason}", place()))?);
        }
        if cells.next().is_some() {
            return Err(format!("vector {row} has more cells than operands, result and flags"));
        }
    }
    Ok(words)
}
