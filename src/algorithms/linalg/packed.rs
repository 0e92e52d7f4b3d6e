//! The left factor of a product laid out for tiles: the rows of a tile next to each other, product by product.

use ndarray::{ArrayView2, Axis, LinalgScalar};

use super::panels::{Fill, Threads, fill_side_by_side};
use super::shape::{FEW, MANY, TileShape};
use crate::memory::Buffer;
use crate::simd::{Detected, Vectorized};
use crate::tasks;

/// Tiles that a task lays out.
const TILES: usize = 16;

/// A left factor; rows behind the last one are zeros.
pub(super) struct Packed<T> {
    values: Buffer<T>,
    count: usize,
    /// Rows of a tile.
    height: usize,
}

impl<T: LinalgScalar + Send + Sync> Packed<T> {
    /// Lays out a matrix for the tiles of an instruction set.
    pub(super) fn new(isa: Detected, matrix: ArrayView2<'_, T>, threads: Threads) -> Self {
        match isa.tuning().registers.are_many() {
            true => Self::in_panels::<{ MANY.0 }>(isa, matrix, threads),
            false => Self::in_panels::<{ FEW.0 }>(isa, matrix, threads),
        }
    }

    /// Room for a matrix, zeros so far.
    pub(super) fn zeros(isa: Detected, (rows, count): (usize, usize)) -> Self {
        let height = TileShape::of::<T>(isa).rows;
        let values = Buffer::filled(T::zero(), rows.next_multiple_of(height) * count);
        Self { values, count, height }
    }

    /// Writes an element of the rows from `row` on, the first one of a tile; there may be fewer rows than elements.
    #[inline(always)]
    pub(super) fn put(&mut self, row: usize, column: usize, elements: &[T]) {
        let (height, count) = (self.height, self.count);
        for (at, elements) in elements.chunks_exact(height).enumerate() {
            let start = (row + at * height) * count + column * height;
            let Some(to) = self.values.get_mut(start..start + height) else { return };
            to.copy_from_slice(elements);
        }
    }

    fn in_panels<const R: usize>(
        isa: Detected,
        matrix: ArrayView2<'_, T>,
        threads: Threads,
    ) -> Self {
        let mut packed = Self::zeros(isa, matrix.dim());
        let (values, count) = (&mut packed.values, packed.count);
        if threads == Threads::All && matrix.nrows() > TILES * R {
            let parts = values.chunks_mut((TILES * R * count).max(1));
            let parts = parts.zip(matrix.axis_chunks_iter(Axis(0), TILES * R));
            tasks::for_each(parts, |(to, matrix)| {
                isa.vectorize(Pack::<T, R> { matrix, to });
            });
        } else if count > 0 {
            isa.vectorize(Pack::<T, R> { matrix, to: values });
        }
        packed
    }

    /// The rows of each tile.
    pub(super) fn panels<const R: usize>(&self) -> impl Iterator<Item = &[[T; R]]> {
        self.values.as_chunks::<R>().0.chunks_exact(self.count.max(1))
    }
}

struct Pack<'a, T, const R: usize> {
    matrix: ArrayView2<'a, T>,
    to: &'a mut [T],
}

impl<T: LinalgScalar, const R: usize> Vectorized for Pack<'_, T, R> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { matrix, to } = self;
        if matrix.strides()[0] == 1 {
            fill_side_by_side::<T, R>(matrix.reversed_axes(), to);
        } else {
            let panels = matrix.axis_chunks_iter(Axis(0), R);
            for (to, from) in to.chunks_exact_mut(R * matrix.ncols()).zip(panels) {
                Fill { from: from.reversed_axes(), to, width: R }.call();
            }
        }
    }
}
