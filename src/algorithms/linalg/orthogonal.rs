//! Orthonormal bases by repeated Cholesky QR.

use ndarray::{Array2, ArrayView2};

use super::{cholesky, product, solve_right_upper};
use crate::algorithms::AlgorithmError;

/// The Q of `A = Q R`, R upper triangular with a positive diagonal, for A with independent columns.
///
/// `Q <- A L⁻ᵀ` with `AᵀA = L Lᵀ`, three times: the first pass leaves an error of `eps cond(A)²`, the next ones remove it,
/// so that `QᵀQ = I` to a few units in the last place for `cond(A)` up to 10⁷. The diagonal of R being positive, the Q of
/// a matrix of independent normal variables is Haar-distributed.
///
/// # Errors
/// [`AlgorithmError::NotPositiveDefinite`] where the columns depend on each other.
pub fn orthonormalize(a: ArrayView2<'_, f64>) -> Result<Array2<f64>, AlgorithmError> {
    let mut q = a.to_owned();
    for _ in 0..3 {
        let gram = product(q.t(), q.view());
        let l = cholesky(gram.view())?;
        solve_right_upper(&mut q, l.t());
    }
    Ok(q)
}
