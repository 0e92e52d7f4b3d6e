//! Outputs that no register can lose a bit of, whatever the other operand holds within its range.
//!
//! With `p` the sum of the positive factors of an output and `n` that of the negative ones, and the other factors in
//! `[low, high]` where `low <= 0 <= high`, every prefix of the sum lies between `n high + p low` and `p high + n low`.
//! An inner stage sums a tile at a time, so its worst tile counts; whatever an outer stage holds is a prefix of the whole
//! sum.

use ndarray::{Array1, ArrayView1};
use rayon::prelude::*;

use super::operand::{Matrix, any_codes};
use super::plan::StagePlan;
use crate::simd::{Call, Isa, Lanes, Simd, Task, run};

/// The sums of the positive and of the negative factors of an output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// The greatest of a tile, each on its own.
    tile: Sums,
    /// Over all of k.
    whole: Sums,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    positive: i64,
    negative: i64,
}

impl Sums {
    /// The extremes of all prefixes.
    fn range(self, (low, high): (i64, i64)) -> (i64, i64) {
        let (low, high) = (low.min(0), high.max(0));
        let Self { positive, negative } = self;
        (negative * high + positive * low, positive * high + negative * low)
    }
}

impl Parts {
    /// Those of the columns of `matrix`, whose codes are bytes, in tiles of `tile` rows.
    pub(super) fn of_columns(matrix: &Matrix<'_>, tile: usize) -> Vec<Self> {
        any_codes!(&matrix.codes, codes => {
            codes.columns().into_iter().collect::<Vec<_>>().into_par_iter()
                .map(|column| Self::of(column, tile)).collect()
        })
    }

    /// Those of the rows.
    pub(super) fn of_rows(matrix: &Matrix<'_>, tile: usize) -> Vec<Self> {
        any_codes!(&matrix.codes, codes => {
            codes.rows().into_iter().collect::<Vec<_>>().into_par_iter()
                .map(|row| Self::of(row, tile)).collect()
        })
    }

    fn of<T: Copy + Into<i64> + Send + Sync>(factors: ArrayView1<'_, T>, tile: usize) -> Self {
        let owned: Array1<T>;
        let factors = match factors.to_slice() {
            Some(factors) => factors,
            None => {
                owned = factors.to_owned();
                owned.as_slice().unwrap_or(&[])
            }
        };
        let mut parts = Self::default();
        for tile in factors.chunks(tile) {
            // The best instruction set is there.
            let Ok(sums) = run(Isa::best(), Summed(tile)) else { return parts };
            parts.tile.positive = parts.tile.positive.max(sums.positive);
            parts.tile.negative = parts.tile.negative.min(sums.negative);
            parts.whole.positive += sums.positive;
            parts.whole.negative += sums.negative;
        }
        parts
    }

    /// Whether no stage can overflow if the other factors lie in `range`.
    pub(super) fn fit(&self, range: (i64, i64), stages: &[StagePlan]) -> bool {
        stages.iter().enumerate().all(|(index, stage)| {
            let sums = if index == 0 { self.tile } else { self.whole };
            let (low, high) = sums.range(range);
            let register = stage.range();
            register.0 <= low && high <= register.1
        })
    }

    /// What outputs are sorted by, so that those that fit a register come before those that do not.
    pub(super) fn reach(&self, range: (i64, i64)) -> i64 {
        let (low, high) = self.tile.range(range);
        high.max(-low)
    }
}

/// Sums of the positive and the negative values, compiled for an instruction set.
struct Summed<'a, T>(&'a [T]);

impl<T: Copy + Into<i64>> Task for Summed<'_, T> {
    type Output = Sums;

    fn run<S: Simd>(self, simd: S) -> Sums {
        simd.lanes32().vectorize(self)
    }
}

impl<T: Copy + Into<i64>> Call for Summed<'_, T> {
    type Output = Sums;

    #[inline(always)]
    fn call(self) -> Sums {
        let mut sums = Sums::default();
        // 2^16 bytes sum to less than 2^31; codes that are wider are cut, and never come here.
        for part in self.0.chunks(1 << 16) {
            let (mut positive, mut negative) = (0i32, 0i32);
            for &x in part {
                let x = x.into() as i32;
                positive = positive.wrapping_add(x.max(0));
                negative = negative.wrapping_add(x.min(0));
            }
            sums.positive += i64::from(positive);
            sums.negative += i64::from(negative);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accumulate::Accumulator;
    use crate::kernels::plan::stages;

    #[test]
    fn the_worst_case_is_exact() {
        let column = ndarray::array![[3i8], [-2], [1], [-5]];
        let matrix = Matrix::new(column.view());
        let fits = |acc: &str, range: (i64, i64)| {
            let acc: Accumulator = acc.parse().unwrap();
            let plan = stages(&acc).unwrap();
            let tile = plan[0].count.map_or(4, |count| count as usize);
            Parts::of_columns(&matrix, tile)[0].fit(range, &plan)
        };
        // Up to 4 * 7 = 28, down to -7 * 7 = -49.
        assert!(fits("int7-sat", (0, 7)) && !fits("int6-sat", (0, 7)));
        // -64 fits 7 bits, 64 does not.
        let power = ndarray::array![[-4i8], [-4]];
        let matrix = Matrix::new(power.view());
        let parts = Parts::of_columns(&matrix, 2)[0];
        let seven: Accumulator = "int7-wrap".parse().unwrap();
        assert!(parts.fit((0, 8), &stages(&seven).unwrap()));
        assert!(!parts.fit((-8, 0), &stages(&seven).unwrap()));
        // Tiles of one: 3 * 7 = 21, -5 * 7 = -35; the outer register holds all of it.
        assert!(fits("int7-sat/1,int7-sat", (0, 7)) && !fits("int7-sat/1,int6-sat", (0, 7)));
        assert!(!fits("int6-sat/1,int7-sat", (0, 7)));
    }
}
