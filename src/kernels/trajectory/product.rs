//! Full reports of products of bytes: the exact trajectory of every tile first, then, where it leaves a register, the real
//! one.

use std::time::Instant;

use ndarray::ArrayViewMut2;

use super::bounds::{BoundTile, Resolve, Wanted};
use super::each_product::EachProduct;
use super::prefixes::{
    PairPrefixes, PrefixColumns, PrefixTile, Prefixes, PreparePrefixes, StepPrefixes,
};
use super::sums::{BLOCK, Trajectory};
use crate::kernels::guarded::block::TilePanels;
use crate::kernels::guarded::block::{BroadcastCodes, Shifted, Unsigned};
use crate::kernels::guarded::job::{Job, Pass, Problem, VECTORS, lane_range};
use crate::kernels::guarded::lanes32::finds_extremes;
use crate::kernels::guarded::norm_bound::NormBound;
use crate::kernels::guarded::reach::{Reaches, Sought};
use crate::kernels::operand::int8::{MR, NR, OutputOrder};
use crate::kernels::operand::packed::ByteOperands;
use crate::kernels::output::Output;
use crate::kernels::parallel::{Grain, Part, TilePlace, split};
use crate::kernels::plan::bounds::Bounds;
use crate::kernels::plan::stage::{StagePlan, exact};
use crate::kernels::report::lane_tally::{CountWidths, FindExtremes, LaneTally};
use crate::kernels::report::tally::{StageTally, merged};
use crate::kernels::stages::statistics::{Extremes, ExtremesAndEvents};
use crate::simd::{ByteLanes, Detected, IntLanes, IsaKernel, Simd};

/// What of the trajectories is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collected {
    /// All that a report says.
    Report,
    /// The widths that the exact sums need.
    Widths,
}

/// Whether everything about the innermost register can be told from blocks.
pub(crate) fn takes(stages: &[StagePlan], bounds: Bounds) -> bool {
    let (inner, block) = (&stages[0], BLOCK as u64);
    let small = (bounds.k as u128).saturating_mul(bounds.product) < 1 << 29;
    let tiles_are_whole =
        inner.count.is_none_or(|tile| tile.is_multiple_of(block) || tile >= bounds.k as u64);
    small && block.is_multiple_of(inner.width) && tiles_are_whole
}

/// Writes the product to `out`; gives the tallies of all stages, and the seconds without packing.
pub(crate) fn multiply<T: Output>(
    operands: ByteOperands<'_>,
    stages: &[StagePlan],
    collected: Collected,
    isa: Detected,
    out: ArrayViewMut2<'_, T>,
) -> (Vec<StageTally>, f64) {
    let (a, b) = (operands.a.range(), operands.b.range());
    let pair = operands.int8(stages[0].tile(operands.dim().1), OutputOrder::Given);
    let problem = Problem::new(&pair, stages, a, b);
    let start = Instant::now();
    let grain = Grain::new((MR, NR), out.len(), (1 << 17) / pair.k.max(1));
    let job = |part: Part<'_, T>| isa.run(TrajectoryJob { job: Job { part, problem }, collected });
    let tallies = split(Part::whole(pair.orientation.view(out)), grain, &job, &merged);
    (tallies, start.elapsed().as_secs_f64())
}

/// How the exact trajectory of a tile is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// All of it is stepped, by prefix sums.
    Prefixes,
    /// Blocks are summed, and stepped where their bounds leave open what is wanted.
    Bounds,
}

/// Sums of at most so many products are stepped, as bounds leave most of them open. Measured in `benches/products.rs`.
const SHORT: usize = 1024;
/// Tiles that are stepped without a look at their bounds, after one of which too much was stepped vector by vector:
const PREFIX_RUN: usize = 15;
/// one block in so many. All blocks of a tile at once are stepped much faster.
const MOST: usize = 6;

/// The exact trajectories of tiles.
struct Exact<L: IntLanes> {
    method: Method,
    /// Tiles that are still to be stepped.
    to_step: usize,
    trajectory: Trajectory,
    pass: Pass<L, Extremes<L::V>>,
    columns: PrefixColumns,
    /// The panel of lanes that `columns` are of.
    panel: Option<usize>,
}

impl<L: ByteLanes> Exact<L> {
    fn new(lanes: L, stages: &[StagePlan], k: usize) -> Self {
        let (tile, width) = (stages[0].tile(k), stages[0].width as usize);
        let (to_step, bounded) = if k <= SHORT { (usize::MAX, 0) } else { (0, k) };
        Self {
            method: Method::Prefixes,
            to_step,
            trajectory: Trajectory::new(MR * VECTORS * L::N, bounded, tile, width),
            pass: Pass::new(lanes, &exact(stages)),
            columns: PrefixColumns::default(),
            panel: None,
        }
    }

    /// The least and the greatest value that the outputs of a tile reach in a stage.
    fn reached(&self, stage: usize) -> [&[i32]; 2] {
        match (stage, &self.pass.result.traces[stage]) {
            (0, _) => self.trajectory.reached(),
            (_, [min, max, _]) => [min, max],
        }
    }

    /// Finds out what is wanted of the tile at `place`: first the widths, and of the same tile then the extremes.
    fn find<S: BroadcastCodes<L>, T: Output>(
        &mut self,
        at: (L, S),
        job: &Job<'_, '_, T>,
        place: TilePlace,
        wanted: Wanted,
    ) {
        match self.trajectory.width() {
            1 if const { !L::DOTS_BYTES } => {
                self.find_by(at, EachProduct(at.1), job, place, wanted);
            }
            1 if S::OFFSET == 0 => self.find_by(at, PairPrefixes, job, place, wanted),
            1 => self.find_by(at, StepPrefixes::<S, 4>(at.1), job, place, wanted),
            2 => self.find_by(at, StepPrefixes::<S, 2>(at.1), job, place, wanted),
            _ => self.find_by(at, StepPrefixes::<S, 1>(at.1), job, place, wanted),
        }
    }

    fn find_by<S: BroadcastCodes<L>, F: Prefixes<L>, T: Output>(
        &mut self,
        (lanes, codes): (L, S),
        prefixes: F,
        job: &Job<'_, '_, T>,
        place: TilePlace,
        wanted: Wanted,
    ) {
        let panels = job.panels(place);
        if let Wanted::Width = wanted {
            self.method = if self.to_step > 0 { Method::Prefixes } else { Method::Bounds };
            self.to_step = self.to_step.saturating_sub(1);
            match self.method {
                Method::Prefixes => {
                    if self.panel != Some(place.panel) {
                        let b = job.problem.pair.lanes.panel(place.panel);
                        let columns = &mut self.columns;
                        lanes.vectorize(PreparePrefixes { lanes, prefixes, b, columns });
                        self.panel = Some(place.panel);
                    }
                    lanes.vectorize(PrefixTile::<L, F, MR, VECTORS> {
                        lanes,
                        prefixes,
                        a: panels.a,
                        columns: &self.columns,
                        vector: place.within.1 / L::N,
                        trajectory: &mut self.trajectory,
                        outer: &mut self.pass.outer,
                        result: &mut self.pass.result,
                    });
                }
                Method::Bounds => lanes.vectorize(BoundTile::<L, S, MR, VECTORS> {
                    lanes,
                    codes,
                    panels,
                    trajectory: &mut self.trajectory,
                    outer: &mut self.pass.outer,
                    result: &mut self.pass.result,
                }),
            }
        }
        if self.method == Method::Prefixes {
            return;
        }
        let area = job.area::<L>(place);
        let vectors = area.columns.div_ceil(L::N);
        for row in 0..area.rows {
            for col in 0..vectors {
                let panels = TilePanels {
                    a: &panels.a[row.min(panels.a.len())..],
                    b: &panels.b[(col * L::N).min(panels.b.len())..],
                    ..panels
                };
                let vector = row * VECTORS + col;
                let trajectory = &mut self.trajectory;
                lanes.vectorize(Resolve { lanes, codes, panels, trajectory, vector, wanted });
            }
        }
        let (stepped, blocks) = self.trajectory.take_stepped();
        if MOST * stepped > blocks * area.rows * vectors {
            self.to_step = PREFIX_RUN;
        }
    }
}

/// One part of the outputs.
struct TrajectoryJob<'a, 'o, T> {
    job: Job<'a, 'o, T>,
    collected: Collected,
}

impl<T: Output> IsaKernel for TrajectoryJob<'_, '_, T> {
    type Output = Vec<StageTally>;

    fn run<S: Simd>(self, simd: S) -> Vec<StageTally> {
        let lanes = simd.int32();
        if self.job.problem.pair.broadcast.offset == 0 {
            self.tiles(lanes, Unsigned)
        } else {
            self.tiles(lanes, Shifted)
        }
    }
}

impl<T: Output> TrajectoryJob<'_, '_, T> {
    /// Values and everything else, tile by tile.
    fn tiles<L: ByteLanes, S: BroadcastCodes<L>>(self, lanes: L, codes: S) -> Vec<StageTally> {
        let Self { mut job, collected } = self;
        let Problem { stages, pair, .. } = job.problem;
        let mut tallies = vec![StageTally::default(); stages.len()];
        let mut in_lanes: Vec<_> = stages.iter().map(|_| LaneTally::new(lanes)).collect();
        let mut exact = Exact::new(lanes, stages, pair.k);
        let mut pass = Pass::<L, ExtremesAndEvents<L::V>>::new(lanes, stages);
        let (mut reaches, first) = (Reaches::default(), job.part.row / MR);
        let range = job.range();
        let ranges: Vec<_> = stages.iter().map(lane_range).collect();
        for place in job.tiles::<L>() {
            exact.find((lanes, codes), &job, place, Wanted::Width);
            let area = job.area::<L>(place);
            let mut leave = 0;
            for (stage, tally) in in_lanes.iter_mut().enumerate() {
                let ([min, max], range) = (exact.reached(stage), ranges[stage]);
                leave |= lanes.vectorize(CountWidths { lanes, area, min, max, range, tally });
            }
            if collected == Collected::Widths {
                continue;
            }
            // Without overflow the exact trajectory is the real one.
            let add_extremes = |tallies: &mut [LaneTally<L::V>], exact: &Exact<L>| {
                for (stage, tally) in tallies.iter_mut().enumerate() {
                    let [min, max] = exact.reached(stage);
                    let without = leave;
                    lanes.vectorize(FindExtremes { lanes, area, without, min, max, tally });
                }
            };
            add_extremes(&mut in_lanes, &exact);
            if exact.method == Method::Bounds {
                let (low, high) = in_lanes[0].extremes(lanes);
                let wanted = Wanted::Extremes { low, high, range };
                exact.find((lanes, codes), &job, place, wanted);
                add_extremes(&mut in_lanes[..1], &exact);
            }
            if leave == 0 {
                job.write(lanes, place, &exact.pass.result.values);
                continue;
            }
            let known = in_lanes[0].extremes(lanes);
            let sought = if !job.may_exceed(known) {
                Sought::Nowhere
            } else if job.problem.lanes16.is_some()
                || stages[0].lanes32().is_some_and(finds_extremes::<L>)
            {
                Sought::Within(reaches.panel(place.block - first, job.reach_of(place)))
            } else {
                Sought::Everywhere
            };
            job.run_tile((lanes, codes), known, place, (NormBound::default(), sought), &mut pass);
            job.write(lanes, place, &pass.result.values);
            let traces = in_lanes.iter_mut().zip(&pass.result.traces);
            for ((in_lanes, [min, max, events]), tally) in traces.zip(&mut tallies) {
                let tally_of = FindExtremes { lanes, area, without: 0, min, max, tally: in_lanes };
                lanes.vectorize(tally_of);
                job.add_events::<L>(place, tally, events);
            }
        }
        for (in_lanes, tally) in in_lanes.iter().zip(&mut tallies) {
            in_lanes.finish(lanes, tally);
        }
        tallies
    }
}
