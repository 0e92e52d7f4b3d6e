//! Real levels to the nearest ones within the budgets.

use super::tiers::{Axe, Tier};

/// Rounds between the two sums of a tile; one is enough where inputs have one sign.
const ROUNDS: usize = 3;

/// A level of a tile whose magnitude may be cut.
#[derive(Clone, Copy)]
struct Entry {
    magnitude: f64,
    /// What a unit adds to the sum in question.
    cost: f64,
    /// `cost / metric`: how far the magnitude falls per unit of price.
    slope: f64,
}

impl Axe {
    /// How often the levels of a row would use up their budgets: per stage the mean over its tiles of the greater of
    /// `S+ / limit` and `S- / limit`, of all stages the greatest; 0 without budgets.
    pub(in crate::algorithms) fn load(&self, levels: &[f64]) -> f64 {
        let of_tier = |tier: &Tier| {
            let tiles = levels.chunks(tier.tile).zip(self.ranges.chunks(tier.tile));
            let shares = tiles.map(|(levels, ranges)| {
                let (max, min) = real_sums(levels.iter().copied(), ranges);
                (max / tier.max as f64).max(min / tier.min as f64)
            });
            shares.sum::<f64>() / levels.len().div_ceil(tier.tile).max(1) as f64
        };
        self.tiers.iter().map(of_tier).fold(0.0, f64::max)
    }

    /// Moves the real levels `u` of a row to the least `sum_k metric_k (u_k - u'_k)²` within the budgets, stage by stage:
    ///
    /// ```text
    /// |u'_k| = max(|u_k| - (θ a_k + φ b_k) / metric_k, 0)
    /// ```
    ///
    /// with a and b what a unit of the level adds to S+ and S-, and θ, φ the prices at which both sums are held; for ranges
    /// with both signs up to a few rounds between the two, so that sums may exceed their limits a little.
    pub(in crate::algorithms) fn project(&self, levels: &mut [f32], metric: &[f32]) {
        let mut entries = Vec::new();
        for tier in &self.tiers {
            let tiles = levels.chunks_mut(tier.tile).zip(self.ranges.chunks(tier.tile));
            for ((levels, ranges), metric) in tiles.zip(metric.chunks(tier.tile)) {
                project_tile(tier, levels, ranges, metric, &mut entries);
            }
        }
    }
}

/// S+ and S- of real levels.
fn real_sums(levels: impl Iterator<Item = f64>, ranges: &[(i64, i64)]) -> (f64, f64) {
    levels.zip(ranges).fold((0.0, 0.0), |(max, min), (level, &(lo, hi))| {
        let (a, b) = (level * lo as f64, level * hi as f64);
        (max + a.max(b), min + a.min(b))
    })
}

fn project_tile(
    tier: &Tier,
    levels: &mut [f32],
    ranges: &[(i64, i64)],
    metric: &[f32],
    entries: &mut Vec<Entry>,
) {
    let (limit_above, limit_below) = (tier.max as f64, -(tier.min as f64));
    let (above, below) = real_sums(levels.iter().map(|&u| u.into()), ranges);
    if above <= limit_above && -below <= limit_below {
        return;
    }
    // What a unit of the magnitude adds to S+ and to -S-.
    let costs = |level: f32, (lo, hi): (i64, i64)| match level >= 0.0 {
        true => (hi as f64, -lo as f64),
        false => (-lo as f64, hi as f64),
    };
    let (mut theta, mut phi) = (0.0, 0.0);
    let one_sign = ranges.iter().all(|&(lo, hi)| lo == 0 || hi == 0);
    for _ in 0..if one_sign { 1 } else { ROUNDS } {
        let all = || levels.iter().zip(ranges).zip(metric);
        let price = |limit: f64, other: f64, swapped: bool, entries: &mut Vec<Entry>| {
            entries.clear();
            entries.extend(all().filter_map(|((&level, &range), &metric)| {
                let (a, b) = costs(level, range);
                let (cost, others) = if swapped { (b, a) } else { (a, b) };
                let metric = f64::from(metric);
                let magnitude = f64::from(level.abs()) - other * others / metric;
                let counts = magnitude > 0.0 && cost > 0.0;
                counts.then_some(Entry { magnitude, cost, slope: cost / metric })
            }));
            price_of(limit, entries)
        };
        theta = price(limit_above, phi, false, entries);
        phi = price(limit_below, theta, true, entries);
    }
    for ((level, &range), &metric) in levels.iter_mut().zip(ranges).zip(metric) {
        let (a, b) = costs(*level, range);
        let by = (theta * a + phi * b) / f64::from(metric);
        let magnitude = (f64::from(level.abs()) - by).max(0.0);
        *level = (magnitude as f32).copysign(*level);
    }
}

/// The least price of at least 0 at which `sum cost max(magnitude - price slope, 0) <= limit`: of all that are left, drop
/// those that vanish, until none does (Michelot's method).
fn price_of(limit: f64, entries: &mut Vec<Entry>) -> f64 {
    let sum = |entries: &[Entry]| entries.iter().map(|e| e.cost * e.magnitude).sum::<f64>();
    if sum(entries) <= limit {
        return 0.0;
    }
    loop {
        let falls: f64 = entries.iter().map(|e| e.cost * e.slope).sum();
        let price = (sum(entries) - limit) / falls;
        let before = entries.len();
        entries.retain(|e| e.magnitude > price * e.slope);
        if entries.len() == before || entries.is_empty() {
            return price.max(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accumulate::bounds::{InputRange, Inputs};
    use crate::algorithms::SoftThreshold;

    #[test]
    fn levels_go_to_the_nearest_ones_within_the_budget() {
        // 127 of each sign at inputs up to 1.
        let acc = "int8-sat".parse().unwrap();
        let inputs = Inputs::Same(InputRange { low: 0, high: 1 });
        let axe = Axe::new(&acc, &inputs, 3, SoftThreshold::Off).unwrap();
        let mut levels = [100.0, 57.0, -3.0];
        axe.project(&mut levels, &[1.0; 3]);
        assert_eq!(levels, [85.0, 42.0, -3.0]); // 30 too many, 15 each
        assert_eq!(axe.load(&[127.0, 127.0, -128.0]), 2.0);
        // Four times as dear to move: a fifth of the way.
        let mut levels = [100.0, 57.0, -3.0];
        axe.project(&mut levels, &[4.0, 1.0, 1.0]);
        assert_eq!(levels, [94.0, 33.0, -3.0]);
    }

    #[test]
    fn both_signs_share_the_budget_of_signed_inputs() {
        let acc = "int8-sat".parse().unwrap();
        let inputs = Inputs::Same(InputRange { low: -1, high: 1 });
        let axe = Axe::new(&acc, &inputs, 2, SoftThreshold::Off).unwrap();
        let mut levels = [100.0, -47.0];
        axe.project(&mut levels, &[1.0; 2]);
        assert_eq!(levels, [90.0, -37.0]); // 147 to 127
    }
}
