//! Triangular systems with many right-hand sides, one per row.

use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

use super::{Scalar, share};

/// Unknowns that are solved one by one; more are halved.
pub(super) const BASE: usize = 32;
/// The most rows of a parallel task.
const ROWS: usize = 256;

/// Where `n > BASE` is cut in two: at a multiple of `BASE`.
pub(super) fn halve(n: usize) -> usize {
    (n / 2).next_multiple_of(BASE)
}

/// Replaces B by the X of `X U = B`, with U upper triangular; its strict lower triangle is not read.
///
/// # Panics
/// Where the shapes do not fit.
pub fn solve_right_upper<T: Scalar>(b: &mut Array2<T>, u: ArrayView2<'_, T>) {
    let rows = share(b.nrows(), ROWS);
    b.axis_chunks_iter_mut(Axis(0), rows)
        .into_par_iter()
        .for_each(|mut rows| solve_rows(&mut rows, u));
}

/// Replaces B by the X of `X L = B`, with L lower triangular; its strict upper triangle is not read.
///
/// # Panics
/// Where the shapes do not fit.
pub fn solve_right_lower<T: Scalar>(b: &mut Array2<T>, l: ArrayView2<'_, T>) {
    // Reversing both orders turns L into an upper triangle.
    let u = l.slice(s![..;-1, ..;-1]);
    let rows = share(b.nrows(), ROWS);
    b.axis_chunks_iter_mut(Axis(0), rows)
        .into_par_iter()
        .for_each(|mut rows| solve_rows(&mut rows.slice_mut(s![.., ..;-1]), u));
}

/// One task: `X1 U11 = B1`, then `X2 U22 = B2 - X1 U12`.
pub(super) fn solve_rows<T: Scalar>(x: &mut ArrayViewMut2<'_, T>, u: ArrayView2<'_, T>) {
    let n = u.nrows();
    if n <= BASE {
        return solve_base(x, u);
    }
    let cut = halve(n);
    let (mut first, mut second) = x.view_mut().split_at(Axis(1), cut);
    solve_rows(&mut first, u.slice(s![..cut, ..cut]));
    general_mat_mul(-T::one(), &first, &u.slice(s![..cut, cut..]), T::one(), &mut second);
    solve_rows(&mut second, u.slice(s![cut.., cut..]));
}

fn solve_base<T: Scalar>(x: &mut ArrayViewMut2<'_, T>, u: ArrayView2<'_, T>) {
    let n = u.nrows();
    let mut triangle = [[T::zero(); BASE]; BASE];
    for (to, from) in triangle.iter_mut().zip(u.rows()) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
    let mut line = [T::zero(); BASE];
    for mut row in x.rows_mut() {
        line.iter_mut().zip(&row).for_each(|(to, from)| *to = *from);
        for j in 0..n {
            line[j] = line[j] / triangle[j][j];
            let share = line[j];
            for (to, &factor) in line[j + 1..n].iter_mut().zip(&triangle[j][j + 1..n]) {
                *to = *to - share * factor;
            }
        }
        row.iter_mut().zip(&line).for_each(|(to, from)| *to = *from);
    }
}
