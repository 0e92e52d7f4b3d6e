//! What no lane can do, through the scalar reference: rows in parallel.

use ndarray::{Array1, Array2};

use super::operand::PackedOperand;
use crate::accumulate::Accumulator;
use crate::reference::{Addend, FloatError, FloatMatmul, FloatReport, FloatRow, ReferenceProduct};
use crate::tasks;

/// The whole product, `[m, n]`; of several errors the first in row-major order.
pub(super) fn all(
    problem: &FloatMatmul<'_>,
    (m, n): (usize, usize),
    acc: &Accumulator,
) -> Result<ReferenceProduct, FloatError> {
    // Rows without columns, and columns without rows, have nothing to step.
    let (rows, cols) = if m == 0 || n == 0 { (0, 0) } else { (m, n) };
    let columns: Vec<Vec<Addend>> = tasks::map(0..cols, |col| problem.column(col));
    let rows = tasks::map(0..rows, |row| problem.row(row, &columns));
    let mut product = ReferenceProduct {
        values: Array2::zeros((m, n)),
        rounded: 0,
        report: FloatReport::new(acc.stages().len()),
    };
    for (mut to, row) in product.values.rows_mut().into_iter().zip(rows) {
        let FloatRow { values, rounded, report } = row?;
        to.assign(&Array1::from(values));
        product.rounded += rounded;
        product.report.merge(report);
    }
    Ok(product)
}

/// The outputs that infinities or NaN of an operand enter.
pub(super) fn patch(
    problem: &FloatMatmul<'_>,
    left: &PackedOperand<'_>,
    right: &PackedOperand<'_>,
    values: &mut Array2<f64>,
) -> Result<(), FloatError> {
    let (rows, cols) = (left.not_finite(), right.not_finite());
    let columns: Vec<Vec<Addend>> = if rows.is_empty() && cols.is_empty() {
        return Ok(());
    } else {
        tasks::map(0..values.ncols(), |col| problem.column(col))
    };
    tasks::try_for_each(values.rows_mut().into_iter().enumerate(), |(row, mut to)| {
        let whole = rows.contains(&row);
        if !whole && cols.is_empty() {
            return Ok(());
        }
        let left = problem.left(row);
        for (col, to) in to.iter_mut().enumerate() {
            if whole || cols.contains(&col) {
                *to = problem.output((row, col), &left, &columns[col], &mut |_| ())?.to_f64();
            }
        }
        Ok(())
    })
}
