//! The one place where the command line multiplies matrices.

use std::num::NonZeroU32;

use fewbit::{Accumulator, MatmulOptions, PackedMatrix, Product, matmul_packed};
use ndarray::ArrayView2;

use crate::error::CliError;

/// `a` times `b` through `acc`, computed `repeat` times; its time is the least of them.
pub(crate) fn multiply(
    a: ArrayView2<'_, i64>,
    b: ArrayView2<'_, i64>,
    acc: &Accumulator,
    options: &MatmulOptions<'_>,
    repeat: NonZeroU32,
) -> Result<Product, CliError> {
    let b = PackedMatrix::new(b);
    let mut best = matmul_packed(a, &b, acc, options)?;
    for _ in 1..repeat.get() {
        best.seconds = best.seconds.min(matmul_packed(a, &b, acc, options)?.seconds);
    }
    Ok(best)
}
