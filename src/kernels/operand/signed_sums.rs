//! Sums of the positive and of the negative factors of each output: what the worst case of its accumulation is.

use ndarray::{ArrayView1, ArrayView2, Axis};

use super::bytes::{ByteMatrix, any_bytes};
use crate::simd::{Detected, Vectorized};
use crate::tasks;

/// The sums of the factors of one output by sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignedSums {
    pub(crate) positive: i64,
    pub(crate) negative: i64,
}

impl SignedSums {
    /// The extremes of all prefix sums, whatever the other factors are between `low` and `high`.
    pub(crate) fn range(self, (low, high): (i64, i64)) -> (i64, i64) {
        let (low, high) = (low.min(0), high.max(0));
        let Self { positive, negative } = self;
        (negative * high + positive * low, positive * high + negative * low)
    }
}

/// [`SignedSums`] of one output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutputSums {
    /// The greatest of a tile, each on its own.
    pub(crate) tile: SignedSums,
    /// Over all of k.
    pub(crate) whole: SignedSums,
}

impl OutputSums {
    /// Those of the columns of `matrix`, `[K, outputs]`, in tiles of `tile` rows.
    pub(crate) fn of_columns(matrix: ByteMatrix<'_>, tile: usize) -> Vec<Self> {
        fn all<T: Copy + Into<i32> + Send + Sync>(
            codes: ArrayView2<'_, T>,
            tile: usize,
        ) -> Vec<OutputSums> {
            if codes.ncols() > 1 && codes.strides()[1] == 1 {
                return of_rows(codes, tile);
            }
            let mut all = vec![OutputSums::default(); codes.ncols()];
            let task = (CODES / codes.nrows().max(1)).max(1);
            let parts = codes.axis_chunks_iter(Axis(1), task).zip(all.chunks_mut(task));
            tasks::for_each(parts, |(codes, all)| {
                for (sums, column) in all.iter_mut().zip(codes.columns()) {
                    *sums = OutputSums::of(column, tile);
                }
            });
            all
        }
        any_bytes!(matrix.codes, codes => all(codes, tile))
    }

    fn of<T: Copy + Into<i32> + Send + Sync>(factors: ArrayView1<'_, T>, tile: usize) -> Self {
        let copy;
        let factors = match factors.to_slice() {
            Some(factors) => factors,
            None => {
                copy = factors.to_vec();
                &copy
            }
        };
        let (mut all, isa) = (Self::default(), Detected::best());
        for tile in factors.chunks(tile) {
            let sums = isa.vectorize(Summed(tile));
            all.tile.positive = all.tile.positive.max(sums.positive);
            all.tile.negative = all.tile.negative.min(sums.negative);
            all.whole.positive += sums.positive;
            all.whole.negative += sums.negative;
        }
        all
    }

    /// The greatest magnitude of a tile's prefix sums.
    pub(crate) fn reach(&self, range: (i64, i64)) -> i64 {
        let (low, high) = self.tile.range(range);
        high.max(-low)
    }
}

/// Those of the columns of a matrix whose rows are each in one piece: many columns at once.
fn of_rows<T: Copy + Into<i32> + Send + Sync>(
    codes: ArrayView2<'_, T>,
    tile: usize,
) -> Vec<OutputSums> {
    let mut all = vec![OutputSums::default(); codes.ncols()];
    tasks::for_each(all.chunks_mut(COLUMNS).enumerate(), |(index, sums)| {
        let first = index * COLUMNS;
        Detected::best().vectorize(SumColumns { codes, tile, first, sums });
    });
    all
}

/// Codes that one task sums, where columns are summed one by one.
const CODES: usize = 1 << 14;

/// Columns that are summed at once.
const COLUMNS: usize = 256;

/// The sums of some columns from `first` on, row after row.
struct SumColumns<'a, T> {
    codes: ArrayView2<'a, T>,
    tile: usize,
    first: usize,
    sums: &'a mut [OutputSums],
}

impl<T: Copy + Into<i32>> Vectorized for SumColumns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { codes, tile, first, sums: all } = self;
        let rows = codes.nrows();
        for start in (0..rows).step_by(tile) {
            let end = rows.min(start + tile);
            let mut sums = [SignedSums::default(); COLUMNS];
            // 2^16 bytes sum to less than 2^31.
            for part in (start..end).step_by(1 << 16) {
                let (mut positive, mut negative) = ([0i32; COLUMNS], [0i32; COLUMNS]);
                for row in part..end.min(part + (1 << 16)) {
                    let row = codes.row(row);
                    let row = &row.to_slice().unwrap_or(&[])[first..][..all.len()];
                    for ((&x, positive), negative) in
                        row.iter().zip(&mut positive).zip(&mut negative)
                    {
                        let x = x.into();
                        *positive += x.max(0);
                        *negative += x.min(0);
                    }
                }
                for ((sums, positive), negative) in sums.iter_mut().zip(positive).zip(negative) {
                    sums.positive += i64::from(positive);
                    sums.negative += i64::from(negative);
                }
            }
            for (all, sums) in all.iter_mut().zip(sums) {
                all.tile.positive = all.tile.positive.max(sums.positive);
                all.tile.negative = all.tile.negative.min(sums.negative);
                all.whole.positive += sums.positive;
                all.whole.negative += sums.negative;
            }
        }
    }
}

/// [`SignedSums`] of bytes, compiled for an instruction set.
struct Summed<'a, T>(&'a [T]);

impl<T: Copy + Into<i32>> Vectorized for Summed<'_, T> {
    type Output = SignedSums;

    #[inline(always)]
    fn call(self) -> SignedSums {
        let mut sums = SignedSums::default();
        // 2^16 bytes sum to less than 2^31.
        for part in self.0.chunks(1 << 16) {
            let (mut positive, mut negative) = (0i32, 0i32);
            for &x in part {
                let x = x.into();
                positive = positive.wrapping_add(x.max(0));
                negative = negative.wrapping_add(x.min(0));
            }
            sums.positive += i64::from(positive);
            sums.negative += i64::from(negative);
        }
        sums
    }
}
