//! One product of matrices through an accumulator.

use fewbit::accumulate::Report;
use fewbit::{
    Accumulator, MatmulOptions, Operand, PackedMatrix, ReportLevel, StageEvents, matmul_packed,
};
use ndarray::{Array2, ArrayView2};

/// One product of matrices, with what the accumulator did.
pub(super) struct Multiplied {
    pub(super) values: Array2<i64>,
    pub(super) events: Option<Vec<StageEvents>>,
    pub(super) report: Option<Report>,
}

/// `x w` through an accumulator: `[m, k]` times `[k, n]`.
pub(super) fn multiply<X: Operand, W: Operand>(
    x: ArrayView2<'_, X>,
    w: ArrayView2<'_, W>,
    accumulator: &Accumulator,
    report: ReportLevel,
) -> Result<Multiplied, String> {
    multiply_packed(x, &PackedMatrix::new(w), accumulator, report)
}

/// [`multiply`] with a right operand that was packed before.
pub(super) fn multiply_packed<X: Operand>(
    x: ArrayView2<'_, X>,
    packed: &PackedMatrix,
    accumulator: &Accumulator,
    report: ReportLevel,
) -> Result<Multiplied, String> {
    let options = MatmulOptions { report, ..MatmulOptions::default() };
    let product = matmul_packed(x, packed, accumulator, &options);
    let product = product.map_err(|error| error.to_string())?;
    Ok(Multiplied { values: product.values, events: product.events, report: product.report })
}
