//! The worst case of an output: what its register reaches at most, whatever the other operand holds within its range.
//!
//! With `p` the sum of the positive factors of an output and `n` that of the negative ones, and the other factors in
//! `[low, high]` where `low <= 0 <= high`, every prefix of the sum lies between `n high + p low` and `p high + n low`.
//! An inner stage sums a tile at a time, so its worst tile counts; whatever an outer stage holds is a prefix of the whole
//! sum.

use crate::kernels::exact::int8::LONGEST;
use crate::kernels::operand::int8::{K_TILE, units};
use crate::kernels::operand::packed::ByteOperands;
use crate::kernels::operand::signed_sums::OutputSums;
use crate::kernels::plan::stage::StagePlan;

/// Which rows and columns of a product have no output that can overflow.
pub(crate) struct WorstCase {
    pub(crate) rows: Vec<bool>,
    pub(crate) columns: Vec<bool>,
}

impl WorstCase {
    /// That of `operands` through `stages`.
    pub(crate) fn new(operands: ByteOperands<'_>, stages: &[StagePlan]) -> Self {
        let (m, k, n) = operands.dim();
        let tile = stages[0].tile(k);
        let (mut rows, mut columns) = (vec![false; m], vec![false; n]);
        // Sums over all of k, padded to whole words, must fit 32 bits on the way.
        if k <= LONGEST / 2 && units(k, tile) <= LONGEST / K_TILE {
            let of = |sums: &[OutputSums], range| -> Vec<bool> {
                sums.iter().map(|sums| fits(sums, range, stages)).collect()
            };
            columns = of(&operands.column_sums(tile), operands.a.range());
            if columns.contains(&false) {
                rows = of(&OutputSums::of_columns(operands.a.t(), tile), operands.b.range());
            }
        }
        Self { rows, columns }
    }

    /// Whether no output can overflow.
    pub(crate) fn rules_out_overflow(&self) -> bool {
        !self.columns.contains(&false) || !self.rows.contains(&false)
    }
}

/// Whether no stage can overflow if the other factors lie in `range`.
fn fits(sums: &OutputSums, range: (i64, i64), stages: &[StagePlan]) -> bool {
    stages.iter().enumerate().all(|(index, stage)| {
        let sums = if index == 0 { sums.tile } else { sums.whole };
        let (low, high) = sums.range(range);
        let register = stage.range();
        register.0 <= low && high <= register.1
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accumulate::Accumulator;
    use crate::kernels::operand::matrix::Matrix;
    use crate::kernels::plan::stage::stages;

    #[test]
    fn the_worst_case_is_exact() {
        let column = ndarray::array![[3i8], [-2], [1], [-5]];
        let matrix = Matrix::new(column.view());
        let fit = |acc: &str, range: (i64, i64)| {
            let acc: Accumulator = acc.parse().unwrap();
            let plan = stages(&acc).unwrap();
            let sums = OutputSums::of_columns(matrix.bytes().unwrap(), plan[0].tile(4));
            fits(&sums[0], range, &plan)
        };
        // Up to 4 * 7 = 28, down to -7 * 7 = -49.
        assert!(fit("int7-sat", (0, 7)) && !fit("int6-sat", (0, 7)));
        // -64 fits 7 bits, 64 does not.
        let power = ndarray::array![[-4i8], [-4]];
        let matrix = Matrix::new(power.view());
        let sums = OutputSums::of_columns(matrix.bytes().unwrap(), 2)[0];
        let seven: Accumulator = "int7-wrap".parse().unwrap();
        assert!(fits(&sums, (0, 8), &stages(&seven).unwrap()));
        assert!(!fits(&sums, (-8, 0), &stages(&seven).unwrap()));
        // Tiles of one: 3 * 7 = 21, -5 * 7 = -35; the outer register holds all of it.
        assert!(fit("int7-sat/1,int7-sat", (0, 7)) && !fit("int7-sat/1,int6-sat", (0, 7)));
        assert!(!fit("int6-sat/1,int7-sat", (0, 7)));
    }
}
