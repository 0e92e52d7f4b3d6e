//! What is left of the budgets while a solver chooses column after column.

use super::tiers::{Axe, Sums, Tier};
use crate::algorithms::constraint::{Budget, Limits};

/// What is left of the budgets of some rows.
pub(super) struct Budgets {
    axe: Axe,
    lanes: usize,
    /// Per tier, `[tile, lane]`.
    sums: Vec<Vec<Sums>>,
    /// Likewise, where they are used.
    thresholds: Option<Vec<Vec<f64>>>,
    low: Vec<i64>,
    high: Vec<i64>,
}

impl Budgets {
    /// Of so many rows, nothing chosen yet; per tier the thresholds of every tile and lane, where they are used.
    pub(super) fn new(axe: Axe, lanes: usize, thresholds: Option<Vec<Vec<f64>>>) -> Self {
        let tiles = |tier: &Tier| axe.ranges.len().div_ceil(tier.tile);
        let sums =
            axe.tiers.iter().map(|tier| vec![Sums::default(); tiles(tier) * lanes]).collect();
        Self { axe, lanes, sums, thresholds, low: vec![0; lanes], high: vec![0; lanes] }
    }

    fn book(&mut self, col: usize, levels: &[i64], sign: i64) {
        let range = self.axe.ranges[col];
        for (tier, sums) in self.axe.tiers.iter().zip(&mut self.sums) {
            let tile = col / tier.tile * self.lanes;
            for (sums, &level) in sums[tile..tile + self.lanes].iter_mut().zip(levels) {
                sums.book(level, range, sign);
            }
        }
    }
}

impl Budget for Budgets {
    fn thresholds(&self, col: usize) -> Option<Vec<f64>> {
        let thresholds = self.thresholds.as_ref()?;
        let of_lane = |lane| {
            let tiers = self.axe.tiers.iter().zip(thresholds);
            let each = tiers.map(|(tier, theta)| theta[col / tier.tile * self.lanes + lane]);
            each.fold(0.0, f64::max)
        };
        Some((0..self.lanes).map(of_lane).collect())
    }

    fn limits(&mut self, col: usize) -> Limits<'_> {
        /// More than any format's levels.
        const FREE: i64 = 1 << 62;
        let (lo, hi) = self.axe.ranges[col];
        self.low.fill(-FREE);
        self.high.fill(FREE);
        for (tier, sums) in self.axe.tiers.iter().zip(&self.sums) {
            let tile = col / tier.tile * self.lanes;
            for (lane, sums) in sums[tile..tile + self.lanes].iter().enumerate() {
                // How many of each end of the input range still fit above and below.
                let (above, below) = (tier.max - sums.max, sums.min - tier.min);
                let share = |slack: i64, reach: i64| if reach == 0 { FREE } else { slack / reach };
                let (high, low) = (&mut self.high[lane], &mut self.low[lane]);
                *high = (*high).min(share(above, hi)).min(share(below, -lo));
                *low = (*low).max(-share(above, -lo)).max(-share(below, hi));
            }
        }
        Limits { low: &self.low, high: &self.high }
    }

    fn commit(&mut self, col: usize, levels: &[i64]) {
        self.book(col, levels, 1);
    }

    fn release(&mut self, col: usize, levels: &[i64]) {
        self.book(col, levels, -1);
    }
}
