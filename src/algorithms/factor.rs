//! The factorisation behind the least-squares solvers.

use ndarray::{Array2, ArrayView2, Axis};

use super::AlgorithmError;
use super::linalg::{Scalar, cholesky_in_place, gather, solve_right_lower};
use super::problem::Part;
use crate::memory::zero_matrix;
use crate::simd::{Vectorized, vectorize};
use crate::tasks;

/// Rows of a parallel task.
const ROWS: usize = 16;

/// `H + λI = N D Nᵀ` with N unit upper triangular and D diagonal, in processing order.
///
/// For errors `e = w - q` the output error splits into independent squares, `e H eᵀ = sum_t D_t ((e N)_t)²`, and the
/// trailing block of N factors the trailing block of H. So the best continuation after `q_1..q_{t-1}` is
/// `w_t + sum_{j<t} e_j N_jt`: GPTQ's update, without an inverse. With `U` the upper Cholesky factor of `H⁻¹`,
/// `D_t = 1 / U_tt²`.
///
/// Factored in f64, kept in T.
pub(super) struct Factor<T> {
    /// N, zeros below the diagonal.
    pub n: Array2<T>,
    /// D.
    pub d: Vec<T>,
}

impl<T: Scalar> Factor<T> {
    /// Factors the part's `H / samples` with `damping` added to the diagonal.
    pub(super) fn new(part: &Part<'_, T>, damping: f64) -> Result<Self, AlgorithmError> {
        // The Cholesky factor of the reversed matrix, reversed, is upper triangular: H = M Mᵀ.
        let reversed: Vec<usize> = part.order.iter().rev().copied().collect();
        let diagonal = part.diagonal();
        let last = reversed.len() - 1;
        let mut h = gather(part.gram.h.view(), &reversed, &reversed, |i, j, x| {
            if i == j { diagonal[last - i] + damping } else { x * part.scale }
        });
        cholesky_in_place(&mut h)
            .map_err(|column| AlgorithmError::NotPositiveDefinite { column: last - column })?;
        let m: Vec<f64> = h.diag().iter().rev().copied().collect();
        let mut n = zero_matrix(h.dim());
        tasks::for_each(n.axis_chunks_iter_mut(Axis(0), ROWS).enumerate(), |(task, mut to)| {
            for (row, to) in (task * ROWS..).zip(to.rows_mut()) {
                if let (Some(to), Some(from)) = (to.into_slice(), h.row(last - row).to_slice()) {
                    vectorize(Divide { to: &mut to[row..], from, by: &m[row..] });
                }
            }
        });
        Ok(Self { n, d: m.iter().map(|m| T::of(m * m)).collect() })
    }

    /// `R N⁻ᵀ D⁻¹`, row by row, onto `to`: the change of every conditional optimum if the gradient `R` is added.
    pub(super) fn spread(&self, mut r: Array2<T>, to: Option<ArrayView2<'_, T>>) -> Array2<T> {
        solve_right_lower(&mut r, self.n.t());
        tasks::for_each(r.axis_chunks_iter_mut(Axis(0), ROWS).enumerate(), |(task, mut rows)| {
            for (index, row) in (task * ROWS..).zip(rows.rows_mut()) {
                let to = to.and_then(|to| to.index_axis_move(Axis(0), index).to_slice());
                if let Some(row) = row.into_slice() {
                    vectorize(Divided { row, by: &self.d, to });
                }
            }
        });
        r
    }
}

/// The first elements of a row in reverse, divided.
struct Divide<'a, T> {
    to: &'a mut [T],
    from: &'a [f64],
    by: &'a [f64],
}

impl<T: Scalar> Vectorized for Divide<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let from = self.from[..self.to.len()].iter().rev();
        for ((to, from), by) in self.to.iter_mut().zip(from).zip(self.by) {
            *to = T::of(from / by);
        }
    }
}

/// A row, divided, onto another one.
struct Divided<'a, T> {
    row: &'a mut [T],
    by: &'a [T],
    to: Option<&'a [T]>,
}

impl<T: Scalar> Vectorized for Divided<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { row, by, to } = self;
        let quotients = row.iter_mut().zip(by);
        match to {
            Some(to) => quotients.zip(to).for_each(|((x, by), to)| *x = *to + *x / *by),
            None => quotients.for_each(|(x, by)| *x = *x / *by),
        }
    }
}
