//! The one place where the command line multiplies matrices.

use std::num::NonZeroU32;
use std::time::Instant;

use fewbit::{Accumulator, Report};
use ndarray::{Array2, ArrayView2};

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
