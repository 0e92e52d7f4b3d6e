//! Matrices laid out for the tiles of a product: a few columns next to each other, row by row.

use std::ops::Range;

use ndarray::{ArrayView2, Axis, LinalgScalar, s};

use super::shape::TileShape;
use crate::memory::Buffer;
use crate::simd::{Detected, Vectorized, prefetch_ahead, vectorize};
use crate::tasks;

/// Rows of a block that is transposed at once.
const BLOCK: usize = 8;
/// Fewer elements are laid out by one thread.
const FEW: usize = 1 << 15;

/// The most rows of a matrix that is laid out, side by side in panels of [`TileShape::width`] columns.
pub(crate) struct Panels<T> {
    values: Buffer<T>,
    /// Where the first panel begins: at a line of the cache.
    start: usize,
    shape: TileShape,
    columns: usize,
    rows: usize,
}

/// Whether panels are laid out by one thread or by all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Threads {
    One,
    All,
}

impl<T: LinalgScalar + Send + Sync> Panels<T> {
    /// Room for so many rows.
    pub(super) fn new(isa: Detected, (rows, columns): (usize, usize)) -> Self {
        let shape = TileShape::of::<T>(isa);
        let lanes = shape.lanes;
        let count = rows * columns.next_multiple_of(lanes) + lanes;
        let values = Buffer::filled(T::zero(), count);
        let start = values.as_ptr().align_offset(lanes * size_of::<T>()).min(lanes);
        Self { values, start, shape, columns, rows }
    }

    /// Lays out a matrix of at most as many rows as there is room for.
    pub(super) fn fill(&mut self, matrix: ArrayView2<'_, T>, threads: Threads) {
        self.rows = matrix.nrows();
        let (mut parts, shape) = (Vec::new(), self.shape);
        let mut rest = &mut self.values[self.start..];
        let mut column = 0;
        while column < self.columns {
            let width = shape.width(self.columns - column);
            let (to, behind) = rest.split_at_mut(width * self.rows);
            let from = matrix.slice(s![.., column..(column + width).min(self.columns)]);
            parts.push(Fill { from, to, width });
            (rest, column) = (behind, column + width);
        }
        if threads == Threads::All && self.rows * self.columns >= FEW {
            tasks::for_each(parts, vectorize);
        } else {
            parts.into_iter().for_each(vectorize);
        }
    }

    /// Writes one row.
    ///
    /// # Panics
    /// Where there is no such row, or it has another number of columns.
    pub(crate) fn set_row(&mut self, row: usize, from: &[T]) {
        assert!(row < self.rows && from.len() == self.columns, "a row of these panels");
        let mut column = 0;
        while column < self.columns {
            let width = self.width(column);
            let from = &from[column..(column + width).min(self.columns)];
            let start = self.start + column * self.rows + row * width;
            self.values[start..][..from.len()].copy_from_slice(from);
            column += width;
        }
    }

    /// Some rows of the panel that begins at a column.
    pub(super) fn panel(&self, column: usize, rows: Range<usize>) -> &[T] {
        let width = self.width(column);
        let start = self.start + column * self.rows;
        &self.values[start + rows.start * width..start + rows.end * width]
    }

    /// The width of the panel that begins at a column; 0 behind the last one.
    pub(super) fn width(&self, column: usize) -> usize {
        self.shape.width(self.columns.saturating_sub(column))
    }

    /// Columns of all panels.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }
}

/// One panel: columns that become `width` of them, zeros behind.
pub(super) struct Fill<'a, T> {
    pub(super) from: ArrayView2<'a, T>,
    pub(super) to: &'a mut [T],
    pub(super) width: usize,
}

impl<T: LinalgScalar> Vectorized for Fill<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { mut from, to, width } = self;
        let columns = from.ncols();
        if columns < width {
            to.fill(T::zero());
        }
        match (from.strides()[0], from.strides()[1]) {
            (_, 1) => {
                for (to, from) in to.chunks_exact_mut(width).zip(from.rows()) {
                    if let Some(from) = from.to_slice() {
                        copy(to, from);
                    }
                }
            }
            (_, -1) => {
                from.invert_axis(Axis(1));
                for (to, from) in to.chunks_exact_mut(width).zip(from.rows()) {
                    if let Some(from) = from.to_slice() {
                        to.iter_mut().zip(from.iter().rev()).for_each(|(to, from)| *to = *from);
                    }
                }
            }
            (1 | -1, _) => transpose(from, to, width),
            _ => {
                for (to, from) in to.chunks_exact_mut(width).zip(from.rows()) {
                    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }
}

/// Columns that are laid out side by side, about.
const SIDE: usize = 64;
/// How many rows ahead a matrix is asked for whose rows lie far from each other.
const AHEAD: usize = 12;

/// Lays out a matrix, each row in one piece, in panels of `R` columns, row by row: of a panel at a time, every line of the
/// cache would be fetched more than once.
#[inline(always)]
pub(super) fn fill_side_by_side<T: LinalgScalar, const R: usize>(
    from: ArrayView2<'_, T>,
    to: &mut [T],
) {
    let (rows, columns) = from.dim();
    let stride = from.strides()[0].unsigned_abs() * size_of::<T>();
    for first in (0..columns).step_by(SIDE / R * R) {
        let end = (first + SIDE / R * R).min(columns);
        for (at, row) in from.rows().into_iter().enumerate() {
            let Some(row) = row.to_slice() else { return };
            let row = &row[first..end];
            prefetch_ahead(row, AHEAD * stride);
            let (whole, rest) = row.as_chunks::<R>();
            let mut place = first * rows + at * R;
            for part in whole {
                to[place..][..R].copy_from_slice(part);
                place += R * rows;
            }
            if !rest.is_empty() {
                to[place..][..rest.len()].copy_from_slice(rest);
            }
        }
    }
}

/// What `from` has, to the start of `to`: a few elements, for which a call would take as long.
#[inline(always)]
fn copy<T: Copy>(to: &mut [T], from: &[T]) {
    let to = &mut to[..from.len()];
    let ((to, to_rest), (from, from_rest)) = (to.as_chunks_mut::<4>(), from.as_chunks::<4>());
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    for (to, from) in to_rest.iter_mut().zip(from_rest) {
        *to = *from;
    }
}

/// Columns that lie next to each other, upward or downward.
#[inline(always)]
fn transpose<T: LinalgScalar>(mut from: ArrayView2<'_, T>, to: &mut [T], width: usize) {
    let downward = from.strides()[0] < 0;
    if downward {
        from.invert_axis(Axis(0));
    }
    let rows = from.nrows();
    for first in (0..from.ncols()).step_by(BLOCK) {
        let mut columns: [&[T]; BLOCK] = [&[]; BLOCK];
        let count = (from.ncols() - first).min(BLOCK);
        for (at, column) in columns.iter_mut().enumerate() {
            // What there is too few of stands for itself: it is not written.
            *column = from.column(first + at.min(count - 1)).to_slice().unwrap_or(&[]);
        }
        let place = |row: usize| if downward { rows - 1 - row } else { row };
        let whole = rows / BLOCK * BLOCK;
        for row in (0..whole).step_by(BLOCK) {
            let mut block = [[T::zero(); BLOCK]; BLOCK];
            for (block, column) in block.iter_mut().zip(columns) {
                block.copy_from_slice(&column[row..row + BLOCK]);
            }
            for r in 0..BLOCK {
                let line = &mut to[place(row + r) * width + first..];
                if count == BLOCK {
                    for c in 0..BLOCK {
                        line[..BLOCK][c] = block[c][r];
                    }
                } else {
                    for c in 0..count {
                        line[c] = block[c][r];
                    }
                }
            }
        }
        for row in whole..rows {
            for (c, column) in columns[..count].iter().enumerate() {
                to[place(row) * width + first + c] = column[row];
            }
        }
    }
}
