//! The matrix product of integers through an accumulator.

use ndarray::{Array2, ArrayView2};
use thiserror::Error;

use super::sum_products_from;
use crate::accumulate::{Accumulator, Register, Report, int_range};
use crate::convolution::ConvShapeError;
use crate::room::{self, TooLarge};

/// Why a product cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
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
    /// Shapes of a convolution that do not fit.
    #[error(transparent)]
    Convolution(#[from] ConvShapeError),
    /// A float or aligned stage where integers are summed.
    #[error(
        "`{0}` has a floating-point stage: integers are summed through int<P>-wrap, int<P>-sat and exact stages"
    )]
    NotInteger(String),
    /// Starting values of another shape than the result.
    #[error("the starting values are {rows}x{cols}, and the result is {m}x{n}")]
    InitShape {
        /// Rows given.
        rows: usize,
        /// Columns given.
        cols: usize,
        /// Rows of the result.
        m: usize,
        /// Columns of the result.
        n: usize,
    },
    /// A starting value that the register does not have.
    #[error(
        "the starting value {value} at ({row}, {col}) does not fit `{register}`, which holds {low} to {high}"
    )]
    InitRange {
        /// Row of the output.
        row: usize,
        /// Column of the output.
        col: usize,
        /// The starting value.
        value: i64,
        /// The last register.
        register: String,
        /// Its least value.
        low: i128,
        /// Its greatest value.
        high: i128,
    },
    /// A result that memory cannot hold.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
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
    room::check::<i64>(&[a.nrows(), b.ncols()])?;
    let init = Array2::zeros((a.nrows(), b.ncols()));
    matmul_from(a, b, acc, init.view())
}

/// [`matmul`] whose last register starts at `init`, `[M, N]`, instead of 0; the starting value counts as reached.
///
/// # Errors
/// As [`matmul`]; starting values of another shape, or outside the last register's range.
///
/// ```
/// use ndarray::array;
/// use fewbit::reference::matmul_from;
/// let (a, b) = (array![[1, 1]], array![[3], [-6]]);
/// let (c, _) = matmul_from(a.view(), b.view(), &"int4-sat".parse()?, array![[6]].view())?;
/// assert_eq!(c[[0, 0]], 1); // 6, then 9 saturates to 7, then 1
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn matmul_from(
    a: ArrayView2<'_, i64>,
    b: ArrayView2<'_, i64>,
    acc: &Accumulator,
    init: ArrayView2<'_, i64>,
) -> Result<(Array2<i64>, Report), ReferenceError> {
    let ((m, ka), (kb, n)) = (a.dim(), b.dim());
    if ka != kb {
        return Err(ReferenceError::Shape { m, ka, kb, n });
    }
    check_init(init, acc, (m, n))?;
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
            let start = i128::from(init[[row, col]]);
            let (value, traces) = sum_products_from(acc, start, products);
            c[[row, col]] =
                i64::try_from(value).map_err(|_| ReferenceError::TooWide { row, col, value })?;
            report.add(row as u64, col as u64, &traces);
        }
    }
    Ok((c, report))
}

/// Whether the last register can start at these values.
pub(crate) fn check_init(
    init: ArrayView2<'_, i64>,
    acc: &Accumulator,
    (m, n): (usize, usize),
) -> Result<(), ReferenceError> {
    let (rows, cols) = init.dim();
    if (rows, cols) != (m, n) {
        return Err(ReferenceError::InitShape { rows, cols, m, n });
    }
    let Some(Register::Int { bits, .. }) = acc.stages().last().map(|stage| stage.register) else {
        return Ok(());
    };
    let (low, high) = int_range(bits);
    let outside = |&(_, &value): &(_, &i64)| !(low..=high).contains(&i128::from(value));
    match init.indexed_iter().find(outside) {
        None => Ok(()),
        Some(((row, col), &value)) => {
            let register = acc.stages().last().map_or(String::new(), |s| s.register.to_string());
            Err(ReferenceError::InitRange { row, col, value, register, low, high })
        }
    }
}
