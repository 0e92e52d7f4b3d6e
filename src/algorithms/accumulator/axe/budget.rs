//! What is left of the budgets while a solver chooses column after column.

use super::tiers::{Axe, Tier};
use crate::algorithms::constraint::{Budget, Limits};
use crate::simd::{Vectorized, vectorize};

/// More than any format's levels.
const FREE: i64 = 1 << 62;

/// What is left of the budgets of some rows.
pub(super) struct Budgets {
    axe: Axe,
    lanes: usize,
    /// Per tier S+ and S-, each `[tile, lane]`.
    sums: Vec<TierSums>,
    /// Per tier `[tile, lane]`, where they are used.
    thresholds: Option<Vec<Vec<f64>>>,
    low: Vec<i64>,
    high: Vec<i64>,
}

struct TierSums {
    max: Vec<i64>,
    min: Vec<i64>,
}

impl Budgets {
    /// Of so many rows, nothing chosen yet; per tier the thresholds of every tile and lane, where they are used.
    pub(super) fn new(axe: Axe, lanes: usize, thresholds: Option<Vec<Vec<f64>>>) -> Self {
        let zeros = |tier: &Tier| vec![0; axe.ranges.len().div_ceil(tier.tile) * lanes];
        let sums = axe.tiers.iter().map(|tier| TierSums { max: zeros(tier), min: zeros(tier) });
        let sums = sums.collect();
        Self { axe, lanes, sums, thresholds, low: vec![0; lanes], high: vec![0; lanes] }
    }

    fn book(&mut self, col: usize, levels: &[i64], sign: i64) {
        vectorize(Book { budgets: self, col, levels, sign });
    }
}

impl Budget for Budgets {
    fn thresholds(&self, col: usize) -> Option<Vec<f64>> {
        let mut most = vec![0f64; self.lanes];
        for (tier, theta) in self.axe.tiers.iter().zip(self.thresholds.as_ref()?) {
            let tile = col / tier.tile * self.lanes;
            let theta = &theta[tile..tile + self.lanes];
            most.iter_mut().zip(theta).for_each(|(most, theta)| *most = most.max(*theta));
        }
        Some(most)
    }

    fn limits(&mut self, col: usize) -> Limits<'_> {
        vectorize(Held { budgets: self, col });
        Limits { low: &self.low, high: &self.high }
    }

    fn commit(&mut self, col: usize, levels: &[i64]) {
        self.book(col, levels, 1);
    }

    fn release(&mut self, col: usize, levels: &[i64]) {
        self.book(col, levels, -1);
    }
}

/// Adds `sign` times the levels of a column to the sums of its tiles.
struct Book<'a> {
    budgets: &'a mut Budgets,
    col: usize,
    levels: &'a [i64],
    sign: i64,
}

impl Vectorized for Book<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { budgets: Budgets { axe, lanes, sums, .. }, col, levels, sign } = self;
        let (lo, hi) = axe.ranges[col];
        for (tier, sums) in axe.tiers.iter().zip(sums) {
            let tile = col / tier.tile * *lanes;
            let tile = tile..tile + *lanes;
            let sums = sums.max[tile.clone()].iter_mut().zip(&mut sums.min[tile]);
            for ((max, min), &level) in sums.zip(levels) {
                *max += sign * (level * lo).max(level * hi);
                *min += sign * (level * lo).min(level * hi);
            }
        }
    }
}

/// Writes the levels that every lane may still take.
struct Held<'a> {
    budgets: &'a mut Budgets,
    col: usize,
}

impl Vectorized for Held<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { budgets: Budgets { axe, lanes, sums, low, high, .. }, col } = self;
        let (lo, hi) = axe.ranges[col];
        low.fill(-FREE);
        high.fill(FREE);
        for (tier, sums) in axe.tiers.iter().zip(sums) {
            let tile = col / tier.tile * *lanes;
            let tile = tile..tile + *lanes;
            // How many of each end of the input range still fit above and below.
            let above = Slack { limit: tier.max, sums: &sums.max[tile.clone()], sign: 1 };
            let below = Slack { limit: tier.min, sums: &sums.min[tile], sign: -1 };
            above.hold(hi, high, 1);
            below.hold(-lo, high, 1);
            above.hold(-lo, low, -1);
            below.hold(hi, low, -1);
        }
    }
}

/// What is left of a limit in every lane: `sign (limit - sum)`.
struct Slack<'a> {
    limit: i64,
    sums: &'a [i64],
    sign: i64,
}

impl Slack<'_> {
    /// Holds `side levels` to `slack / reach`; a reach of 0 uses nothing up.
    #[inline(always)]
    fn hold(&self, reach: i64, levels: &mut [i64], side: i64) {
        if reach == 0 {
            return;
        }
        let slack = |sum: i64| self.sign * (self.limit - sum);
        // Of such integers the quotient in f64 is the exact one once it is cut: it lies 1 / reach from the next integer, which is
        // more than half a unit in its last place.
        const EXACT: i64 = 1 << 52;
        let fits = self
            .sums
            .iter()
            .fold(reach < EXACT, |fits, &sum| fits & (slack(sum) < EXACT) & (slack(sum) > -EXACT));
        let each = levels.iter_mut().zip(self.sums);
        if fits {
            let reach = reach as f64;
            each.for_each(|(level, &sum)| {
                let share = (slack(sum) as f64 / reach) as i64;
                *level = side * (side * *level).min(share);
            });
        } else {
            each.for_each(|(level, &sum)| {
                *level = side * (side * *level).min(slack(sum) / reach);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fewbit_testkit::Random;

    #[test]
    fn quotients_of_budgets_are_exact() {
        let mut random = Random(7);
        for limit in [100, (1 << 31) - 1, (1 << 51) - 1, i64::MAX / 2] {
            for reach in [1, 3, 255, (1 << 32) - 1, (1 << 51) - 3] {
                // Among them whole multiples and their neighbours.
                let sum = |i: u64| {
                    let free = (random.next() >> 1) as i64 % (limit + 1);
                    let near = limit - limit.min(free / reach * reach + i as i64 % 3 - 1);
                    if i.is_multiple_of(2) { free } else { near.clamp(-100, limit) }
                };
                let sums: Vec<i64> = (0..200).map(sum).collect();
                let mut high = vec![FREE; sums.len()];
                Slack { limit, sums: &sums, sign: 1 }.hold(reach, &mut high, 1);
                let mut low = vec![-FREE; sums.len()];
                Slack { limit, sums: &sums, sign: 1 }.hold(reach, &mut low, -1);
                for ((high, low), sum) in high.iter().zip(low).zip(&sums) {
                    let share = FREE.min((limit - sum) / reach);
                    assert_eq!((*high, low), (share, -share), "{limit} {reach} {sum}");
                }
            }
        }
    }
}
