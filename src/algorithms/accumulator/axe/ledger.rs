//! The budgets of one row whose levels are all chosen, for moves of single levels.

use std::ops::Range;

use super::tiers::{Axe, Sums};

/// What the levels of a row have spent.
pub(in crate::algorithms) struct Ledger<'a> {
    axe: &'a Axe,
    /// Per tier and tile.
    sums: Vec<Vec<Sums>>,
    /// The least reach of any input above and below 0.
    least: (i64, i64),
    /// Columns of the smallest tile.
    run: usize,
}

/// Which moves some columns that share all tiles may still make, by sign of the level; a filter, to be followed by
/// [`Ledger::fits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::algorithms) struct Open {
    /// Levels of at least 0 may rise.
    pub(in crate::algorithms) raise_positive: bool,
    /// Levels below 0 may rise.
    pub(in crate::algorithms) raise_negative: bool,
    /// Levels above 0 may fall.
    pub(in crate::algorithms) lower_positive: bool,
    /// Levels of at most 0 may fall.
    pub(in crate::algorithms) lower_negative: bool,
}

impl<'a> Ledger<'a> {
    /// Of a row of levels, one per input.
    pub(in crate::algorithms) fn new(axe: &'a Axe, levels: &[i64]) -> Self {
        let sums = axe.tiers.iter().map(|tier| {
            let tiles = levels.chunks(tier.tile).zip(axe.ranges.chunks(tier.tile));
            let tile = |(levels, ranges): (&[i64], &[(i64, i64)])| {
                let mut sums = Sums::default();
                levels.iter().zip(ranges).for_each(|(&level, &range)| sums.book(level, range, 1));
                sums
            };
            tiles.map(tile).collect()
        });
        let above = axe.ranges.iter().map(|range| range.1).min().unwrap_or(0);
        let below = axe.ranges.iter().map(|range| -range.0).min().unwrap_or(0);
        let run = axe.tiers.iter().map(|tier| tier.tile).min().unwrap_or(usize::MAX);
        Self { sums: sums.collect(), axe, least: (above, below), run: run.min(levels.len().max(1)) }
    }

    /// Books that a level changes.
    pub(in crate::algorithms) fn shift(&mut self, col: usize, from: i64, to: i64) {
        let range = self.axe.ranges[col];
        for (tier, sums) in self.axe.tiers.iter().zip(&mut self.sums) {
            let sums = &mut sums[col / tier.tile];
            sums.book(from, range, -1);
            sums.book(to, range, 1);
        }
    }

    /// Whether all stages that sum a column hold their sums if its level changes.
    pub(in crate::algorithms) fn fits(&self, col: usize, from: i64, to: i64) -> bool {
        let range = self.axe.ranges[col];
        self.axe.tiers.iter().zip(&self.sums).all(|(tier, sums)| {
            let mut sums = sums[col / tier.tile];
            sums.book(from, range, -1);
            sums.book(to, range, 1);
            sums.max <= tier.max && sums.min >= tier.min
        })
    }

    /// The columns of the smallest tile around a column that a stage cannot hold the sums of; `None` where all stages can.
    pub(in crate::algorithms) fn overdrawn(&self, col: usize) -> Option<Range<usize>> {
        let cols = self.axe.ranges.len();
        let tiers = self.axe.tiers.iter().zip(&self.sums);
        let over = tiers.filter(|(tier, sums)| {
            let sums = sums[col / tier.tile];
            sums.max > tier.max || sums.min < tier.min
        });
        let tile = over.map(|(tier, _)| tier.tile).min()?;
        let start = col / tile * tile;
        Some(start..start.saturating_add(tile).min(cols))
    }

    /// The columns from `start` on that share all tiles with it, and how they may move.
    pub(in crate::algorithms) fn open(&self, start: usize) -> (Range<usize>, Open) {
        let end = (start / self.run + 1).saturating_mul(self.run).min(self.axe.ranges.len());
        let mut open = Open {
            raise_positive: true,
            raise_negative: true,
            lower_positive: true,
            lower_negative: true,
        };
        for (tier, sums) in self.axe.tiers.iter().zip(&self.sums) {
            let sums = sums[start / tier.tile];
            let (above, below) = (tier.max - sums.max, sums.min - tier.min);
            let (most, least) = self.least;
            open.raise_positive &= most <= above && least <= below;
            open.lower_negative &= most <= below && least <= above;
            // An overdrawn sum is to be brought back: of unsigned inputs one sign alone counts for it.
            let unsigned = self.axe.ranges[start].0 == 0;
            if unsigned && above < 0 {
                open.raise_negative = false;
            }
            if unsigned && below < 0 {
                open.lower_positive = false;
            }
        }
        (start..end, open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accumulate::bounds::{InputRange, Inputs};
    use crate::algorithms::SoftThreshold;
    use fewbit_testkit::Random;

    const COLS: usize = 10;

    /// S+ and S- of every stage's tile around a column, and whether its register holds them: tiles of 4 in 7 bits, all in 8.
    fn holds(levels: &[i64], ranges: &[InputRange], col: usize) -> bool {
        let tile = |columns: Range<usize>, bits: u32| {
            let ends = columns.map(|k| {
                let ends = [levels[k] * ranges[k].low, levels[k] * ranges[k].high];
                (ends[0].max(ends[1]), ends[0].min(ends[1]))
            });
            let (max, min) = ends.fold((0, 0), |sum, end| (sum.0 + end.0, sum.1 + end.1));
            max < 1 << (bits - 1) && min >= -(1 << (bits - 1))
        };
        let start = col / 4 * 4;
        tile(start..(start + 4).min(COLS), 7) && tile(0..COLS, 8)
    }

    #[test]
    fn moves_fit_where_all_sums_are_held() {
        let acc = "int7-sat/4,int8-wrap".parse().unwrap();
        let mut random = Random(41);
        let mut below = |most: u64| (random.next() % most) as i64;
        // Moves that do not fit, that fit, and that the filter closes.
        let mut seen = [0; 3];
        for _ in 0..400 {
            let ranges: Vec<InputRange> =
                (0..COLS).map(|_| InputRange { low: -below(12), high: below(12) }).collect();
            let mut levels: Vec<i64> = (0..COLS).map(|_| below(5) - 2).collect();
            let inputs = Inputs::PerChannel(&ranges);
            let axe = Axe::new(&acc, &inputs, COLS, SoftThreshold::Off).unwrap();
            let mut ledger = Ledger::new(&axe, &levels);
            for _ in 0..20 {
                let (col, by) = (below(COLS as u64) as usize, below(7) - 3);
                let (from, to) = (levels[col], levels[col] + by);
                let mut moved = levels.clone();
                moved[col] = to;
                let fits = holds(&moved, &ranges, col);
                assert_eq!(ledger.fits(col, from, to), fits);
                assert_eq!(ledger.overdrawn(col).is_none(), holds(&levels, &ranges, col));
                // What the filter closes is never open.
                let (run, open) = ledger.open(col / 4 * 4);
                assert!(run.contains(&col));
                let allowed = match (by > 0, from) {
                    (true, 0..) => open.raise_positive,
                    (true, _) => open.raise_negative,
                    (false, 1..) => open.lower_positive,
                    (false, _) => open.lower_negative,
                };
                assert!(allowed || !fits || by == 0 || !holds(&levels, &ranges, col));
                seen[usize::from(fits)] += 1;
                seen[2] += usize::from(!allowed);
                // Now and then beyond the budget, as the first move of a pair goes.
                if fits || below(8) == 0 {
                    ledger.shift(col, from, to);
                    levels[col] = to;
                }
            }
        }
        assert!(seen.iter().all(|&count| count > 50), "{seen:?}");
    }
}
