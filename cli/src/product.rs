//! The one place where the command line multiplies matrices.

use std::num::NonZeroU32;
use std::time::Instant;

use fewbit::reference::sum_products;
use fewbit::{Accumulator, Report};
use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use crate::error::CliError;

/// A product, its report, and how it was computed.
pub(crate) struct Product {
    /// `[M, N]`.
    pub(crate) values: Array2<i64>,
    /// What happened in each stage.
    pub(crate) report: Report,
    /// The least time of one computation, in seconds.
    pub(crate) seconds: f64,
    /// The instruction set that computed it.
    pub(crate) isa: String,
}

/// `a` times `b` through `acc`, computed `repeat` times.
pub(crate) fn multiply(
    a: ArrayView2<'_, i64>,
    b: ArrayView2<'_, i64>,
    acc: &Accumulator,
    repeat: NonZeroU32,
) -> Result<Product, CliError> {
    let once = || -> Result<Product, CliError> {
        let start = Instant::now();
        let (values, report) = fewbit::reference::matmul(a, b, acc)?;
        let seconds = start.elapsed().as_secs_f64();
        Ok(Product { values, report, seconds, isa: "reference".into() })
    };
    let mut best = once()?;
    for _ in 1..repeat.get() {
        best.seconds = best.seconds.min(once()?.seconds);
    }
    Ok(best)
}

/// `a` times `b` through `acc`, and how many outputs overflowed in any stage.
pub(crate) fn multiply_and_count(
    a: ArrayView2<'_, i64>,
    b: ArrayView2<'_, i64>,
    acc: &Accumulator,
) -> Result<(Array2<i64>, u64), CliError> {
    let (values, report) = fewbit::reference::matmul(a, b, acc)?;
    let mut overflowed = report.stages.iter().map(|s| s.outputs).filter(|&outputs| outputs > 0);
    let count = match (overflowed.next(), overflowed.next()) {
        (None, _) => 0,
        (Some(outputs), None) => outputs,
        // Several stages overflowed; an output that did in two of them counts once.
        (Some(_), Some(_)) => count_overflowed(a, b, acc),
    };
    Ok((values, count))
}

fn count_overflowed(a: ArrayView2<'_, i64>, b: ArrayView2<'_, i64>, acc: &Accumulator) -> u64 {
    let overflows = |row: ArrayView1<'_, i64>, column: ArrayView1<'_, i64>| {
        let products = row.into_iter().zip(column).map(|(&a, &b)| i128::from(a) * i128::from(b));
        sum_products(acc, products).1.iter().any(|trace| trace.events > 0)
    };
    let rows: Vec<_> = a.outer_iter().collect();
    rows.into_par_iter()
        .map(|row| b.columns().into_iter().filter(|&column| overflows(row, column)).count() as u64)
        .sum()
}
