//! The matrix product of integers through an accumulator.

use ndarray::{Array2, ArrayView2};
use thiserror::Error;

use super::sum_products;
use crate::accumulate::{Accumulator, Report};

/// Why a product cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// Inner dimensions that differ.
    #[error("A is {m}x{ka} and B is {kb}x{n}: the columns of A must equal the rows of B")]
    Shape {
        /// Rows of A.
        m: usize,
        /// Columns of A.
        ka: usize,
        /// Rows of B.
        kb: usize,
        /// Columns of B.
        n: usize,
    },
    /// A float or aligned stage where integers are summed.
    #[error(
        "`{0}` has a floating-point stage: integers are summed through int<P>-wrap, int<P>-sat and exact stages"
    )]
    NotInteger(String),
    /// A result that int64 cannot hold.
    #[error(
        "output ({row}, {col}) is {value}, which int64 cannot hold; end the accumulator with a register of at most 64 bits"
    )]
    TooWide {
        /// Row of the output.
        row: usize,
        /// Column of the output.
        col: usize,
        /// Its value.
        value: i128,
    },
}

/// `C[i, j] = acc(A[i, 0] * B[0, j], A[i, 1] * B[1, j], ...)` and the full report.
///
/// `a` is `[M, K]`, `b` is `[K, N]`, the result `[M, N]`. Products are exact.
///
/// # Errors
/// Shapes that do not fit, a stage that is not an integer one, a result outside int64.
///
/// ```
/// use ndarray::array;
/// let acc = "int4-wrap".parse()?;
/// let (c, report) = fewbit::reference::matmul(array![[5, 5]].view(), array![[1], [1]].view(), &acc)?;
/// assert_eq!(c[[0, 0]], -6);
/// assert_eq!(report.stages[0].events, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn matmul(
    a: ArrayView2<'_, i64>,
    b: ArrayView2<'_, i64>,
    acc: &Accumulator,
) -> Result<(Array2<i64>, Report), ReferenceError> {
    let ((m, ka), (kb, n)) = (a.dim(), b.dim());
    if ka != kb {
        return Err(ReferenceError::Shape { m, ka, kb, n });
    }
    if !acc.is_integer() {
        return Err(ReferenceError::NotInteger(acc.to_string()));
    }
    let mut c = Array2::zeros((m, n));
    let mut report = Report::new(acc.stages().len());
    for row in 0..m {
        for col in 0..n {
            let products = a
                .row(row)
                .into_iter()
                .zip(b.column(col))
                .map(|(&a, &b)| i128::from(a) * i128::from(b));
            let (value, traces) = sum_products(acc, products);
            c[[row, col]] =
                i64::try_from(value).map_err(|_| ReferenceError::TooWide { row, col, value })?;
            report.add(row as u64, col as u64, &traces);
        }
    }
    Ok((c, report))
}
