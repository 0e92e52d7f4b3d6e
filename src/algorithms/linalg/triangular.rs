//! Triangular systems with many right-hand sides, one per row.

use ndarray::parallel::prelude::*;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

use super::{Scalar, gemm, multiply, share};
use crate::simd::{Vectorized, vectorize};

/// Unknowns that are solved one by one; more are halved.
pub(super) const BASE: usize = 32;
/// The most rows of a parallel task.
const ROWS: usize = 128;
/// Unknowns that a task solves.
const FEW: usize = 256;

/// Where `n > BASE` is cut in two: at a multiple of `BASE`.
pub(super) fn halve(n: usize) -> usize {
    (n / 2).next_multiple_of(BASE)
}

/// Replaces B by the X of `X U = B`, with U upper triangular; its strict lower triangle is not read.
///
/// # Panics
/// Where the shapes do not fit.
pub fn solve_right_upper<T: Scalar>(b: &mut Array2<T>, u: ArrayView2<'_, T>) {
    solve(&mut b.view_mut(), u);
}

/// Replaces B by the X of `X L = B`, with L lower triangular; its strict upper triangle is not read.
///
/// # Panics
/// Where the shapes do not fit.
pub fn solve_right_lower<T: Scalar>(b: &mut Array2<T>, l: ArrayView2<'_, T>) {
    // Reversing both orders turns L into an upper triangle.
    solve(&mut b.slice_mut(s![.., ..;-1]), l.slice(s![..;-1, ..;-1]));
}

/// [`solve_right_upper`] in parallel: of many unknowns the products, of few the rows. The sums are the same.
pub(super) fn solve<T: Scalar>(x: &mut ArrayViewMut2<'_, T>, u: ArrayView2<'_, T>) {
    if u.nrows() > FEW {
        return halved(x, u, solve, gemm);
    }
    let rows = share(x.nrows(), ROWS);
    x.axis_chunks_iter_mut(Axis(0), rows)
        .into_par_iter()
        .for_each(|mut rows| solve_rows(&mut rows, u));
}

/// One task.
fn solve_rows<T: Scalar>(x: &mut ArrayViewMut2<'_, T>, u: ArrayView2<'_, T>) {
    if u.nrows() <= BASE {
        return solve_base(x, u);
    }
    halved(x, u, solve_rows, multiply);
}

/// `X1 U11 = B1`, then `X2 U22 = B2 - X1 U12`.
fn halved<T: Scalar>(
    x: &mut ArrayViewMut2<'_, T>,
    u: ArrayView2<'_, T>,
    solve: impl Fn(&mut ArrayViewMut2<'_, T>, ArrayView2<'_, T>),
    multiply: impl Fn(T, ArrayView2<'_, T>, ArrayView2<'_, T>, T, ArrayViewMut2<'_, T>),
) {
    let cut = halve(u.nrows());
    let (mut first, mut second) = x.view_mut().split_at(Axis(1), cut);
    solve(&mut first, u.slice(s![..cut, ..cut]));
    let across = u.slice(s![..cut, cut..]);
    multiply(-T::one(), first.view(), across, T::one(), second.view_mut());
    solve(&mut second, u.slice(s![cut.., cut..]));
}

fn solve_base<T: Scalar>(x: &mut ArrayViewMut2<'_, T>, u: ArrayView2<'_, T>) {
    let mut triangle = [[T::zero(); BASE]; BASE];
    for (to, from) in triangle.iter_mut().zip(u.rows()) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
    vectorize(Base { x: x.view_mut(), triangle: &triangle });
}

/// Rows that are solved side by side.
const LANES: usize = 16;

/// Systems of at most [`BASE`] unknowns.
struct Base<'a, T> {
    x: ArrayViewMut2<'a, T>,
    triangle: &'a [[T; BASE]; BASE],
}

impl<T: Scalar> Vectorized for Base<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { mut x, triangle } = self;
        let n = x.ncols();
        let downward = x.strides()[1] < 0;
        if downward {
            x.invert_axis(Axis(1));
        }
        let place = |at: usize| if downward { n - 1 - at } else { at };
        // Unknown by unknown, of all rows.
        let mut lines = [[T::zero(); LANES]; BASE];
        for mut rows in x.axis_chunks_iter_mut(Axis(0), LANES) {
            for (lane, row) in rows.rows().into_iter().enumerate() {
                if let Some(row) = row.to_slice() {
                    row.iter().enumerate().for_each(|(at, &x)| lines[place(at)][lane] = x);
                } else {
                    row.iter().enumerate().for_each(|(at, &x)| lines[place(at)][lane] = x);
                }
            }
            for j in 0..n {
                let factors = &triangle[j];
                let (done, rest) = lines.split_at_mut(j + 1);
                let share = &mut done[j];
                share.iter_mut().for_each(|x| *x = *x / factors[j]);
                for (line, &factor) in rest[..n - j - 1].iter_mut().zip(&factors[j + 1..n]) {
                    for lane in 0..LANES {
                        line[lane] = line[lane] - share[lane] * factor;
                    }
                }
            }
            for (lane, mut row) in rows.rows_mut().into_iter().enumerate() {
                if let Some(row) = row.as_slice_mut() {
                    row.iter_mut().enumerate().for_each(|(at, x)| *x = lines[place(at)][lane]);
                } else {
                    row.iter_mut().enumerate().for_each(|(at, x)| *x = lines[place(at)][lane]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fewbit_testkit::Random;

    /// Substitution in two roundings a step, for as many unknowns as are not halved.
    fn substituted(b: &Array2<f64>, u: &Array2<f64>) -> Array2<f64> {
        let mut x = b.clone();
        for mut row in x.rows_mut() {
            for j in 0..u.nrows() {
                row[j] /= u[[j, j]];
                for k in j + 1..u.nrows() {
                    row[k] -= row[j] * u[[j, k]];
                }
            }
        }
        x
    }

    #[test]
    fn rows_side_by_side_are_solved_as_each_alone() {
        let mut random = Random(11);
        for (rows, n) in [(1, 1), (15, 7), (16, 32), (45, 29)] {
            let mut matrix = |rows, n| Array2::from_shape_simple_fn((rows, n), || random.normal());
            let (b, u) = (matrix(rows, n), matrix(n, n));
            let mut x = b.clone();
            solve_right_upper(&mut x, u.view());
            assert_eq!(x, substituted(&b, &u), "{rows} {n}");
            let mut reversed = b.slice(s![.., ..;-1]).to_owned();
            solve_right_lower(&mut reversed, u.slice(s![..;-1, ..;-1]));
            assert_eq!(reversed.slice(s![.., ..;-1]), x);
        }
    }
}
