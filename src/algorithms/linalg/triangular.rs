//! Triangular systems with many right-hand sides, one per row.

use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

use super::Real;

/// Columns solved at once.
const PANEL: usize = 64;
/// Rows of a parallel task.
const ROWS: usize = 128;

/// Replaces B by the X of `X U = B`, with U upper triangular; its strict lower triangle is not read.
///
/// # Panics
/// Where the shapes do not fit.
pub fn solve_right_upper<T: Real>(b: &mut Array2<T>, u: ArrayView2<'_, T>) {
    let n = u.nrows();
    b.axis_chunks_iter_mut(Axis(0), ROWS).into_par_iter().for_each(|mut x| {
        for start in (0..n).step_by(PANEL) {
            let end = (start + PANEL).min(n);
            let (done, mut rest) = x.view_mut().split_at(Axis(1), start);
            let mut panel = rest.slice_mut(s![.., ..end - start]);
            general_mat_mul(
                -T::one(),
                &done,
                &u.slice(s![..start, start..end]),
                T::one(),
                &mut panel,
            );
            forward(&mut panel, u.slice(s![start..end, start..end]));
        }
    });
}

/// Replaces B by the X of `X L = B`, with L lower triangular; its strict upper triangle is not read.
///
/// # Panics
/// Where the shapes do not fit.
pub fn solve_right_lower<T: Real>(b: &mut Array2<T>, l: ArrayView2<'_, T>) {
    // Reversing both orders turns L into an upper triangle.
    let mut reversed = b.slice(s![.., ..;-1]).to_owned();
    solve_right_upper(&mut reversed, l.slice(s![..;-1, ..;-1]));
    b.assign(&reversed.slice(s![.., ..;-1]));
}

fn forward<T: Real>(x: &mut ArrayViewMut2<'_, T>, u: ArrayView2<'_, T>) {
    // Columns of U as rows, so that the inner loop reads both sides in order.
    let u = u.t().as_standard_layout().into_owned();
    for mut row in x.rows_mut() {
        for t in 0..u.nrows() {
            let mut sum = row[t];
            for j in 0..t {
                sum = sum - row[j] * u[[t, j]];
            }
            row[t] = sum / u[[t, t]];
        }
    }
}
