//! The products of a block of samples, in f32, from the rows as they lie.
//!
//! ```text
//! for some rows: for columns of right: for columns of left: a tile of sums takes the rows one after the other
//! ```
//! Lanes are columns, so every sum takes the samples in ascending order, with fused multiply-add.

use crate::simd::{FmaLanes, IsaKernel, Lanes, Simd, Vectorized};

/// Rows that all tiles take before the next ones: those of a tile's columns stay in the first cache.
const ROWS: usize = 128;
/// The most columns of a tile, a multiple of those of every instruction set.
const WIDTH: usize = 48;
/// The most rows of a tile.
const HEIGHT: usize = 8;

/// Which part of a product is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Left and right factor are the same matrix: what is on and above the diagonal.
    Symmetric,
    /// All of it.
    Full,
}

/// `leftᵀ right` of `count` rows.
pub(super) struct Products<'a> {
    /// From the first column on; behind the last row are `WIDTH` elements at least.
    pub(super) left: &'a [f32],
    /// Likewise.
    pub(super) right: &'a [f32],
    /// Elements from row to row.
    pub(super) pitch: usize,
    /// Rows.
    pub(super) count: usize,
    /// Columns of either.
    pub(super) size: (usize, usize),
    /// Of a symmetric product, nothing below the diagonal is defined.
    pub(super) shape: Shape,
}

/// Sums of products, in rows of [`Sums::pitch`].
pub(super) struct Sums {
    pub(super) values: Vec<f32>,
    pub(super) pitch: usize,
}

impl IsaKernel for Products<'_> {
    type Output = Sums;

    fn run<S: Simd>(self, simd: S) -> Sums {
        let (m, n) = self.size;
        let pitch = n.next_multiple_of(WIDTH);
        let mut sums = Sums { values: vec![0.0; m.next_multiple_of(HEIGHT) * pitch], pitch };
        let lanes = simd.fma();
        if const { S::TUNING.registers.are_many() } {
            lanes.vectorize(Strips::<_, HEIGHT> { lanes, products: &self, sums: &mut sums });
        } else {
            lanes.vectorize(Strips::<_, 4> { lanes, products: &self, sums: &mut sums });
        }
        sums
    }
}

/// All tiles of `R` rows by up to three vectors.
struct Strips<'a, L, const R: usize> {
    lanes: L,
    products: &'a Products<'a>,
    sums: &'a mut Sums,
}

impl<L: FmaLanes, const R: usize> Vectorized for Strips<'_, L, R> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        const { assert!(WIDTH.is_multiple_of(3 * L::N) && HEIGHT.is_multiple_of(R)) };
        let Self { lanes, products, sums } = self;
        let (m, n) = products.size;
        for row in (0..products.count).step_by(ROWS) {
            let rows = row..(row + ROWS).min(products.count);
            let mut column = 0;
            while column < n {
                let vectors = (n - column).div_ceil(L::N).min(3);
                let below = match products.shape {
                    Shape::Symmetric => m.min(column + vectors * L::N),
                    Shape::Full => m,
                };
                for at in (0..below).step_by(R) {
                    let tile = (at, column);
                    match vectors {
                        1 => products.tile::<L, R, 1>(lanes, rows.clone(), tile, sums),
                        2 => products.tile::<L, R, 2>(lanes, rows.clone(), tile, sums),
                        _ => products.tile::<L, R, 3>(lanes, rows.clone(), tile, sums),
                    }
                }
                column += vectors * L::N;
            }
        }
    }
}

impl Products<'_> {
    #[inline(always)]
    fn tile<L: FmaLanes, const R: usize, const V: usize>(
        &self,
        lanes: L,
        rows: std::ops::Range<usize>,
        (at, column): (usize, usize),
        sums: &mut Sums,
    ) {
        let mut tile = [[lanes.splat(0.0); V]; R];
        for (r, tile) in tile.iter_mut().enumerate() {
            for (v, sum) in tile.iter_mut().enumerate() {
                *sum = lanes.load(&sums.values[(at + r) * sums.pitch + column + v * L::N..]);
            }
        }
        let left = self.left[rows.start * self.pitch + at..].chunks(self.pitch);
        let right = self.right[rows.start * self.pitch + column..].chunks(self.pitch);
        // A chunk is a row from the tile's column to that of the next row: at least as many as a tile has.
        for (left, right) in left.zip(right).take(rows.len()) {
            step(lanes, &mut tile, &left[..R], &right[..V * L::N]);
        }
        for (r, tile) in tile.iter().enumerate() {
            for (v, &sum) in tile.iter().enumerate() {
                lanes.store(sum, &mut sums.values[(at + r) * sums.pitch + column + v * L::N..]);
            }
        }
    }
}

#[inline(always)]
fn step<L: FmaLanes, const R: usize, const V: usize>(
    lanes: L,
    tile: &mut [[L::V; V]; R],
    left: &[f32],
    right: &[f32],
) {
    let mut vectors = [lanes.splat(0.0); V];
    for v in 0..V {
        vectors[v] = lanes.load(&right[v * L::N..]);
    }
    for r in 0..R {
        let x = lanes.splat(left[r]);
        for v in 0..V {
            tile[r][v] = lanes.fma_even(vectors[v], x, tile[r][v]);
        }
    }
}
