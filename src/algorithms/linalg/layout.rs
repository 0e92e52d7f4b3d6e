//! Transposition and reordering in tiles that stay in cache.

use ndarray::parallel::prelude::*;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

/// The side of a tile.
const TILE: usize = 32;

/// `to <- fromᵀ`, converted element by element.
///
/// # Panics
/// Where the shapes do not fit.
pub fn transpose_into<A: Copy, B>(
    from: ArrayView2<'_, A>,
    mut to: ArrayViewMut2<'_, B>,
    convert: impl Fn(A) -> B,
) {
    let (rows, cols) = from.dim();
    assert_eq!(to.dim(), (cols, rows));
    for row in (0..rows).step_by(TILE) {
        for col in (0..cols).step_by(TILE) {
            let from = from.slice(s![row..(row + TILE).min(rows), col..(col + TILE).min(cols)]);
            let mut to = to.slice_mut(s![col..(col + TILE).min(cols), row..(row + TILE).min(rows)]);
            for (from, mut to) in from.columns().into_iter().zip(to.rows_mut()) {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = convert(*from));
            }
        }
    }
}

/// `matrix[rows[i], cols[j]]`, converted element by element; rows in parallel.
///
/// # Panics
/// Where an index lies outside the matrix.
pub fn gather<A: Copy + Sync, B: Copy + Default + Send + Sync>(
    matrix: ArrayView2<'_, A>,
    rows: &[usize],
    cols: &[usize],
    convert: impl Fn(usize, usize, A) -> B + Sync,
) -> Array2<B> {
    let mut result = Array2::default((rows.len(), cols.len()));
    result.axis_iter_mut(Axis(0)).into_par_iter().with_min_len(16).enumerate().for_each(
        |(i, mut to)| {
            let from = matrix.row(rows[i]);
            for (j, (to, &col)) in to.iter_mut().zip(cols).enumerate() {
                *to = convert(i, j, from[col]);
            }
        },
    );
    result
}
