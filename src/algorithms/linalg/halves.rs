//! What the steps of a recursion by halves feed into each other, for many right factors.
//!
//! ```text
//! solve(start..end):  solve(start..cut);  C[cut..end] += U[start..cut, cut..end]ᵀ B[start..cut];  solve(cut..end)
//! ```
//! U is strictly upper triangular. All tasks multiply with the same blocks of it, which are laid out for tiles once.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, aview1, s};

use super::halving::{halve, halves, place};
use super::packed::Packed;
use super::panels::{Panels, Threads};
use super::tiles::{Reach, Store, Tiles};
use super::{Scalar, multiply};
use crate::memory::zero_matrix;
use crate::simd::{Detected, Isa};

/// A strictly upper triangular matrix, and its blocks laid out.
pub(crate) struct Halves<'a, T> {
    isa: Detected,
    upper: ArrayView2<'a, T>,
    /// By the place of their cuts; none for the portable set, which would have to imitate fused products.
    blocks: Vec<Packed<T>>,
}

/// A right factor, which is written row by row.
pub(crate) enum Right<T> {
    Panels(Panels<T>),
    Rows(Array2<T>),
}

impl<T: Scalar> Right<T> {
    /// Writes a row.
    pub(crate) fn set_row(&mut self, row: usize, from: &[T]) {
        match self {
            Self::Panels(panels) => panels.set_row(row, from),
            Self::Rows(rows) => rows.row_mut(row).assign(&aview1(from)),
        }
    }
}

impl<'a, T: Scalar> Halves<'a, T> {
    /// Lays out the blocks of a square matrix; what is on its diagonal and below is not read.
    pub(crate) fn new(upper: ArrayView2<'a, T>) -> Self {
        Self::on(Detected::best(), upper)
    }

    fn on(isa: Detected, upper: ArrayView2<'a, T>) -> Self {
        let block = |[first, second]: [Range<usize>; 2]| {
            Packed::new(isa, upper.slice_move(s![first, second]).reversed_axes(), Threads::All)
        };
        let blocks = match isa.isa() {
            Isa::Portable => Vec::new(),
            _ => halves(upper.nrows()).into_iter().map(block).collect(),
        };
        Self { isa, upper, blocks }
    }

    /// Room for right factors with so many columns.
    pub(crate) fn right(&self, columns: usize) -> Right<T> {
        let rows = self.upper.nrows();
        match self.isa.isa() {
            Isa::Portable => Right::Rows(zero_matrix((rows, columns))),
            _ => Right::Panels(Panels::new(self.isa, (rows, columns))),
        }
    }

    /// Adds to the second half of these steps what the first half feeds into it; `to` has the rows of the second half.
    pub(crate) fn add(&self, steps: Range<usize>, right: &Right<T>, to: ArrayViewMut2<'_, T>) {
        let cut = steps.start + halve(steps.len());
        let (isa, alpha, start) = (self.isa, T::one(), steps.start);
        match right {
            Right::Rows(rows) => {
                let block = self.upper.slice(s![start..cut, cut..steps.end]);
                multiply(alpha, block.t(), rows.slice(s![start..cut, ..]), alpha, to);
            }
            Right::Panels(right) => {
                let (left, depth) = (&self.blocks[place(cut)], 0..cut - start);
                let (store, reach) = (Store::Add, Reach::Full);
                Tiles { isa, alpha, store, reach, left, depth, right, first: start, c: to }.add();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fewbit_testkit::Random;

    /// One block of one right factor, in the order in which any product sums.
    fn fed<T: Scalar>(block: ArrayView2<'_, T>, right: ArrayView2<'_, T>, c: &mut Array2<T>) {
        for ((row, column), c) in c.indexed_iter_mut() {
            let pairs = block.column(row).into_iter().zip(right.column(column));
            let pairs: Vec<(T, T)> = pairs.map(|(&u, &b)| (u, b)).collect();
            let run = |run: &[(T, T)]| run.iter().fold(T::zero(), |sum, &(u, b)| u.mul_add(b, sum));
            *c = pairs.chunks(256).map(run).fold(*c, |sum, run| sum + run);
        }
    }

    fn all<T: Scalar>(seed: u64, sizes: &[(usize, usize)]) {
        let mut random = Random(seed);
        for &(n, columns) in sizes {
            let mut matrix = |rows, columns| {
                let number = || T::of((random.next() >> 40) as f64 / 65536.0 - 100.0);
                Array2::from_shape_simple_fn((rows, columns), number)
            };
            let (upper, b, c) = (matrix(n, n), matrix(n, columns), matrix(n, columns));
            for isa in Isa::available() {
                let halves = Halves::on(isa.detect().expect("it is there"), upper.view());
                let mut right = halves.right(columns);
                for (row, values) in b.rows().into_iter().enumerate() {
                    right.set_row(row, values.as_slice().expect("in one piece"));
                }
                for [first, second] in super::halves(n) {
                    let (of, cut) = (first.start..second.end, first.end);
                    let mut found = c.slice(s![cut..of.end, ..]).to_owned();
                    let (mut expected, start) = (found.clone(), of.start);
                    halves.add(of.clone(), &right, found.view_mut());
                    let block = upper.slice(s![start..cut, cut..of.end]);
                    match isa {
                        Isa::Portable => {
                            let right = b.slice(s![start..cut, ..]);
                            multiply(T::one(), block.t(), right, T::one(), expected.view_mut());
                        }
                        _ => fed(block, b.slice(s![start..cut, ..]), &mut expected),
                    }
                    assert_eq!(found, expected, "{isa} {n} {columns} {of:?}");
                }
            }
        }
    }

    #[test]
    fn every_block_feeds_what_any_product_does() {
        all::<f32>(3, &[(33, 1), (64, 48), (97, 50), (200, 256), (2100, 17)]);
        all::<f64>(4, &[(32, 5), (70, 24), (161, 100)]);
    }
}
