//! The gains of all single moves of a row at once.

use std::ops::Range;

use super::loops::{Gains, Greatest, NEVER, Penalties};
use crate::algorithms::accumulator::Ledger;
use crate::algorithms::grid::Direction;
use crate::simd::Detected;

/// Steps of all columns, and the gains that they were found to have.
pub(super) struct Scan {
    isa: Detected,
    /// To the next greater and smaller level; 0 where there is none.
    up: Vec<f32>,
    down: Vec<f32>,
    /// The level's.
    sign: Vec<f32>,
    /// Of the better direction; minus infinity where neither is possible.
    gains: Vec<f32>,
    /// The step in that direction.
    chosen: Vec<f32>,
}

impl Scan {
    pub(super) fn new(isa: Detected, cols: usize) -> Self {
        let zeros = || vec![0.0; cols];
        let (up, down, sign) = (zeros(), zeros(), zeros());
        Self { isa, up, down, sign, gains: zeros(), chosen: zeros() }
    }

    /// The steps of a column from its level.
    pub(super) fn set(&mut self, col: usize, up: f32, down: f32, level: i64) {
        (self.up[col], self.down[col]) = (up, down);
        self.sign[col] = level.signum() as f32;
    }

    /// Multiplies the steps of some columns.
    pub(super) fn rescale(&mut self, columns: Range<usize>, ratio: f32) {
        self.up[columns.clone()].iter_mut().for_each(|up| *up *= ratio);
        self.down[columns].iter_mut().for_each(|down| *down *= ratio);
    }

    /// The gains of some columns as the budgets allow; none outside of them.
    pub(super) fn fill(
        &mut self,
        columns: Range<usize>,
        gradient: &[f32],
        diagonal: &[f32],
        ledger: &Ledger<'_>,
    ) {
        self.gains[..columns.start].fill(NEVER);
        self.gains[columns.end..].fill(NEVER);
        let mut start = columns.start;
        while start < columns.end {
            let (run, open) = ledger.open(start);
            let end = run.end.min(columns.end);
            let penalty = |open: bool| if open { 0.0 } else { NEVER };
            let penalties = Penalties {
                raise_positive: penalty(open.raise_positive),
                raise_negative: penalty(open.raise_negative),
                lower_positive: penalty(open.lower_positive),
                lower_negative: penalty(open.lower_negative),
            };
            self.fill_run(start..end, gradient, diagonal, penalties);
            start = end;
        }
    }

    /// The gains of all columns whatever the budgets.
    pub(super) fn fill_all(&mut self, gradient: &[f32], diagonal: &[f32]) {
        self.fill_run(0..self.gains.len(), gradient, diagonal, Penalties::default());
    }

    fn fill_run(
        &mut self,
        run: Range<usize>,
        gradient: &[f32],
        diagonal: &[f32],
        penalties: Penalties,
    ) {
        self.isa.vectorize(Gains {
            gains: &mut self.gains[run.clone()],
            chosen: &mut self.chosen[run.clone()],
            up: &self.up[run.clone()],
            down: &self.down[run.clone()],
            sign: &self.sign[run.clone()],
            gradient: &gradient[run.clone()],
            diagonal: &diagonal[run],
            penalties,
        });
    }

    /// The column with the greatest gain, of several the first; `None` where nothing can move.
    pub(super) fn best(&self) -> Option<(usize, f32)> {
        self.isa.vectorize(Greatest(&self.gains))
    }

    /// The `count` columns with the greatest gains, of equal ones the first.
    pub(super) fn most(&self, count: usize) -> Vec<usize> {
        let mut all: Vec<(usize, f32)> = self.gains.iter().copied().enumerate().collect();
        let order = |a: &(usize, f32), b: &(usize, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if count < all.len() {
            all.select_nth_unstable_by(count, order);
            all.truncate(count);
        }
        all.sort_unstable_by(order);
        all.into_iter().filter(|(_, gain)| *gain > NEVER).map(|(col, _)| col).collect()
    }

    /// Leaves a column out until the next filling.
    pub(super) fn drop(&mut self, col: usize) {
        self.gains[col] = NEVER;
    }

    /// The direction of a column's gain.
    pub(super) fn direction(&self, col: usize) -> Direction {
        if self.chosen[col] == self.up[col] { Direction::Up } else { Direction::Down }
    }
}
