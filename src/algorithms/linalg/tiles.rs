//! Tiles of a product, whose sums stay in registers.
//!
//! ```text
//! for every RUN of k:  run = 0; for each of them: run = fma(a, b, run);  c = c + alpha run
//! ```
//! Lanes are columns, so that every sum takes k in this order, whatever the vectors, the tiles and the threads: every
//! instruction set gives the same bits. They are those of `matrixmultiply` too, where that has fused multiply-add.

use std::ops::Range;

use ndarray::{ArrayViewMut2, Axis, LinalgScalar};

use super::packed::Packed;
use super::panels::Panels;
use super::shape::{FEW, MANY};
use crate::simd::{Detected, FloatLanes, IsaKernel, Simd, Vectorized, prefetch_to_write};

/// Products that are summed one after the other.
pub(super) const RUN: usize = 256;
/// Products whose sums are added to C while these are in registers.
pub(super) const DEPTH: usize = 4 * RUN;
/// The most lanes of a vector.
const LANES: usize = 16;
/// Panels that stay in the second cache.
const NEAR: usize = 3;

/// What the first sums become.
#[derive(Clone, Copy)]
pub(super) enum Store {
    /// `alpha` times them.
    Set,
    /// `c` and `alpha` times them.
    Add,
}

/// Which elements of C are wanted.
#[derive(Clone, Copy)]
pub(super) enum Reach {
    /// All.
    Full,
    /// Of a square matrix those on and below the diagonal; C has the rows from this one on.
    Lower(usize),
}

/// The elements that tiles have.
pub trait Tiled: LinalgScalar + Send + Sync {
    /// Runs a task with the vectors of an instruction set.
    #[doc(hidden)]
    fn run(tiles: Tiles<'_, Self>);
}

impl Tiled for f32 {
    fn run(tiles: Tiles<'_, Self>) {
        tiles.isa.run_without_vnni(tiles);
    }
}

impl Tiled for f64 {
    fn run(tiles: Tiles<'_, Self>) {
        tiles.isa.run_without_vnni(tiles);
    }
}

/// `A B` for some k, added to C or in its place; [`DEPTH`] of them at most, lest panels leave the second cache.
pub struct Tiles<'a, T> {
    pub(super) isa: Detected,
    /// 1 or -1.
    pub(super) alpha: T,
    pub(super) store: Store,
    pub(super) reach: Reach,
    pub(super) left: &'a Packed<T>,
    /// Which of the left factor's products.
    pub(super) depth: Range<usize>,
    pub(super) right: &'a Panels<T>,
    /// The row of the right factor that belongs to the first of these.
    pub(super) first: usize,
    /// Each row in one piece.
    pub(super) c: ArrayViewMut2<'a, T>,
}

impl<T: Tiled> Tiles<'_, T> {
    /// Adds the products to C, however many there are: [`DEPTH`] of them at a time.
    pub(super) fn add(self) {
        let Self { depth, first, mut c, .. } = self;
        let store = Store::Add;
        for from in (0..depth.len()).step_by(DEPTH) {
            let depth = depth.start + from..depth.end.min(depth.start + from + DEPTH);
            T::run(Tiles { store, depth, first: first + from, c: c.view_mut(), ..self });
        }
    }
}

impl IsaKernel for Tiles<'_, f32> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        run(simd.f32(), self);
    }
}

impl IsaKernel for Tiles<'_, f64> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        run(simd.f64(), self);
    }
}

fn run<L: FloatLanes<Element: Tiled>>(lanes: L, tiles: Tiles<'_, L::Element>) {
    if const { L::REGISTERS.are_many() } {
        lanes.vectorize(Rows::<_, _, { MANY.0 }, { MANY.1 }> { lanes, tiles });
    } else {
        lanes.vectorize(Rows::<_, _, { FEW.0 }, { FEW.1 }> { lanes, tiles });
    }
}

/// Tiles of `R` rows and at most `V` vectors.
struct Rows<'a, L, T, const R: usize, const V: usize> {
    lanes: L,
    tiles: Tiles<'a, T>,
}

impl<T: Tiled, L: FloatLanes<Element = T>, const R: usize, const V: usize> Vectorized
    for Rows<'_, L, T, R, V>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, tiles } = self;
        let Tiles { alpha, store, reach, left, depth, right, first, mut c, .. } = tiles;
        let rows = first..first + depth.len();
        let mut begin = 0;
        while begin < right.columns() {
            let mut end = begin;
            for _ in 0..NEAR {
                end += right.width(end);
            }
            let panels = left.panels::<R>().zip(c.axis_chunks_iter_mut(Axis(0), R));
            for (at, (left, mut c)) in panels.enumerate() {
                let end = match reach {
                    Reach::Full => end,
                    Reach::Lower(first) => end.min(first + (at + 1) * R),
                };
                let left = &left[depth.clone()];
                let mut lines: [&mut [T]; R] = std::array::from_fn(|_| -> &mut [T] { &mut [] });
                for (to, row) in lines.iter_mut().zip(c.rows_mut()) {
                    *to = row.into_slice().unwrap_or_default();
                }
                let lines = &mut lines[..];
                let mut column = begin;
                while column < end.min(right.columns()) {
                    let width = right.width(column);
                    let right = right.panel(column, rows.clone());
                    let tile = Tile { lanes, alpha, store, left, right, column };
                    match width / L::N {
                        1 => tile.add::<1>(lines),
                        2 => tile.add::<2>(lines),
                        _ => tile.add::<V>(lines),
                    }
                    column += width;
                }
            }
            begin = end;
        }
    }
}

/// One tile.
struct Tile<'a, L, T, const R: usize> {
    lanes: L,
    alpha: T,
    store: Store,
    left: &'a [[T; R]],
    right: &'a [T],
    column: usize,
}

impl<T: Tiled, L: FloatLanes<Element = T>, const R: usize> Tile<'_, L, T, R> {
    #[inline(always)]
    fn add<const V: usize>(&self, rows: &mut [&mut [T]]) {
        let (lanes, column) = (self.lanes, self.column);
        let width = rows.first().map_or(0, |row| row.len() - column).min(V * L::N);
        for row in &mut *rows {
            if let Some(to) = row.get_mut(column..column + width) {
                prefetch_to_write(to);
            }
        }
        let zero = lanes.splat(T::zero());
        let alpha = lanes.splat(self.alpha);
        let mut sums = [[zero; V]; R];
        let runs = self.left.chunks(RUN).zip(self.right.chunks(RUN * V * L::N));
        for (index, (left, right)) in runs.enumerate() {
            let mut run = [[zero; V]; R];
            for (left, right) in left.iter().zip(right.chunks_exact(V * L::N)) {
                let mut vectors = [zero; V];
                for v in 0..V {
                    vectors[v] = lanes.load(&right[v * L::N..]);
                }
                for r in 0..R {
                    let x = lanes.splat(left[r]);
                    for v in 0..V {
                        run[r][v] = lanes.mul_add_exact(vectors[v], x, run[r][v]);
                    }
                }
            }
            if index == 0 {
                match self.store {
                    Store::Set => {
                        for (sums, run) in sums.iter_mut().zip(run) {
                            for (sum, run) in sums.iter_mut().zip(run) {
                                *sum = lanes.mul(run, alpha);
                            }
                        }
                        continue;
                    }
                    Store::Add => {
                        for (sums, row) in sums.iter_mut().zip(&*rows) {
                            self.load(row, width, sums);
                        }
                    }
                }
            }
            for (sums, run) in sums.iter_mut().zip(run) {
                for (sum, run) in sums.iter_mut().zip(run) {
                    *sum = lanes.mul_add_exact(run, alpha, *sum);
                }
            }
        }
        for (sums, row) in sums.iter().zip(rows) {
            let Some(to) = row.get_mut(column..column + width) else { break };
            for (to, &sum) in to.chunks_mut(L::N).zip(sums) {
                if to.len() == L::N {
                    lanes.store(sum, to);
                } else {
                    let mut few = [T::zero(); LANES];
                    lanes.store(sum, &mut few);
                    to.copy_from_slice(&few[..to.len()]);
                }
            }
        }
    }

    /// A row of C as vectors.
    #[inline(always)]
    fn load<const V: usize>(&self, row: &[T], width: usize, sums: &mut [L::V; V]) {
        let Some(from) = row.get(self.column..self.column + width) else { return };
        for (sum, from) in sums.iter_mut().zip(from.chunks(L::N)) {
            *sum = if from.len() == L::N {
                self.lanes.load(from)
            } else {
                let mut few = [T::zero(); LANES];
                few[..from.len()].copy_from_slice(from);
                self.lanes.load(&few)
            };
        }
    }
}
