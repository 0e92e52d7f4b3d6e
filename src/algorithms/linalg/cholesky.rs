//! Cholesky factorisation and the inverse that follows from it.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

use super::gemm::subtract_square;
use super::halving::{BASE, halve};
use super::triangular::solve;
use super::{solve_right_lower, solve_right_upper};
use crate::algorithms::AlgorithmError;

/// The lower triangular `L` with `A = L Lᵀ`; only the lower triangle of `a` is read.
///
/// By recursive halving, so that nearly all of the work is matrix products.
///
/// # Errors
/// [`AlgorithmError::NotPositiveDefinite`] with the first column whose pivot is not positive.
pub fn cholesky(a: ArrayView2<'_, f64>) -> Result<Array2<f64>, AlgorithmError> {
    let mut l = a.as_standard_layout().into_owned();
    cholesky_in_place(&mut l).map_err(|column| AlgorithmError::NotPositiveDefinite { column })?;
    for (i, mut row) in l.rows_mut().into_iter().enumerate() {
        row.slice_mut(s![i + 1..]).fill(0.0);
    }
    Ok(l)
}

/// Replaces the lower triangle of A by that of L and leaves what is above the diagonal undefined.
///
/// # Errors
/// The first column whose pivot is not positive.
pub fn cholesky_in_place(a: &mut Array2<f64>) -> Result<(), usize> {
    factor(&mut a.view_mut())
}

fn factor(a: &mut ArrayViewMut2<'_, f64>) -> Result<(), usize> {
    let n = a.nrows();
    if n <= BASE {
        return factor_base(a);
    }
    let cut = halve(n);
    let (mut top, bottom) = a.view_mut().split_at(Axis(0), cut);
    let (mut left, mut rest) = bottom.split_at(Axis(1), cut);
    let mut first = top.slice_mut(s![.., ..cut]);
    factor(&mut first)?;
    solve(&mut left, first.t());
    subtract_square(left.view(), rest.view_mut());
    factor(&mut rest).map_err(|column| cut + column)
}

fn factor_base(a: &mut ArrayViewMut2<'_, f64>) -> Result<(), usize> {
    for j in 0..a.nrows() {
        let (done, mut rest) = a.view_mut().split_at(Axis(0), j);
        let mut row = rest.row_mut(0);
        for k in 0..j {
            let earlier = done.row(k);
            let dot: f64 = (0..k).map(|i| row[i] * earlier[i]).sum();
            row[k] = (row[k] - dot) / earlier[k];
        }
        let pivot = row[j] - row.slice(s![..j]).iter().map(|x| x * x).sum::<f64>();
        // The negated comparison also refuses NaN.
        if !(pivot > 0.0 && pivot.is_finite()) {
            return Err(j);
        }
        row[j] = pivot.sqrt();
    }
    Ok(())
}

/// `A⁻¹` from the factor of [`cholesky`].
pub fn inverse_from_cholesky(l: ArrayView2<'_, f64>) -> Array2<f64> {
    let mut x = Array2::eye(l.nrows());
    solve_right_upper(&mut x, l.t());
    solve_right_lower(&mut x, l);
    x
}
