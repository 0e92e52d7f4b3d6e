//! One job: the tiles of a part of the outputs, a panel of lanes at a time, and what they report.

use std::ops::Range;

use ndarray::s;

use super::tile::{StepKind, TileCall, TileOperands};
use crate::kernels::operand::geometry::{Geometry, PackedPair};
use crate::kernels::operand::panels::Panels;
use crate::kernels::operand::step_words::{Steps, WordKind};
use crate::kernels::output::Output;
use crate::kernels::parallel::{Part, TilePlace};
use crate::kernels::plan::shortest::Plan;
use crate::kernels::plan::stage::StagePlan;
use crate::kernels::product::ReportLevel;
use crate::kernels::report::tally::StageTally;
use crate::kernels::stages::outer::OuterStages;
use crate::kernels::stages::overflow::AnyOverflow;
use crate::kernels::stages::result::TileResult;
use crate::kernels::stages::statistics::{
    Events, Extremes, ExtremesAndEvents, NoStatistics, StepStatistics,
};
use crate::simd::{IntLanes, IsaKernel, Simd, Word};

/// A job.
pub(crate) struct StepJob<'a, 'o, T> {
    pub(crate) part: Part<'o, T>,
    pub(crate) plan: &'a Plan,
    /// The stages of `plan` without overflow.
    pub(crate) exact: &'a [StagePlan],
    pub(crate) word: WordKind,
    pub(crate) steps: Steps,
    pub(crate) geometry: Geometry,
    pub(crate) pair: &'a PackedPair<Panels>,
}

impl<T: Output> IsaKernel for StepJob<'_, '_, T> {
    type Output = Vec<StageTally>;

    fn run<S: Simd>(self, simd: S) -> Vec<StageTally> {
        match self.word {
            WordKind::Pair16 => self.run_in(simd.int32()),
            WordKind::One64 => self.run_in(simd.int64()),
        }
    }
}

/// One pass over tiles of `R` by `V` vectors, with what it needs again and again.
struct Pass<L: IntLanes, W, const R: usize, const V: usize> {
    lanes: L,
    overflow: AnyOverflow<L::V>,
    outer: OuterStages<L, W>,
    result: TileResult<L::Element>,
}

impl<L: IntLanes, W: StepStatistics<L>, const R: usize, const V: usize> Pass<L, W, R, V> {
    fn new(lanes: L, stages: &[StagePlan]) -> Self {
        Self {
            lanes,
            overflow: AnyOverflow::new(lanes, stages[0].register),
            outer: OuterStages::new(lanes, stages, R * V),
            result: TileResult::new(R * V * L::N, stages.len()),
        }
    }

    /// Runs the tile at `place`.
    fn run<T>(&mut self, job: &StepJob<'_, '_, T>, place: TilePlace) {
        let Self { lanes, overflow, outer, result } = self;
        let (k_tile, steps, pair) = (L::K_TILE, job.steps, job.pair);
        let operands = TileOperands {
            a: pair.broadcast.panel::<L::Element>(place.block).get(place.within.0..).unwrap_or(&[]),
            a_stride: job.geometry.mr,
            b: pair.lanes.panel::<L::Element>(place.panel).get(place.within.1..).unwrap_or(&[]),
            b_stride: job.geometry.nr,
            units_per_step: steps.units_per_step(k_tile),
            units_per_tile: steps.units_per_tile(k_tile),
            products: steps.k,
            products_per_tile: steps.tile,
        };
        let steps = if steps.is_single() { StepKind::Product } else { StepKind::Units };
        lanes.vectorize(TileCall::<L, W, R, V> {
            lanes: *lanes,
            overflow: *overflow,
            operands,
            steps,
            outer,
            result,
        });
    }
}

impl<T: Output> StepJob<'_, '_, T> {
    fn run_in<L: IntLanes>(self, lanes: L) -> Vec<StageTally> {
        if const { L::REGISTERS.are_many() } {
            match self.plan.report {
                ReportLevel::None => self.values::<L, NoStatistics, 4, 4>(lanes),
                ReportLevel::Events => self.values::<L, Events<L::V>, 4, 2>(lanes),
                ReportLevel::Full => self.full::<L, 4, 2, 2, 2>(lanes),
            }
        } else {
            match self.plan.report {
                ReportLevel::None => self.values::<L, NoStatistics, 4, 2>(lanes),
                ReportLevel::Events => self.values::<L, Events<L::V>, 2, 2>(lanes),
                ReportLevel::Full => self.full::<L, 2, 2, 2, 1>(lanes),
            }
        }
    }

    /// The outputs of a tile of `rows` by `cols`, row by row: where they are in the tile, and the first one's place in the
    /// part.
    fn members(
        &self,
        place: TilePlace,
        rows: usize,
        cols: usize,
    ) -> impl Iterator<Item = (Range<usize>, (usize, usize))> + use<T> {
        let ((row, col), dim) = (place.at, self.part.out.dim());
        let (rows, width) = (rows.min(dim.0 - row), cols.min(dim.1 - col));
        (0..rows).map(move |i| (i * cols..i * cols + width, (row + i, col)))
    }

    /// Writes a row of values from the output at `at` on.
    fn write<W: Word>(&mut self, (row, col): (usize, usize), values: &[W]) {
        let to = self.part.out.slice_mut(s![row, col..col + values.len()]);
        for (to, value) in to.into_iter().zip(values) {
            *to = T::cut(value.widen());
        }
    }

    /// Adds the events of a row of outputs from the one at `at` on.
    fn add_events<W: Word>(&self, tally: &mut StageTally, at: (usize, usize), events: &[W]) {
        let (row, col) = (self.part.row + at.0, self.part.col + at.1);
        let name = |index| self.pair.orientation.turn((row, col + index));
        tally.add_events(events, name(0), name);
    }

    /// Values, and events where `W` counts them.
    fn values<L: IntLanes, W: StepStatistics<L>, const R: usize, const V: usize>(
        mut self,
        lanes: L,
    ) -> Vec<StageTally> {
        let mut tallies = vec![StageTally::default(); self.plan.stages.len()];
        let mut pass = Pass::<L, W, R, V>::new(lanes, &self.plan.stages);
        for tile in self.part.tiles(self.geometry, (R, V * L::N)) {
            pass.run(&self, tile);
            let TileResult { values, traces } = &pass.result;
            for (row, at) in self.members(tile, R, V * L::N) {
                self.write(at, &values[row.clone()]);
                if W::VECTORS == 0 {
                    continue;
                }
                for (tally, [_, _, events]) in tallies.iter_mut().zip(traces) {
                    self.add_events(tally, at, &events[row.clone()]);
                }
            }
        }
        tallies
    }

    /// Values and everything a report says. The exact accumulator runs first: where its extremes fit every register,
    /// nothing overflows and both trajectories are the same. Only the other outputs are stepped through the real one.
    fn full<L: IntLanes, const R: usize, const V: usize, const R2: usize, const V2: usize>(
        mut self,
        lanes: L,
    ) -> Vec<StageTally> {
        let plan = self.plan;
        let stages = &plan.stages;
        let mut tallies = vec![StageTally::default(); stages.len()];
        let mut exact = Pass::<L, Extremes<L::V>, R, V>::new(lanes, self.exact);
        let mut real = Pass::<L, ExtremesAndEvents<L::V>, R2, V2>::new(lanes, stages);
        for tile in self.part.tiles(self.geometry, (R, V * L::N)) {
            exact.run(&self, tile);
            let TileResult { values, traces } = &exact.result;
            for (row, at) in self.members(tile, R, V * L::N) {
                self.write(at, &values[row.clone()]);
                for (tally, [min, max, _]) in tallies.iter_mut().zip(traces) {
                    tally.add_exact(&min[row.clone()], &max[row.clone()]);
                }
            }
            let shifts = (0..R).step_by(R2);
            for (down, right) in
                shifts.flat_map(|row| (0..V).step_by(V2).map(move |v| (row, v * L::N)))
            {
                let place = tile.shifted(down, right);
                let (rows, cols) = self.part.out.dim();
                if place.at.0 >= rows || place.at.1 >= cols {
                    continue;
                }
                let start = down * V * L::N + right;
                let members = || self.members(place, R2, V2 * L::N);
                // The same outputs in the larger tile.
                let in_tile = |row: Range<usize>| {
                    let start = start + row.start / (V2 * L::N) * V * L::N;
                    start..start + row.len()
                };
                let overflows = |(stage, [min, max, _]): (&StagePlan, &[Vec<L::Element>; 3])| {
                    let (low, high) = stage.range();
                    members().any(|(row, _)| {
                        let row = in_tile(row);
                        let reached = min[row.clone()].iter().zip(&max[row]);
                        reached.fold(false, |any, (min, max)| {
                            any | (min.widen() < low) | (max.widen() > high)
                        })
                    })
                };
                if stages.iter().zip(traces).any(overflows) {
                    real.run(&self, place);
                    let TileResult { values, traces } = &real.result;
                    for (row, at) in members() {
                        self.write(at, &values[row.clone()]);
                        for (tally, [min, max, events]) in tallies.iter_mut().zip(traces) {
                            tally.add_extremes_of(&min[row.clone()], &max[row.clone()]);
                            self.add_events(tally, at, &events[row.clone()]);
                        }
                    }
                } else {
                    for (row, _) in members() {
                        let row = in_tile(row);
                        for (tally, [min, max, _]) in tallies.iter_mut().zip(traces) {
                            tally.add_extremes_of(&min[row.clone()], &max[row.clone()]);
                        }
                    }
                }
            }
        }
        tallies
    }
}
