//! A product with its report, in parallel jobs: the tiles of [`driver`](crate::kernels::float::driver), watched.

use std::time::Instant;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};

use super::aligned::TracedAligned;
use super::chain::TracedChain;
use super::fma::{
    Careful, Common, NarrowEven, NarrowZero, SingleEven, SingleZero, TracedFma, TracedStep, Watches,
};
use super::grouped::TracedGrouped;
use super::inner::{Seen, TracedInner};
use super::outputs::StageTrace;
use super::panels::Panels;
use super::plan::{FmaTrace, InnerTrace, Underflow};
use super::tally::Tally;
use crate::kernels::float::aligned::AlignedTile;
use crate::kernels::float::chain::OuterPlan;
use crate::kernels::float::driver::{geometry, orientation, start};
use crate::kernels::float::fma::{
    AnyProduct, Cut, FmaPlan, Half, Keep, Keeps, Narrow, ProductSize, RoundedSums, SingleProduct,
    Sum,
};
use crate::kernels::float::inner::MR;
use crate::kernels::float::lines::Lines;
use crate::kernels::float::operand::PackedOperand;
use crate::kernels::float::pack::NumberPanels;
use crate::kernels::float::plan::Plan;
use crate::kernels::operand::geometry::{Geometry, Orientation};
use crate::kernels::parallel::{Grain, Part, TilePlace, split};
use crate::memory;
use crate::simd::{Detected, FmaLanes, IsaKernel, Simd, StepLanes, Vectorized};

/// `[M, N]`, what the lanes saw, and the seconds, without packing. Outputs that an infinity or NaN of an operand enters
/// are not told of, and their values mean nothing. `None` where the report is of another stage than the plan.
pub(in crate::kernels::float) fn multiply<'p>(
    plan: &Plan,
    trace: InnerTrace,
    left: &PackedOperand<'p>,
    right: &PackedOperand<'p>,
    init: Option<ArrayView2<'_, f64>>,
    isa: Detected,
) -> Option<(Array2<f64>, Tally, f64)> {
    let ((k, m), n) = (left.dim(), right.dim().1);
    let geometry = geometry(plan, isa);
    let orientation = orientation(geometry, m, n);
    let (broadcast, lanes) = orientation.turn((left, right));
    let panels = &Panels::new(plan.inner, trace, [broadcast, lanes], geometry.nr, isa)?;
    let whole = |side: &PackedOperand<'_>| {
        let special = side.not_finite();
        (0..side.dim().1).map(|output| !special.contains(&output)).collect::<Vec<bool>>()
    };
    let finite = &[whole(broadcast), whole(lanes)];
    let begin = Instant::now();
    let init = init.map(|init| orientation.view(init));
    let mut values = memory::zero_matrix((m, n));
    let grain = Grain::new((MR, geometry.nr), m * n, 1);
    let job = |part: Part<'_, f64>| {
        let shape = Shape { plan, trace, geometry, k, orientation };
        isa.run_without_vnni(Job { part, panels, finite, shape, init })
    };
    let out: ArrayViewMut2<'_, f64> = orientation.view(values.view_mut());
    let tally = split(Part::whole(out), grain, &job, &Tally::merged);
    Some((values, tally, begin.elapsed().as_secs_f64()))
}

/// What all jobs have in common.
#[derive(Clone, Copy)]
struct Shape<'a> {
    plan: &'a Plan,
    trace: InnerTrace,
    geometry: Geometry,
    k: usize,
    orientation: Orientation,
}

/// One part of the outputs.
struct Job<'a, 'o> {
    part: Part<'o, f64>,
    panels: &'a Panels,
    /// The outputs of both sides that only finite numbers enter.
    finite: &'a [Vec<bool>; 2],
    shape: Shape<'a>,
    init: Option<ArrayView2<'a, f64>>,
}

impl IsaKernel for Job<'_, '_> {
    type Output = Tally;

    fn run<S: Simd>(mut self, simd: S) -> Tally {
        let Shape { geometry, orientation, trace, .. } = self.shape;
        let Geometry { mr, nr } = geometry;
        let mut tally = Tally::default();
        let mut watch = match trace {
            InnerTrace::Fma(FmaTrace { underflow: Underflow::Possible, .. }) => Watch::Careful,
            _ => Watch::Common,
        };
        for place in self.part.tiles(geometry, (mr, nr)) {
            let (row, col) = place.at;
            let (top, left) = (self.part.row + row, self.part.col + col);
            let start = start(self.init, (top, left), geometry);
            let Self { panels, shape, .. } = self;
            let tile = Tile { panels, shape, place, start };
            let mut traced = tile.run(simd, watch);
            if traced.seen == Seen::Missed {
                // Other tiles will have to as well.
                watch = Watch::Careful;
                traced = tile.run(simd, watch);
            }
            let mut to = self.part.out.slice_mut(s![row.., col..]);
            let finite = self.finite;
            for (i, (to, from)) in
                to.rows_mut().into_iter().zip(traced.values.chunks(nr)).enumerate()
            {
                for (j, (to, from)) in to.into_iter().zip(from).enumerate() {
                    *to = *from;
                    if finite[0][top + i] && finite[1][left + j] {
                        let (row, col) = orientation.turn((top + i, left + j));
                        tally.add((row, col), &traced.stages, i * nr + j);
                    }
                }
            }
        }
        tally
    }
}

/// What lanes of `f32` watch for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    Common,
    Careful,
}

/// A block of outputs by a panel of outputs.
struct Tile<'a> {
    panels: &'a Panels,
    shape: Shape<'a>,
    place: TilePlace,
    /// What the last registers start from.
    start: Vec<f64>,
}

/// The last registers of a tile, and what its stages did.
struct TracedTile {
    values: Vec<f64>,
    stages: Vec<StageTrace>,
    seen: Seen,
}

impl Tile<'_> {
    fn run<S: Simd>(&self, simd: S, watch: Watch) -> TracedTile {
        let lanes = simd.fma();
        let TilePlace { block, panel, .. } = self.place;
        match *self.panels {
            Panels::Fma(plan, trace, [ref a, ref b]) => {
                let panels = [a, b];
                if const { <S::Fma as FmaLanes>::SINGLES } && plan.product == ProductSize::Single {
                    self.summed(lanes, (plan, SingleProduct), trace, watch, panels)
                } else {
                    self.summed(lanes, (plan, AnyProduct), trace, watch, panels)
                }
            }
            Panels::Grouped(plan, exact, [ref a, ref b]) => {
                self.whole(lanes, TracedGrouped { plan, exact, a, b, block, panel })
            }
            Panels::Single(plan, products, [ref a, ref b], [ref x, ref y]) => {
                let tile = AlignedTile { lanes: simd.f32(), plan, a, b, block, panel };
                self.whole(lanes, TracedAligned { tile, products, a: x, b: y })
            }
            Panels::Double(plan, products, [ref a, ref b], [ref x, ref y]) => {
                let tile = AlignedTile { lanes: simd.f64(), plan, a, b, block, panel };
                self.whole(lanes, TracedAligned { tile, products, a: x, b: y })
            }
        }
    }

    fn summed<L: StepLanes, P: RoundedSums<L>>(
        &self,
        lanes: L,
        (plan, product): (FmaPlan, P),
        trace: FmaTrace,
        watch: Watch,
        panels: [&NumberPanels<f32>; 2],
    ) -> TracedTile {
        match plan.keep {
            Keep::All if plan.sum == Sum::Zero => {
                self.fma(lanes, trace, watch, SingleZero(product), panels)
            }
            Keep::All => self.fma(lanes, trace, watch, SingleEven(product), panels),
            Keep::Half => self.kept(lanes, (plan.sum, Half, product), trace, watch, panels),
            Keep::Narrow(to) => {
                self.kept(lanes, (plan.sum, Narrow(to), product), trace, watch, panels)
            }
            Keep::Cut(bits) => {
                self.kept(lanes, (plan.sum, Cut(bits), product), trace, watch, panels)
            }
        }
    }

    fn kept<L: StepLanes, K: Keeps<L>, P: RoundedSums<L>>(
        &self,
        lanes: L,
        (sum, keep, product): (Sum, K, P),
        trace: FmaTrace,
        watch: Watch,
        panels: [&NumberPanels<f32>; 2],
    ) -> TracedTile {
        match sum {
            Sum::Zero => self.fma(lanes, trace, watch, NarrowZero(keep, product), panels),
            Sum::Even | Sum::Odd => {
                self.fma(lanes, trace, watch, NarrowEven(keep, product), panels)
            }
        }
    }

    fn fma<L: StepLanes, F: TracedStep<L>>(
        &self,
        lanes: L,
        trace: FmaTrace,
        watch: Watch,
        step: F,
        panels: [&NumberPanels<f32>; 2],
    ) -> TracedTile {
        match watch {
            Watch::Common => self.watched(lanes, trace, step, Common(trace.limit), panels),
            Watch::Careful => self.watched(lanes, trace, step, Careful::new(lanes, trace), panels),
        }
    }

    fn watched<L: StepLanes, F: TracedStep<L>, W: Watches<L>>(
        &self,
        lanes: L,
        trace: FmaTrace,
        step: F,
        watch: W,
        [a, b]: [&NumberPanels<f32>; 2],
    ) -> TracedTile {
        let TilePlace { block, panel, .. } = self.place;
        // The geometry agrees: `Tuning::vectors`.
        if const { L::REGISTERS.are_many() } {
            let inner =
                TracedFma::<_, _, _, MR, 4> { lanes, step, watch, trace, a, b, block, panel };
            self.whole(lanes, inner)
        } else {
            let inner =
                TracedFma::<_, _, _, MR, 2> { lanes, step, watch, trace, a, b, block, panel };
            self.whole(lanes, inner)
        }
    }

    fn whole<L: StepLanes, I: TracedInner>(&self, lanes: L, inner: I) -> TracedTile {
        let Shape { plan, k, .. } = self.shape;
        let (count, outer, start) = (plan.count, &plan.outer[..], self.start.clone());
        lanes.vectorize(Whole { inner, count, outer, k, start })
    }
}

/// All stages on a tile.
struct Whole<'a, I> {
    inner: I,
    count: Option<usize>,
    outer: &'a [OuterPlan],
    k: usize,
    start: Vec<f64>,
}

impl<I: TracedInner> Vectorized for Whole<'_, I> {
    type Output = TracedTile;

    #[inline(always)]
    fn call(self) -> TracedTile {
        let Self { inner, count, outer, k, start } = self;
        let Some(count) = count else {
            let mut state = inner.begin(&start);
            let mut registers = Lines::of(&start);
            inner.sum(0..k, &mut registers, &mut state);
            let (stages, seen) = inner.end(state);
            return TracedTile { values: registers.to_vec(), stages, seen };
        };
        let mut registers = Lines::zeros(start.len());
        let mut state = inner.begin(&registers);
        let mut chain = TracedChain::new(outer, start);
        for from in (0..k).step_by(count) {
            registers.fill(0.0);
            inner.sum(from..k.min(from.saturating_add(count)), &mut registers, &mut state);
            chain.push(0, &registers);
        }
        let (mut stages, seen) = inner.end(state);
        let (values, outer) = chain.finish();
        stages.extend(outer);
        TracedTile { values, stages, seen }
    }
}
