//! AXE: accumulator-aware rounding for any solver (Colbert et al., arXiv 2409.17092).

use std::ops::Range;

use ndarray::ArrayView2;

use super::l1_threshold;
use crate::accumulate::bounds::Inputs;
use crate::accumulate::{Accumulator, Register, int_range};
use crate::algorithms::AlgorithmError;
use crate::algorithms::constraint::{Budget, Constraint, Limits};
use crate::algorithms::grid::Grid;

/// Whether weights are drawn toward zero before the budget forces them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SoftThreshold {
    /// As the paper: by the θ that brings the tile's mean-centred `w / step` into the L1 ball of radius
    /// `(2^P - 2) / (hi - lo)`. It helps where the budget is tight and can hurt where it hardly binds.
    #[default]
    On,
    /// Not at all.
    Off,
}

/// The budgets of an accumulator: no input of the given ranges makes any stage overflow, whatever the order of summation.
///
/// Every integer stage sums tiles of `T` consecutive original columns (`T` is the product of the counts up to it, all of
/// the columns for the last). Per row and tile
///
/// ```text
/// S+ = sum_k max(q_k lo_k, q_k hi_k) <= 2^(P-1) - 1        S- = sum_k min(q_k lo_k, q_k hi_k) >= -2^(P-1)
/// ```
///
/// over the inputs chosen so far, in exact integers; the next level may be what the slack of every stage allows. This is the
/// sound form of Brevitas 0.13.4 (rounded levels, whole-number limits), with the exact two's complement range, and with
/// ranges per input channel. A range is widened to hold 0, so that every prefix in every order stays within the bounds.
/// Levels are codes as they are multiplied, zero point included: with an asymmetric grid the budget pays for the zero point.
#[derive(Clone, Debug, PartialEq)]
pub struct Axe {
    tiers: Vec<Tier>,
    ranges: Vec<(i64, i64)>,
    soft: SoftThreshold,
}

/// One stage.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tier {
    /// Columns of a tile.
    tile: usize,
    min: i64,
    max: i64,
}

impl Axe {
    /// The budgets of `acc` for `cols` inputs of these ranges.
    ///
    /// # Errors
    /// A floating-point stage, ranges of another number of channels.
    pub fn new(
        acc: &Accumulator,
        inputs: &Inputs<'_>,
        cols: usize,
        soft: SoftThreshold,
    ) -> Result<Self, AlgorithmError> {
        let mut tile = 1usize;
        let mut tiers = Vec::new();
        for stage in acc.stages() {
            tile = stage.count.map_or(cols.max(1), |count| {
                tile.saturating_mul(usize::try_from(count.get()).unwrap_or(usize::MAX))
            });
            match stage.register {
                Register::Int { bits, .. } => {
                    let (min, max) = int_range(bits);
                    // Widths end at 64 bits.
                    tiers.push(Tier { tile, min: min as i64, max: max as i64 });
                }
                Register::Exact => {}
                _ => {
                    return Err(AlgorithmError::Constraint(format!(
                        "`{acc}` has the floating-point stage `{stage}`; only integer and exact stages set a budget"
                    )));
                }
            }
        }
        if let Inputs::PerChannel(ranges) = inputs {
            AlgorithmError::check_shape("the list of input ranges", (1, ranges.len()), (1, cols))?;
        }
        let ranges = match inputs {
            Inputs::Same(range) => vec![*range; cols],
            Inputs::PerChannel(ranges) => ranges.to_vec(),
        };
        let ranges = ranges.iter().map(|range| (range.low.min(0), range.high.max(0))).collect();
        Ok(Self { tiers, ranges, soft })
    }

    /// Per tier and tile the thresholds of every lane, in steps.
    fn thresholds(&self, first: usize, weights: ArrayView2<'_, f32>, grid: &Grid) -> Vec<Vec<f64>> {
        let lanes = weights.nrows();
        let reach = self.ranges.iter().map(|(low, high)| high - low).max().unwrap_or(0);
        let steps = |tier: &Tier| {
            let radius = (tier.max as f64 * 2.0) / reach.max(1) as f64;
            let tiles = weights.ncols().div_ceil(tier.tile);
            let mut theta = vec![0.0; tiles * lanes];
            for lane in 0..lanes {
                let scaled: Vec<f64> = weights
                    .row(lane)
                    .iter()
                    .enumerate()
                    .map(|(col, &w)| f64::from(w) / grid.step(first + lane, col))
                    .collect();
                for (index, tile) in scaled.chunks(tier.tile).enumerate() {
                    let mean = tile.iter().sum::<f64>() / tile.len() as f64;
                    theta[index * lanes + lane] =
                        l1_threshold(tile.iter().map(|w| w - mean), radius);
                }
            }
            theta
        };
        self.tiers.iter().map(steps).collect()
    }
}

impl Constraint for Axe {
    fn open(
        &self,
        rows: Range<usize>,
        weights: ArrayView2<'_, f32>,
        grid: &Grid,
    ) -> Result<Box<dyn Budget>, AlgorithmError> {
        AlgorithmError::check_shape(
            "the constraint's list of inputs",
            (1, self.ranges.len()),
            (1, weights.ncols()),
        )?;
        let lanes = rows.len();
        let thresholds = match self.soft {
            SoftThreshold::Off => None,
            SoftThreshold::On => Some(self.thresholds(rows.start, weights, grid)),
        };
        let sums = self.tiers.iter().map(|tier| {
            let tiles = weights.ncols().div_ceil(tier.tile);
            vec![Sums::default(); tiles * lanes]
        });
        Ok(Box::new(Budgets {
            axe: self.clone(),
            lanes,
            sums: sums.collect(),
            thresholds,
            low: vec![0; lanes],
            high: vec![0; lanes],
        }))
    }
}

/// The worst cases of one tile of one row so far.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    min: i64,
    max: i64,
}

struct Budgets {
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
    fn book(&mut self, col: usize, levels: &[i64], sign: i64) {
        let (lo, hi) = self.axe.ranges[col];
        for (tier, sums) in self.axe.tiers.iter().zip(&mut self.sums) {
            let tile = col / tier.tile * self.lanes;
            for (sums, &q) in sums[tile..tile + self.lanes].iter_mut().zip(levels) {
                sums.min += sign * (q * lo).min(q * hi);
                sums.max += sign * (q * lo).max(q * hi);
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
