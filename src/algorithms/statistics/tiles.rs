//! A Gram matrix as tiles that grow side by side.

use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{Array2, ArrayView2, s};

use super::block::Block;
use super::products::{Products, Shape, Sums};
use crate::algorithms::linalg::{Precision, Scalar};
use crate::simd::{Detected, Isa, Vectorized};

/// The greatest side of a tile.
const SIDE: usize = 512;

pub(super) struct Tiles {
    width: usize,
    shape: Shape,
    tiles: Vec<Tile>,
}

struct Tile {
    rows: std::ops::Range<usize>,
    cols: std::ops::Range<usize>,
    sum: Array2<f64>,
}

impl Tiles {
    pub(super) fn new(width: usize, shape: Shape) -> Self {
        let side = width.div_ceil(width.div_ceil(SIDE).max(1)).max(1);
        let cuts: Vec<_> = (0..width).step_by(side).map(|a| a..(a + side).min(width)).collect();
        let mut tiles = Vec::new();
        for (i, rows) in cuts.iter().enumerate() {
            for (j, cols) in cuts.iter().enumerate() {
                if shape == Shape::Full || j >= i {
                    let sum = Array2::zeros((rows.len(), cols.len()));
                    tiles.push(Tile { rows: rows.clone(), cols: cols.clone(), sum });
                }
            }
        }
        Self { width, shape, tiles }
    }

    /// Adds `leftᵀ right` of the columns from `start` on of the first `count` rows.
    pub(super) fn add(
        &mut self,
        (left, right): (&Block, &Block),
        start: usize,
        count: usize,
        precision: Precision,
    ) {
        let isa = Detected::best();
        let shape = self.shape;
        self.tiles.par_iter_mut().for_each(|tile| {
            let rows = start + tile.rows.start..start + tile.rows.end;
            let cols = start + tile.cols.start..start + tile.cols.end;
            match precision {
                // It would have to imitate fused products.
                Precision::Single if isa.isa() == Isa::Portable => {
                    tile.add(left.columns(count, rows).t(), right.columns(count, cols));
                }
                Precision::Single => {
                    let is_diagonal = tile.rows == tile.cols && shape == Shape::Symmetric;
                    let shape = if is_diagonal { Shape::Symmetric } else { Shape::Full };
                    let ((left, pitch), (right, _)) =
                        (left.elements_from(rows.start), right.elements_from(cols.start));
                    let size = tile.sum.dim();
                    let sums = isa.run(Products { left, right, pitch, count, size, shape });
                    let sum = tile.sum.as_slice_mut().unwrap_or_default();
                    isa.vectorize(AddSums { sums: &sums, columns: size.1, to: sum });
                }
                Precision::Double => {
                    let (left, right) = (left.columns(count, rows), right.columns(count, cols));
                    tile.add::<f64>(left.mapv(f64::from).t(), right.mapv(f64::from).view());
                }
            }
        });
    }

    pub(super) fn into_matrix(self) -> Array2<f64> {
        let mut matrix = Array2::zeros((self.width, self.width));
        for tile in self.tiles {
            matrix.slice_mut(s![tile.rows.clone(), tile.cols.clone()]).assign(&tile.sum);
            if self.shape == Shape::Full {
                continue;
            }
            if tile.rows != tile.cols {
                matrix.slice_mut(s![tile.cols, tile.rows]).assign(&tile.sum.t());
                continue;
            }
            let mut square = matrix.slice_mut(s![tile.rows, tile.cols]);
            for (i, row) in tile.sum.rows().into_iter().enumerate() {
                square.slice_mut(s![i + 1.., i]).assign(&row.slice(s![i + 1..]));
            }
        }
        matrix
    }
}

/// Adds sums in f32 to totals in f64.
struct AddSums<'a> {
    sums: &'a Sums,
    columns: usize,
    to: &'a mut [f64],
}

impl Vectorized for AddSums<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let rows = self.to.chunks_mut(self.columns.max(1));
        for (to, sums) in rows.zip(self.sums.values.chunks(self.sums.pitch)) {
            to.iter_mut().zip(sums).for_each(|(to, &sum)| *to += f64::from(sum));
        }
    }
}

impl Tile {
    fn add<T: Scalar>(&mut self, left: ArrayView2<'_, T>, right: ArrayView2<'_, T>) {
        let mut product = Array2::zeros(self.sum.dim());
        general_mat_mul(T::one(), &left, &right, T::zero(), &mut product);
        self.sum.zip_mut_with(&product, |sum, p| *sum += p.to_double());
    }
}
