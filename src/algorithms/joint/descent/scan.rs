//! The gains of all single moves of a row at once.

use std::ops::Range;

use crate::algorithms::accumulator::Ledger;
use crate::algorithms::grid::Direction;

/// Numbers that are compared side by side.
const LANES: usize = 16;
const NEVER: f32 = f32::NEG_INFINITY;

/// Steps of all columns, and the gains that they were found to have.
pub(super) struct Scan {
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

/// What is added to a gain: 0, or minus infinity where the move is closed.
#[derive(Clone, Copy)]
struct Penalties {
    raise_positive: f32,
    raise_negative: f32,
    lower_positive: f32,
    lower_negative: f32,
}

impl Scan {
    pub(super) fn new(cols: usize) -> Self {
        let zeros = || vec![0.0; cols];
        Self { up: zeros(), down: zeros(), sign: zeros(), gains: zeros(), chosen: zeros() }
    }

    /// The steps of a column from its level.
    pub(super) fn set(&mut self, col: usize, up: f32, down: f32, level: i64) {
        (self.up[col], self.down[col]) = (up, down);
        self.sign[col] = level.signum() as f32;
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
        let free = Penalties {
            raise_positive: 0.0,
            raise_negative: 0.0,
            lower_positive: 0.0,
            lower_negative: 0.0,
        };
        self.fill_run(0..self.gains.len(), gradient, diagonal, free);
    }

    fn fill_run(
        &mut self,
        run: Range<usize>,
        gradient: &[f32],
        diagonal: &[f32],
        penalties: Penalties,
    ) {
        let steps = self.up[run.clone()].iter().zip(&self.down[run.clone()]);
        let slopes = gradient[run.clone()].iter().zip(&diagonal[run.clone()]);
        let found = self.gains[run.clone()].iter_mut().zip(&mut self.chosen[run.clone()]);
        let columns = found.zip(&self.sign[run]).zip(steps.zip(slopes));
        for (((gain, chosen), sign), ((up, down), (g, h))) in columns {
            let raised = if *sign < 0.0 { penalties.raise_negative } else { penalties.raise_positive };
            let lowered = if *sign > 0.0 { penalties.lower_positive } else { penalties.lower_negative };
            let raised = up * (2.0 * g - up * h) + raised;
            let lowered = down * (2.0 * g - down * h) + lowered;
            let raised = if *up == 0.0 { NEVER } else { raised };
            let lowered = if *down == 0.0 { NEVER } else { lowered };
            *gain = if raised > lowered { raised } else { lowered };
            *chosen = if raised > lowered { *up } else { *down };
        }
    }

    /// The column with the greatest gain, of several the first; `None` where nothing can move.
    pub(super) fn best(&self) -> Option<(usize, f32)> {
        let mut most = [NEVER; LANES];
        let (blocks, rest) = self.gains.as_chunks::<LANES>();
        for block in blocks {
            for (most, gain) in most.iter_mut().zip(block) {
                *most = if *gain > *most { *gain } else { *most };
            }
        }
        let most = most.iter().chain(rest).fold(NEVER, |most, &gain| most.max(gain));
        let at = self.gains.iter().position(|&gain| gain == most)?;
        (most > NEVER).then_some((at, most))
    }

    /// The `count` columns with the greatest gains.
    pub(super) fn most(&self, count: usize) -> Vec<(usize, f32)> {
        let mut all: Vec<(usize, f32)> = self.gains.iter().copied().enumerate().collect();
        let order = |a: &(usize, f32), b: &(usize, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if count < all.len() {
            all.select_nth_unstable_by(count, order);
            all.truncate(count);
        }
        all.sort_unstable_by(order);
        all.retain(|(_, gain)| *gain > NEVER);
        all
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
