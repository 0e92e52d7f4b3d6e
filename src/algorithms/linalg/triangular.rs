//! Triangular systems with many right-hand sides, one per row.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

use super::halving::{BASE, halve, halves, place};
use super::packed::Packed;
use super::panels::{Panels, Threads};
use super::shape::{FEW, MANY};
use super::tiles::{Reach, Store, Tiles};
use super::{Scalar, multiply, share};
use crate::simd::{Detected, Isa, Vectorized, vectorize};
use crate::tasks;

/// The most rows of a parallel task.
const ROWS: usize = 128;

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

/// [`solve_right_upper`]: rows in parallel, each by halves.
///
/// ```text
/// X1 U11 = B1;  X2 U22 = B2 - X1 U12
/// ```
pub(super) fn solve<T: Scalar>(x: &mut ArrayViewMut2<'_, T>, u: ArrayView2<'_, T>) {
    solve_on(Detected::best(), x, u);
}

fn solve_on<T: Scalar>(isa: Detected, x: &mut ArrayViewMut2<'_, T>, u: ArrayView2<'_, T>) {
    let backward = x.strides()[1] < 0;
    let panels = |[first, second]: [Range<usize>; 2]| {
        let mut block = u.slice_move(s![first, second]);
        if backward {
            block.invert_axis(Axis(1));
        }
        let mut panels = Panels::new(isa, block.dim());
        panels.fill(block, Threads::All);
        panels
    };
    // The portable set would have to imitate fused products.
    let has_tiles = isa.isa() != Isa::Portable && (x.ncols() <= 1 || x.strides()[1].abs() == 1);
    let blocks = match has_tiles {
        true => halves(u.nrows()).into_iter().map(panels).collect(),
        false => Vec::new(),
    };
    let triangle = Triangle { u, backward, isa, blocks };
    let rows = share(x.nrows(), ROWS).next_multiple_of(LANES);
    tasks::for_each(x.axis_chunks_iter_mut(Axis(0), rows), |x| {
        let done = match triangle.blocks.is_empty() {
            true => None,
            false => Some(Packed::zeros(isa, x.dim())),
        };
        Task { triangle: &triangle, x, done }.solve(0..u.nrows());
    });
}

/// The triangle of some systems.
struct Triangle<'a, T> {
    u: ArrayView2<'a, T>,
    /// Whether rows of X go down in memory.
    backward: bool,
    isa: Detected,
    /// Its blocks beside the diagonal, laid out once for all tasks, by the place of their cuts; none where X has no tiles.
    blocks: Vec<Panels<T>>,
}

/// Some rows.
struct Task<'a, T> {
    triangle: &'a Triangle<'a, T>,
    x: ArrayViewMut2<'a, T>,
    /// The unknowns that are solved, laid out for tiles.
    done: Option<Packed<T>>,
}

impl<T: Scalar> Task<'_, T> {
    fn solve(&mut self, steps: Range<usize>) {
        if steps.len() <= BASE {
            return self.solve_base(steps);
        }
        let cut = steps.start + halve(steps.len());
        self.solve(steps.start..cut);
        let (one, triangle) = (T::one(), self.triangle);
        let (isa, alpha) = (triangle.isa, -one);
        let (first, mut second) = self.x.view_mut().split_at(Axis(1), cut);
        let mut c = second.slice_mut(s![.., ..steps.end - cut]);
        match &self.done {
            Some(left) => {
                if triangle.backward {
                    c.invert_axis(Axis(1));
                }
                let right = &triangle.blocks[place(cut)];
                let (store, reach) = (Store::Add, Reach::Full);
                let depth = steps.start..cut;
                Tiles { isa, alpha, store, reach, left, depth, right, first: 0, c }.add();
            }
            None => {
                let first = first.slice(s![.., steps.start..]);
                let block = triangle.u.slice(s![steps.start..cut, cut..steps.end]);
                multiply(alpha, first, block, one, c);
            }
        }
        self.solve(cut..steps.end);
    }

    fn solve_base(&mut self, steps: Range<usize>) {
        let mut triangle = [[T::zero(); BASE]; BASE];
        let from = self.triangle.u.slice(s![steps.clone(), steps.clone()]);
        for (to, from) in triangle.iter_mut().zip(from.rows()) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
        let (first, done) = (steps.start, self.done.as_mut());
        let x = self.x.slice_mut(s![.., steps]);
        vectorize(Base { x, triangle: &triangle, first, done });
    }
}

/// Rows that are solved side by side: whole tiles of every instruction set.
const LANES: usize = 24;
const _: () = assert!(LANES.is_multiple_of(MANY.0) && LANES.is_multiple_of(FEW.0));

/// Systems of at most [`BASE`] unknowns.
struct Base<'a, T> {
    x: ArrayViewMut2<'a, T>,
    triangle: &'a [[T; BASE]; BASE],
    /// The first unknown, and where all of them are laid out.
    first: usize,
    done: Option<&'a mut Packed<T>>,
}

impl<T: Scalar> Vectorized for Base<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { mut x, triangle, first, mut done } = self;
        let n = x.ncols();
        let downward = x.strides()[1] < 0;
        if downward {
            x.invert_axis(Axis(1));
        }
        let place = |at: usize| if downward { n - 1 - at } else { at };
        // Unknown by unknown, of all rows.
        let mut lines = [[T::zero(); LANES]; BASE];
        for (chunk, mut rows) in x.axis_chunks_iter_mut(Axis(0), LANES).enumerate() {
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
            if let Some(done) = &mut done {
                for (at, line) in lines[..n].iter().enumerate() {
                    done.put(chunk * LANES, first + at, line);
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
            let mut reversed = b.slice(s![.., ..;-1]).as_standard_layout().into_owned();
            solve_right_lower(&mut reversed, u.slice(s![..;-1, ..;-1]));
            assert_eq!(reversed.slice(s![.., ..;-1]), x);
        }
    }

    /// By halves, with the products of any matrices.
    fn by_halves(x: &mut Array2<f64>, u: &Array2<f64>, steps: Range<usize>) {
        if steps.len() <= BASE {
            let mut some = x.slice_mut(s![.., steps.clone()]);
            let solved =
                substituted(&some.to_owned(), &u.slice(s![steps.clone(), steps]).to_owned());
            return some.assign(&solved);
        }
        let cut = steps.start + halve(steps.len());
        by_halves(x, u, steps.start..cut);
        let (first, mut second) = x.view_mut().split_at(Axis(1), cut);
        let first = first.slice(s![.., steps.start..]);
        let across = u.slice(s![steps.start..cut, cut..steps.end]);
        multiply(-1.0, first, across, 1.0, second.slice_mut(s![.., ..steps.end - cut]));
        by_halves(x, u, cut..steps.end);
    }

    #[test]
    fn many_unknowns_are_solved_by_halves_on_every_instruction_set() {
        let mut random = Random(12);
        for (rows, n) in [(1, 33), (7, 64), (16, 100), (45, 161), (300, 257), (3, 1500)] {
            let mut matrix = |rows, n| Array2::from_shape_simple_fn((rows, n), || random.normal());
            let (b, mut u): (Array2<f64>, Array2<f64>) = (matrix(rows, n), matrix(n, n));
            // Solutions that stay in range.
            u.mapv_inplace(|u| u / 16.0);
            u.diag_mut().fill(1.25);
            let mut expected = b.clone();
            by_halves(&mut expected, &u, 0..n);
            for isa in Isa::available() {
                // Its sums are others where the best set has fused products.
                if isa == Isa::Portable && isa != Isa::best() {
                    continue;
                }
                let isa = isa.detect().expect("it is there");
                let mut x = b.clone();
                solve_on(isa, &mut x.view_mut(), u.view());
                assert_eq!(x, expected, "{} {rows} {n}", isa.isa());
                // The same numbers, the other way round in memory; a copy alone would keep their order there.
                let (flip, back) = (s![..;-1, ..;-1], b.slice(s![.., ..;-1]));
                let mut back = back.as_standard_layout().into_owned();
                let lower = u.slice(flip).as_standard_layout().into_owned();
                solve_on(isa, &mut back.slice_mut(s![.., ..;-1]), lower.slice(flip));
                assert_eq!(back.slice(s![.., ..;-1]), expected, "{} {rows} {n}", isa.isa());
            }
            // Columns in one piece.
            let mut x = b.t().as_standard_layout().into_owned().reversed_axes();
            solve_right_upper(&mut x, u.view());
            assert_eq!(x, expected, "{rows} {n}");
        }
    }
}
