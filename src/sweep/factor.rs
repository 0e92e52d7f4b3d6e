//! A right operand that is multiplied again and again.

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::accumulate::Accumulator;
use crate::reference::sum_products;
use crate::tasks;
use crate::{MatmulError, MatmulOptions, PackedMatrix, ReportLevel, matmul_packed};

/// A right operand that is multiplied again and again.
pub(super) struct Factor {
    /// `[K, N]`.
    pub(super) codes: Array2<i64>,
    packed: PackedMatrix,
}

impl Factor {
    /// Takes over `codes`, `[K, N]`.
    pub(super) fn new(codes: Array2<i64>) -> Self {
        Self { packed: PackedMatrix::new(codes.view()), codes }
    }

    /// `a` times this factor through `acc`, and how many outputs overflowed in any stage.
    pub(super) fn multiply(
        &self,
        a: ArrayView2<'_, i64>,
        acc: &Accumulator,
    ) -> Result<(Array2<i64>, u64), MatmulError> {
        let options = MatmulOptions { report: ReportLevel::Events, isa: None, init: None };
        let product = matmul_packed(a, &self.packed, acc, &options)?;
        let stages = product.events.unwrap_or_default();
        let mut overflowed = stages.iter().map(|stage| stage.outputs).filter(|&count| count > 0);
        let count = match (overflowed.next(), overflowed.next()) {
            (None, _) => 0,
            (Some(outputs), None) => outputs,
            // Several stages overflowed; an output that did in two of them counts once.
            (Some(_), Some(_)) => count_overflowed(a, self.codes.view(), acc),
        };
        Ok((product.values, count))
    }
}

fn count_overflowed(a: ArrayView2<'_, i64>, b: ArrayView2<'_, i64>, acc: &Accumulator) -> u64 {
    let overflows = |row: ArrayView1<'_, i64>, column: ArrayView1<'_, i64>| {
        let products = row.into_iter().zip(column).map(|(&a, &b)| i128::from(a) * i128::from(b));
        sum_products(acc, products).1.iter().any(|trace| trace.events > 0)
    };
    let counts = tasks::map(a.outer_iter(), |row| {
        b.columns().into_iter().filter(|&column| overflows(row, column)).count() as u64
    });
    counts.iter().sum()
}
