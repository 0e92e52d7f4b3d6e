//! One job of guarded registers: the tiles of a part of the outputs, how each is run, and where its outputs are.

use ndarray::ArrayViewMut2;

use super::block::{BroadcastCodes, TilePanels};
use super::block_bound::Limits;
use super::lanes16::Lanes16;
use super::lanes32::Lanes32;
use super::norm_bound::NormBound;
use super::reach::{ReachOf, Seek, Sought};
use super::tile::{GuardedStage, GuardedTile};
use crate::kernels::byte_dots::PairRun;
use crate::kernels::operand::geometry::PackedPair;
use crate::kernels::operand::int8::{GEOMETRY, Int8Panels, K_TILE, MR};
use crate::kernels::operand::matrix::magnitude;
use crate::kernels::output::Output;
use crate::kernels::parallel::{Part, TilePlace};
use crate::kernels::plan::stage::{Lanes16Plan, StagePlan, StageRegister};
use crate::kernels::report::lane_tally::Area;
use crate::kernels::report::tally::StageTally;
use crate::kernels::stages::outer::OuterStages;
use crate::kernels::stages::overflow::AnyOverflow;
use crate::kernels::stages::result::TileResult;
use crate::kernels::stages::statistics::StepStatistics;
use crate::simd::{ByteLanes, IntLanes, Vectorized};

/// Vectors per row of a tile: what fits the registers, twice, is 12 of 32, or 4 of 16.
pub(crate) const VECTORS: usize = 2;

/// What all jobs of a product have in common.
#[derive(Clone, Copy)]
pub(crate) struct Problem<'a> {
    pub(crate) pair: &'a PackedPair<Int8Panels>,
    pub(crate) stages: &'a [StagePlan],
    /// The least and the greatest that a product can be; zero is between them.
    pub(crate) products: (i64, i64),
    /// The range of the factors in lanes, with zero.
    pub(crate) factors: (i64, i64),
    /// The innermost register in 16-bit lanes, where they step it.
    pub(crate) lanes16: Option<Lanes16Plan>,
}

impl<'a> Problem<'a> {
    /// That of factors in the ranges `a` and `b`.
    pub(crate) fn new(
        pair: &'a PackedPair<Int8Panels>,
        stages: &'a [StagePlan],
        a: (i64, i64),
        b: (i64, i64),
    ) -> Self {
        let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
        let products = corners.into_iter().fold((0, 0), |(low, high), x| (low.min(x), high.max(x)));
        let lanes16 = stages[0].lanes16(magnitude(a) * magnitude(b));
        let (_, (least, greatest)) = pair.orientation.turn((a, b));
        let factors = (least.min(0), greatest.max(0));
        Self { pair, stages, products, factors, lanes16 }
    }
}

/// One part of the outputs.
pub(crate) struct Job<'a, 'o, T> {
    pub(crate) part: Part<'o, T>,
    pub(crate) problem: Problem<'a>,
}

/// What one tile works with, made once per job.
pub(crate) struct Pass<L: IntLanes, W> {
    pub(crate) outer: OuterStages<L, W>,
    pub(crate) result: TileResult<i32>,
}

impl<L: IntLanes<Element = i32>, W: StepStatistics<L>> Pass<L, W> {
    pub(crate) fn new(lanes: L, stages: &[StagePlan]) -> Self {
        Self {
            outer: OuterStages::new(lanes, stages, MR * VECTORS),
            result: TileResult::new(MR * VECTORS * L::N, stages.len()),
        }
    }
}

impl<'a, T: Output> Job<'a, '_, T> {
    /// Tile by tile, a panel of lanes at a time.
    pub(crate) fn tiles<L: IntLanes>(&self) -> impl Iterator<Item = TilePlace> + use<L, T> {
        self.part.tiles(GEOMETRY, (MR, VECTORS * L::N))
    }

    /// The outputs of a tile.
    pub(crate) fn area<L: IntLanes>(&self, place: TilePlace) -> Area {
        let ((rows, cols), stride) = (self.part.out.dim(), VECTORS * L::N);
        let (row, col) = place.at;
        Area { rows: MR.min(rows - row), columns: stride.min(cols - col), stride }
    }

    /// The operands of a tile.
    pub(crate) fn panels(&self, place: TilePlace) -> TilePanels<'a> {
        let PackedPair { broadcast, lanes, .. } = self.problem.pair;
        let b = lanes.panel(place.panel).get(place.within.1..).unwrap_or(&[]);
        let run = PairRun::new(broadcast.most, lanes.most);
        TilePanels { a: broadcast.panel(place.block), b, run }
    }

    /// Adds the events of a tile's outputs to the tally of their stage.
    pub(crate) fn add_events<L: IntLanes>(
        &self,
        place: TilePlace,
        tally: &mut StageTally,
        events: &[i32],
    ) {
        let Area { rows, columns, stride } = self.area::<L>(place);
        let PackedPair { orientation, lanes, .. } = self.problem.pair;
        for (row, events) in events.chunks(stride).take(rows).enumerate() {
            let row = self.part.row + place.at.0 + row;
            let name = |col: usize| {
                let col = self.part.col + place.at.1 + col;
                orientation.turn((row, lanes.order.get(col).copied().unwrap_or(col)))
            };
            let floor = if lanes.order.is_empty() { name(0) } else { orientation.turn((row, 0)) };
            tally.add_events(&events[..columns], floor, name);
        }
    }

    /// The innermost register's range, or a part of it that no bound leaves.
    pub(crate) fn range(&self) -> (i32, i32) {
        lane_range(&self.problem.stages[0])
    }

    /// Of what the reach of a tile's blocks is found.
    pub(crate) fn reach_of(&self, place: TilePlace) -> ReachOf<'a> {
        let Problem { pair, stages, factors, .. } = self.problem;
        ReachOf {
            words: pair.broadcast.panel(place.block),
            offset: pair.broadcast.offset as i16,
            units: stages[0].tile(pair.k).div_ceil(K_TILE),
            range: (factors.0 as i16, factors.1 as i16),
        }
    }

    /// Whether the innermost register may yet reach something beyond what it is known to have reached.
    pub(crate) fn may_exceed(&self, known: (i32, i32)) -> bool {
        let (range, products) = (self.range(), self.problem.products);
        i64::from(known.0) > i64::from(range.0) + products.0
            || i64::from(known.1) < i64::from(range.1) + products.1
    }

    /// Runs the tile at `place` through the real registers, where the innermost has been known to reach `known`; beyond that,
    /// extremes are sought.
    pub(crate) fn run_tile<L: ByteLanes, S: BroadcastCodes<L>, W: StepStatistics<L>>(
        &self,
        (lanes, codes): (L, S),
        known: (i32, i32),
        place: TilePlace,
        (norm_bound, sought): (NormBound<'_>, Sought<'_>),
        pass: &mut Pass<L, W>,
    ) {
        let panels = self.panels(place);
        let Problem { pair: PackedPair { k, .. }, stages, lanes16, .. } = self.problem;
        let (inner, range) = (stages[0], self.range());
        let limits = (known.0.max(range.0), known.1.min(range.1));
        let wraps = matches!(inner.register, StageRegister::Wrap { .. });
        lanes.vectorize(GuardedTile::<L, S, W, MR, VECTORS> {
            lanes,
            codes,
            stage: GuardedStage {
                overflow: AnyOverflow::new(lanes, inner.register),
                lanes16: lanes16.map(|plan| Lanes16::new(lanes, plan)),
                lanes32: inner.lanes32().map(|plan| Lanes32::new(lanes, plan)),
                width: usize::try_from(inner.width).unwrap_or(usize::MAX).min((*k).max(1)),
                tile: inner.tile(*k),
                k: *k,
            },
            norm_bound,
            seek: Seek { known, range, wraps, sought },
            limits: Limits { low: lanes.splat(2 * limits.0), high: lanes.splat(2 * limits.1) },
            panels,
            outer: &mut pass.outer,
            result: &mut pass.result,
        });
    }

    /// Writes the values of a tile, row by row.
    pub(crate) fn write<L: IntLanes>(&mut self, lanes: L, place: TilePlace, values: &[i32]) {
        let area = self.area::<L>(place);
        let out = self.part.out.view_mut();
        lanes.vectorize(Write { out, at: place.at, area, values });
    }
}

/// The range of a stage's register, as far as 30 bits hold it, beyond which no bound lies.
pub(crate) fn lane_range(stage: &StagePlan) -> (i32, i32) {
    let (low, high) = stage.range();
    let within = |value: i64| value.clamp(-(1 << 29), (1 << 29) - 1) as i32;
    (within(low), within(high))
}

/// Writes the values of a tile to their places.
struct Write<'a, T> {
    out: ArrayViewMut2<'a, T>,
    at: (usize, usize),
    area: Area,
    values: &'a [i32],
}

impl<T: Output> Vectorized for Write<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { mut out, at: (top, left), area: Area { rows, columns, stride }, values } = self;
        for (row, values) in values.chunks_exact(stride).take(rows).enumerate() {
            let (mut out, values) = (out.row_mut(top + row), &values[..columns]);
            if let Some(out) = out.as_slice_mut() {
                for (out, &value) in out[left..].iter_mut().zip(values) {
                    *out = T::cut(value.into());
                }
            } else {
                for (out, &value) in out.iter_mut().skip(left).zip(values) {
                    *out = T::cut(value.into());
                }
            }
        }
    }
}
