//! Outputs that no lane is wide enough for, and the details of single ones: through the scalar reference.

use super::operand::Matrix;
use crate::accumulate::{Accumulator, OutputTrace};
use crate::reference::sum_products_from;

/// Output (`row`, `col`) of `a` times `b`.
pub(super) fn output(
    a: &Matrix<'_>,
    b: &Matrix<'_>,
    acc: &Accumulator,
    row: usize,
    col: usize,
) -> (i128, Vec<OutputTrace>) {
    output_from(a, b, acc, 0, row, col)
}

/// The same from the last register's starting value `init`.
pub(super) fn output_from(
    a: &Matrix<'_>,
    b: &Matrix<'_>,
    acc: &Accumulator,
    init: i128,
    row: usize,
    col: usize,
) -> (i128, Vec<OutputTrace>) {
    let k = a.dim().1;
    let products = (0..k).map(|k| i128::from(a.get(row, k)) * i128::from(b.get(k, col)));
    sum_products_from(acc, init, products)
}
