//! A Gram matrix as tiles that grow side by side.

use ndarray::linalg::general_mat_mul;
use ndarray::parallel::prelude::*;
use ndarray::{Array2, ArrayView2, s};

use crate::algorithms::linalg::{Precision, Scalar};

/// The greatest side of a tile.
const SIDE: usize = 512;

/// Which tiles are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Left and right factor are the same matrix: tiles on and above the diagonal.
    Symmetric,
    /// All tiles.
    Full,
}

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

    /// Adds `leftᵀ right` of a block of samples.
    pub(super) fn add(
        &mut self,
        left: ArrayView2<'_, f32>,
        right: ArrayView2<'_, f32>,
        precision: Precision,
    ) {
        self.tiles.par_iter_mut().for_each(|tile| {
            let left = left.slice(s![.., tile.rows.clone()]);
            let right = right.slice(s![.., tile.cols.clone()]);
            match precision {
                Precision::Single => tile.add::<f32>(left.t(), right),
                Precision::Double => {
                    tile.add::<f64>(left.mapv(f64::from).t(), right.mapv(f64::from).view());
                }
            }
        });
    }

    pub(super) fn into_matrix(self) -> Array2<f64> {
        let mut matrix = Array2::zeros((self.width, self.width));
        for tile in self.tiles {
            matrix.slice_mut(s![tile.rows.clone(), tile.cols.clone()]).assign(&tile.sum);
            if self.shape == Shape::Symmetric && tile.rows != tile.cols {
                matrix.slice_mut(s![tile.cols, tile.rows]).assign(&tile.sum.t());
            }
        }
        matrix
    }
}

impl Tile {
    fn add<T: Scalar>(&mut self, left: ArrayView2<'_, T>, right: ArrayView2<'_, T>) {
        let mut product = Array2::zeros(self.sum.dim());
        general_mat_mul(T::one(), &left, &right, T::zero(), &mut product);
        self.sum.zip_mut_with(&product, |sum, p| *sum += p.to_double());
    }
}
