//! What an accumulator budgets for.

use ndarray::ArrayView2;

use crate::accumulate::bounds::Inputs;
use crate::accumulate::{Accumulator, Register, int_range};
use crate::algorithms::AlgorithmError;
use crate::algorithms::accumulator::l1_threshold;
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
    pub(super) tiers: Vec<Tier>,
    pub(super) ranges: Vec<(i64, i64)>,
    pub(super) soft: SoftThreshold,
}

/// One stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tier {
    /// Columns of a tile.
    pub(super) tile: usize,
    pub(super) min: i64,
    pub(super) max: i64,
}

/// The worst cases of one tile of one row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    /// S-.
    pub(super) min: i64,
    /// S+.
    pub(super) max: i64,
}

impl Sums {
    /// Adds `sign` times an input of this range at this level.
    pub(super) fn book(&mut self, level: i64, (lo, hi): (i64, i64), sign: i64) {
        self.min += sign * (level * lo).min(level * hi);
        self.max += sign * (level * lo).max(level * hi);
    }
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

    /// No budget at all, for `cols` inputs.
    pub(in crate::algorithms) fn unlimited(cols: usize) -> Self {
        Self { tiers: Vec::new(), ranges: vec![(0, 0); cols], soft: SoftThreshold::Off }
    }

    /// The same budgets without the soft threshold.
    pub(in crate::algorithms) fn strict(&self) -> Self {
        Self { soft: SoftThreshold::Off, ..self.clone() }
    }

    /// Per tier and tile the thresholds of every lane, in steps.
    pub(super) fn thresholds(
        &self,
        first: usize,
        weights: ArrayView2<'_, f32>,
        grid: &Grid,
    ) -> Vec<Vec<f64>> {
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
