//! The scalar reference where no lanes serve: whole products, rows in parallel, and the details of single outputs.

use std::time::Instant;

use ndarray::{ArrayView2, ArrayViewMut2};

use super::operand::matrix::Matrix;
use super::operand::packed::PackedMatrix;
use super::output::Output;
use super::product::MatmulError;
use super::report::tally::{StageTally, merge};
use crate::accumulate::{Accumulator, OutputTrace};
use crate::reference::sum_products_from;
use crate::tasks;

/// What is multiplied, and how.
#[derive(Clone, Copy)]
pub(crate) struct Problem<'a, 'm> {
    pub(crate) a: &'a Matrix<'m>,
    pub(crate) b: &'a PackedMatrix,
    pub(crate) acc: &'a Accumulator,
    /// What the last registers start from, if not from 0.
    pub(crate) init: Option<ArrayView2<'a, i64>>,
}

impl Problem<'_, '_> {
    /// Output (`row`, `col`), and how each stage came to it.
    pub(crate) fn output(&self, row: usize, col: usize) -> (i128, Vec<OutputTrace>) {
        let Self { a, b, acc, init } = self;
        let init = init.map_or(0, |init| init[[row, col]].into());
        let products =
            (0..a.dim().1).map(|k| i128::from(a.get(row, k)) * i128::from(b.matrix.get(k, col)));
        sum_products_from(acc, init, products)
    }

    /// Writes all outputs; gives the tallies of all stages, and the seconds.
    pub(crate) fn multiply<T: Output>(
        &self,
        mut out: ArrayViewMut2<'_, T>,
    ) -> Result<(Vec<StageTally>, f64), MatmulError> {
        let start = Instant::now();
        let ((rows, cols), stages) = (out.dim(), self.acc.stages().len());
        let rows = tasks::map(0..rows, |row| {
            let mut tallies = vec![StageTally::default(); stages];
            let mut values = Vec::with_capacity(cols);
            for col in 0..cols {
                let (value, traces) = self.output(row, col);
                let narrow = i64::try_from(value);
                values.push(narrow.map_err(|_| MatmulError::ExceedsI64 { row, col, value })?);
                for (tally, trace) in tallies.iter_mut().zip(&traces) {
                    tally.add_trace((row, col), trace);
                }
            }
            Ok::<_, MatmulError>((values, tallies))
        });
        let mut tallies = vec![StageTally::default(); stages];
        for (mut to, row) in out.rows_mut().into_iter().zip(rows) {
            let (row, more) = row?;
            for (to, value) in to.iter_mut().zip(row) {
                *to = T::cut(value);
            }
            merge(&mut tallies, &more);
        }
        Ok((tallies, start.elapsed().as_secs_f64()))
    }
}
