//! The factorisation behind the least-squares solvers.

use ndarray::{Array2, ArrayView2, s};

use super::AlgorithmError;
use super::linalg::{Real, cholesky, solve_right_lower};

/// `H = N D Nᵀ` with N unit upper triangular and D diagonal.
///
/// For errors `e = w - q` the output error splits into independent squares, `e H eᵀ = sum_t D_t ((e N)_t)²`, and the
/// trailing block of N factors the trailing block of H. So the best continuation after `q_1..q_{t-1}` is
/// `w_t + sum_{j<t} e_j N_jt`: GPTQ's update, without an inverse. With `U` the upper Cholesky factor of `H⁻¹`,
/// `N_jt = -` the usual feedback in triangular form and `D_t = 1 / U_tt²`.
pub(super) struct Factor {
    /// N, zeros below the diagonal.
    pub n: Array2<f64>,
    /// D.
    pub d: Vec<f64>,
}

impl Factor {
    /// Factors `h`, of which the lower triangle is read.
    pub(super) fn new(h: ArrayView2<'_, f64>) -> Result<Self, AlgorithmError> {
        // The Cholesky factor of the reversed matrix, reversed, is upper triangular: H = M Mᵀ.
        let last = h.nrows();
        let l = cholesky(h.slice(s![..;-1, ..;-1])).map_err(|e| match e {
            AlgorithmError::NotPositiveDefinite { column } => {
                AlgorithmError::NotPositiveDefinite { column: last - 1 - column }
            }
            other => other,
        })?;
        let mut n = l.slice(s![..;-1, ..;-1]).as_standard_layout().into_owned();
        let m: Vec<f64> = n.diag().to_vec();
        for mut row in n.rows_mut() {
            row.iter_mut().zip(&m).for_each(|(x, m)| *x /= m);
        }
        Ok(Self { n, d: m.iter().map(|m| m * m).collect() })
    }

    /// `R N⁻ᵀ D⁻¹`, row by row: the change of every conditional optimum if the gradient `R` is added.
    pub(super) fn spread<T: Real>(&self, mut r: Array2<T>) -> Array2<T> {
        let n = self.n.mapv(T::of);
        solve_right_lower(&mut r, n.t());
        for mut row in r.rows_mut() {
            row.iter_mut().zip(&self.d).for_each(|(x, d)| *x = *x / T::of(*d));
        }
        r
    }
}
