//! Integer products as callers see them.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::driver;
use super::operand::element::Operand;
use super::operand::matrix::Matrix;
use super::operand::packed::PackedMatrix;
use super::output::Output;
use super::product::{MatmulError, MatmulOptions, Product, ProductReport, Widths};
use crate::accumulate::Accumulator;
use crate::simd::Isa;

/// `C[i, j] = acc(A[i, 0] * B[0, j], A[i, 1] * B[1, j], ...)`: `a` is `[M, K]`, `b` is `[K, N]`.
///
/// Equal to [`crate::reference::matmul`] in every value and every field of the report, on every instruction set and
/// any number of threads. Runs on rayon's current pool.
///
/// # Errors
/// Shapes that do not fit, initial values of another shape or outside the last register's range, a stage that is not an
/// integer one, a result outside int64 or more than memory holds, an instruction set that the CPU lacks.
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
    options: &MatmulOptions<'_>,
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
    options: &MatmulOptions<'_>,
) -> Result<Product, MatmulError> {
    check(a.dim(), b.dim())?;
    driver::multiply(&Matrix::new(a), b, acc, options)
}

/// [`matmul_packed`] into the memory of the caller, of `i16`, `i32` or `i64`.
///
/// Memory that is used again and again need not be mapped anew, and narrow outputs cost less of it: the outputs of
/// `int16-wrap` fit `i16`.
///
/// # Errors
/// As [`matmul`]; memory of another shape; an output that `T` cannot hold. What `out` holds after an error is not defined.
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
    options: &MatmulOptions<'_>,
    out: ArrayViewMut2<'_, T>,
) -> Result<ProductReport, MatmulError> {
    check(a.dim(), b.dim())?;
    let ((m, n), (rows, cols)) = ((a.nrows(), b.dim().1), out.dim());
    if (m, n) != (rows, cols) {
        return Err(MatmulError::OutputShape { m, n, rows, cols });
    }
    driver::multiply_into(&Matrix::new(a), b, acc, options, T::any(out))
}

/// `out = a · b`, the exact sums in 32 bits, in the memory of the caller.
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

/// The widths that the exact sums of `a` times `b` need in every stage of `acc`, in one pass for all of them.
///
/// Equal to the histograms of a product's report, and cheaper: events and extremes, which depend on the widths of the
/// registers, are not looked for. Only the widths and counts of the stages of `acc` matter, not their `P`.
///
/// # Errors
/// As [`matmul`](crate::matmul).
///
/// ```
/// use fewbit::{PackedMatrix, required_widths};
/// use ndarray::array;
/// let b = PackedMatrix::new(array![[1i8], [1]].view());
/// let widths = required_widths(array![[5u8, 5], [1, 0]].view(), &b, &"exact".parse()?, None)?;
/// assert_eq!(widths.stages[0].histogram, [(2, 1), (5, 1)].into()); // 1, and 10
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn required_widths<A: Operand>(
    a: ArrayView2<'_, A>,
    b: &PackedMatrix,
    acc: &Accumulator,
    isa: Option<Isa>,
) -> Result<Widths, MatmulError> {
    check(a.dim(), b.dim())?;
    driver::widths(&Matrix::new(a), b, acc, isa)
}

fn check((m, ka): (usize, usize), (kb, n): (usize, usize)) -> Result<(), MatmulError> {
    if ka == kb { Ok(()) } else { Err(MatmulError::Shape { m, ka, kb, n }) }
}
