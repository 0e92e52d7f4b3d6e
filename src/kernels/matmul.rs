//! The product as callers see it.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};
use thiserror::Error;

use super::driver;
use super::operand::{Matrix, Operand, PackedMatrix};
use super::sums::Output;
use super::tally::StageEvents;
use crate::accumulate::{Accumulator, Report};
use crate::reference::ReferenceError;
use crate::room::TooLarge;
use crate::simd::{Isa, IsaError};

/// How much a product reports; less costs less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReportLevel {
    /// Values alone.
    #[default]
    None,
    /// Per stage the events, the outputs that had any, and the first.
    Events,
    /// The whole [`Report`].
    Full,
}

/// How a product is computed; no choice changes its values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatmulOptions {
    /// What it reports.
    pub report: ReportLevel,
    /// The instruction set; the widest that the CPU has if not given.
    pub isa: Option<Isa>,
}

/// A product and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// The last register of every output, `[M, N]`.
    pub values: Array2<i64>,
    /// The events of every stage, innermost first; from [`ReportLevel::Events`] on.
    pub events: Option<Vec<StageEvents>>,
    /// The report; at [`ReportLevel::Full`].
    pub report: Option<Report>,
    /// The instruction set that ran.
    pub isa: Isa,
    /// Wall-clock seconds of the product alone, without reading, checking and packing the operands.
    pub seconds: f64,
}

/// How a product came about whose values are the caller's.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductReport {
    /// As [`Product::events`].
    pub events: Option<Vec<StageEvents>>,
    /// As [`Product::report`].
    pub report: Option<Report>,
    /// As [`Product::isa`].
    pub isa: Isa,
    /// As [`Product::seconds`].
    pub seconds: f64,
}

/// Why a product cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MatmulError {
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
    /// An output that is asked for in so many bits and does not fit them.
    #[error("output ({row}, {col}) is {value}, which int{bits} cannot hold")]
    Wider {
        /// Row of the output.
        row: usize,
        /// Column of the output.
        col: usize,
        /// Its value.
        value: i64,
        /// The bits.
        bits: u32,
    },
    /// Room for a result of another shape.
    #[error("the product is {m}x{n}, and there is room for {rows}x{cols}")]
    Room {
        /// Rows of A.
        m: usize,
        /// Columns of B.
        n: usize,
        /// Rows of the room.
        rows: usize,
        /// Columns of the room.
        cols: usize,
    },
    /// Starting values that the last register cannot have.
    #[error(transparent)]
    Start(#[from] ReferenceError),
    /// A result that cannot be held.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// An instruction set that cannot be used.
    #[error(transparent)]
    Isa(#[from] IsaError),
}

/// `C[i, j] = acc(A[i, 0] * B[0, j], A[i, 1] * B[1, j], ...)`: `a` is `[M, K]`, `b` is `[K, N]`.
///
/// Equal to [`crate::reference::matmul`] in every value and every field of the report, on every instruction set and
/// any number of threads. Runs on rayon's current pool.
///
/// # Errors
/// Shapes that do not fit, a stage that is not an integer one, a result outside int64 or more than memory holds, an
/// instruction set that the CPU lacks.
///
/// ```
/// use fewbit::{MatmulOptions, ReportLevel, matmul};
/// use ndarray::array;
/// let (a, b) = (array![[5i8, 5]], array![[1i8], [1]]);
/// let options = MatmulOptions { report: ReportLevel::Full, ..Default::default() };
/// let product = matmul(a.view(), b.view(), &"int4-wrap".parse()?, &options)?;
/// assert_eq!(product.values[[0, 0]], -6);
/// assert_eq!(product.report.map(|r| r.events()), Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn matmul<A: Operand, B: Operand>(
    a: ArrayView2<'_, A>,
    b: ArrayView2<'_, B>,
    acc: &Accumulator,
    options: &MatmulOptions,
) -> Result<Product, MatmulError> {
    check(a.dim(), b.dim())?;
    matmul_packed(a, &PackedMatrix::new(b), acc, options)
}

/// [`matmul`] with a right operand that was packed before.
///
/// # Errors
/// As [`matmul`].
pub fn matmul_packed<A: Operand>(
    a: ArrayView2<'_, A>,
    b: &PackedMatrix,
    acc: &Accumulator,
    options: &MatmulOptions,
) -> Result<Product, MatmulError> {
    check(a.dim(), b.dim())?;
    driver::multiply(&Matrix::new(a), b, acc, options)
}

/// [`matmul_packed`] into room that the caller has, of `i16`, `i32` or `i64`.
///
/// Room that is used again and again costs no fresh memory, and narrow outputs cost less of it: the outputs of
/// `int16-wrap` fit `i16`.
///
/// # Errors
/// As [`matmul`]; room of another shape; an output that `T` cannot hold. What `out` holds after an error is not defined.
///
/// ```
/// use fewbit::{MatmulOptions, PackedMatrix, matmul_into};
/// use ndarray::{Array2, array};
/// let b = PackedMatrix::new(array![[100i8], [100]].view());
/// let mut out = Array2::<i16>::zeros((1, 1));
/// let options = MatmulOptions::default();
/// matmul_into(array![[100i8, 100]].view(), &b, &"int8-sat".parse()?, &options, out.view_mut())?;
/// assert_eq!(out, array![[127]]);
/// let wide = matmul_into(array![[100i8, 127]].view(), &b, &"exact".parse()?, &options, out.view_mut());
/// assert!(wide.is_ok()); // 22700
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn matmul_into<A: Operand, T: Output>(
    a: ArrayView2<'_, A>,
    b: &PackedMatrix,
    acc: &Accumulator,
    options: &MatmulOptions,
    out: ArrayViewMut2<'_, T>,
) -> Result<ProductReport, MatmulError> {
    check(a.dim(), b.dim())?;
    let ((m, n), (rows, cols)) = ((a.nrows(), b.dim().1), out.dim());
    if (m, n) != (rows, cols) {
        return Err(MatmulError::Room { m, n, rows, cols });
    }
    driver::multiply_into(&Matrix::new(a), b, acc, options, out)
}

/// `out = a · b`, the exact sums in 32 bits, where the caller has room for them.
///
/// # Errors
/// As [`matmul_into`].
///
/// ```
/// use fewbit::{PackedMatrix, matmul_i32};
/// use ndarray::{Array2, array};
/// let b = PackedMatrix::new(array![[-128i8], [1]].view());
/// let mut out = Array2::zeros((2, 1));
/// matmul_i32(array![[-128i8, 5], [127, 0]].view(), &b, out.view_mut(), None)?;
/// assert_eq!(out, array![[16389], [-16256]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn matmul_i32<A: Operand>(
    a: ArrayView2<'_, A>,
    b: &PackedMatrix,
    out: ArrayViewMut2<'_, i32>,
    isa: Option<Isa>,
) -> Result<(), MatmulError> {
    let options = MatmulOptions { isa, ..MatmulOptions::default() };
    matmul_into(a, b, &Accumulator::exact(), &options, out).map(|_| ())
}

pub(super) fn check((m, ka): (usize, usize), (kb, n): (usize, usize)) -> Result<(), MatmulError> {
    if ka == kb { Ok(()) } else { Err(MatmulError::Shape { m, ka, kb, n }) }
}
