//! A product through float registers, in parallel jobs.
//!
//! 1. Both operands are packed for the innermost stage of the plan; the one with less padding runs over lanes.
//! 2. The outputs are cut into jobs, and a job into tiles of MR by the outputs of a panel.
//! 3. For each tile of k, the innermost stage sums its products from zero, and what it holds then is a step of the stages
//!    behind it; the last stage starts from the initial values.

use std::ops::Range;
use std::time::Instant;

use ndarray::{Array2, ArrayView2, ArrayViewMut2, s};

use super::aligned::{
    AlignedPanels, AlignedPlan, AlignedTile, ShortPanels, ShortPlan, ShortTile, VECTORS,
};
use super::chain::{Chain, OuterPlan};
use super::fma::{
    All, AnyProduct, Cut, Even, FmaPlan, FmaStep, FmaTile, Half, Keep, Keeps, Narrow, Odd,
    ProductSize, RoundedSums, SingleProduct, Sum, Zero,
};
use super::grouped::{GroupedPlan, GroupedTile, Held, HeldTile, OUTPUTS};
use super::inner::{InnerStage, MR};
use super::lines::Lines;
use super::operand::PackedOperand;
use super::pack::NumberPanels;
use super::plan::{InnerPlan, Plan};
use crate::kernels::operand::geometry::{Geometry, Orientation};
use crate::kernels::parallel::{Grain, Part, TilePlace, split};
use crate::memory;
use crate::simd::{Detected, FloatLanes, FmaLanes, IsaKernel, Lanes, Simd, StepLanes, Vectorized};

/// Both operands as the innermost stage reads them: broadcast, lanes.
pub(super) enum Packed {
    Fma(FmaPlan, [NumberPanels<f32>; 2]),
    Grouped(GroupedPlan, [NumberPanels<f64>; 2]),
    Single(AlignedPlan, [AlignedPanels<f32>; 2]),
    Short(ShortPlan, ShortPanels<u32>, ShortPanels<i8>),
    Double(AlignedPlan, [AlignedPanels<f64>; 2]),
}

/// MR, and the outputs of a panel of lanes.
pub(super) fn geometry(plan: &Plan, isa: Detected) -> Geometry {
    let tuning = isa.tuning();
    let nr = match plan.inner {
        InnerPlan::Fma(_) => tuning.panel() / size_of::<f32>(),
        InnerPlan::Grouped(_) => OUTPUTS,
        InnerPlan::Single(_) | InnerPlan::Short(_) => VECTORS * tuning.vector / size_of::<f32>(),
        InnerPlan::Double(_) => VECTORS * tuning.vector / size_of::<f64>(),
    };
    Geometry { mr: MR, nr }
}

impl Packed {
    pub(super) fn new(
        inner: InnerPlan,
        [broadcast, lanes]: [&PackedOperand<'_>; 2],
        nr: usize,
        isa: Detected,
    ) -> Self {
        match inner {
            InnerPlan::Fma(plan) => {
                let pack = |x: &PackedOperand<'_>, width| {
                    NumberPanels::new(x.values.view(), width, isa, single)
                };
                Self::Fma(plan, [pack(broadcast, MR), pack(lanes, nr)])
            }
            InnerPlan::Grouped(plan) => {
                let pack = |x: &PackedOperand<'_>, width| {
                    NumberPanels::new(x.values.view(), width, isa, |x| x)
                };
                Self::Grouped(plan, [pack(broadcast, MR), pack(lanes, nr)])
            }
            InnerPlan::Single(plan) => {
                let pack = |x, width| AlignedPanels::new(&plan, x, width, isa, |x| x as f32);
                Self::Single(plan, [pack(broadcast, MR), pack(lanes, nr)])
            }
            InnerPlan::Short(plan) => {
                let lanes = ShortPanels::lanes(lanes, nr, isa);
                Self::Short(plan, ShortPanels::broadcast(broadcast, MR, isa), lanes)
            }
            InnerPlan::Double(plan) => {
                let pack = |x, width| AlignedPanels::new(&plan, x, width, isa, |x| x);
                Self::Double(plan, [pack(broadcast, MR), pack(lanes, nr)])
            }
        }
    }
}

/// A number that is an `f32`, or the NaN without payload: what the payload is must not carry when bits are added.
fn single(x: f64) -> f32 {
    if x.is_nan() { f32::NAN } else { x as f32 }
}

/// Which side runs over lanes: products commute, and both operands are packed anew.
pub(super) fn orientation(geometry: Geometry, m: usize, n: usize) -> Orientation {
    if geometry.padded(n, m) < geometry.padded(m, n) {
        Orientation::RowsInLanes
    } else {
        Orientation::ColumnsInLanes
    }
}

/// What the last registers of a tile start from whose first output is `at`.
pub(super) fn start(
    init: Option<ArrayView2<'_, f64>>,
    at: (usize, usize),
    Geometry { mr, nr }: Geometry,
) -> Vec<f64> {
    let mut start = vec![0.0; mr * nr];
    if let Some(init) = init {
        for (index, start) in start.iter_mut().enumerate() {
            let at = (at.0 + index / nr, at.1 + index % nr);
            *start = init.get(at).copied().unwrap_or(0.0);
        }
    }
    start
}

/// `[M, N]`: the columns of `left` with those of `right`; and the seconds that it took, without packing.
pub(super) fn multiply<'p>(
    plan: &Plan,
    left: &PackedOperand<'p>,
    right: &PackedOperand<'p>,
    init: Option<ArrayView2<'_, f64>>,
    isa: Detected,
) -> (Array2<f64>, f64) {
    let ((k, m), n) = (left.dim(), right.dim().1);
    let geometry = geometry(plan, isa);
    let orientation = orientation(geometry, m, n);
    let (broadcast, lanes) = orientation.turn((left, right));
    let packed = &Packed::new(plan.inner, [broadcast, lanes], geometry.nr, isa);
    let start = Instant::now();
    let init = init.map(|init| orientation.view(init));
    let mut values = memory::zero_matrix((m, n));
    let grain = Grain::new((MR, geometry.nr), m * n, 1);
    let job =
        |part: Part<'_, f64>| isa.run_without_vnni(Job { part, packed, plan, geometry, k, init });
    let out: ArrayViewMut2<'_, f64> = orientation.view(values.view_mut());
    split(Part::whole(out), grain, &job, &|(), ()| ());
    (values, start.elapsed().as_secs_f64())
}

/// One part of the outputs.
struct Job<'a, 'o> {
    part: Part<'o, f64>,
    packed: &'a Packed,
    plan: &'a Plan,
    geometry: Geometry,
    k: usize,
    init: Option<ArrayView2<'a, f64>>,
}

impl IsaKernel for Job<'_, '_> {
    type Output = ();

    fn run<S: Simd>(mut self, simd: S) {
        let Geometry { mr, nr } = self.geometry;
        let places: Vec<TilePlace> = self.part.tiles(self.geometry, (mr, nr)).collect();
        let depth = self.plan.depth();
        for places in places.chunk_by(|a, b| a.panel == b.panel) {
            let mut from = 0usize;
            loop {
                let k = from..self.k.min(from.saturating_add(depth));
                from = k.end;
                places.iter().for_each(|&place| self.tile(simd, place, k.clone()));
                if from == self.k {
                    break;
                }
            }
        }
    }
}

impl Job<'_, '_> {
    /// The products of `k` of a tile, which holds what those before came to.
    fn tile<S: Simd>(&mut self, simd: S, place: TilePlace, k: Range<usize>) {
        let (row, col) = place.at;
        let start = match k.start {
            0 => start(self.init, (self.part.row + row, self.part.col + col), self.geometry),
            _ => start(Some(self.part.out.view()), place.at, self.geometry),
        };
        let Self { packed, plan, .. } = self;
        let (count, outer) = (plan.count, &plan.outer[..]);
        let values = Tile { packed, count, outer, k, place, start }.run(simd);
        let mut to = self.part.out.slice_mut(s![row.., col..]);
        for (to, from) in to.rows_mut().into_iter().zip(values.chunks(self.geometry.nr)) {
            for (to, from) in to.into_iter().zip(from) {
                *to = *from;
            }
        }
    }
}

/// A block of outputs by a panel of outputs.
struct Tile<'a> {
    packed: &'a Packed,
    count: Option<usize>,
    outer: &'a [OuterPlan],
    k: Range<usize>,
    place: TilePlace,
    /// What the last registers start from.
    start: Vec<f64>,
}

impl Tile<'_> {
    fn run<S: Simd>(self, simd: S) -> Vec<f64> {
        let lanes = simd.fma();
        let TilePlace { block, panel, .. } = self.place;
        match self.packed {
            Packed::Fma(plan, [a, b]) => match plan.keep {
                Keep::All => self.fma(lanes, plan, All, [a, b]),
                Keep::Half => self.fma(lanes, plan, Half, [a, b]),
                Keep::Cut(bits) => self.fma(lanes, plan, Cut(bits), [a, b]),
                Keep::Narrow(format) => self.fma(lanes, plan, Narrow(format), [a, b]),
            },
            &Packed::Grouped(plan, [ref a, ref b]) => match plan.held {
                Some(held) => self.held(simd.f64(), held, plan.width, [a, b]),
                None => self.whole(lanes, GroupedTile { plan, a, b, block, panel }),
            },
            &Packed::Single(plan, [ref a, ref b]) => {
                let single = simd.f32();
                self.whole(lanes, AlignedTile { lanes: single, plan, a, b, block, panel })
            }
            &Packed::Short(plan, ref a, ref b) => {
                let single = simd.f32();
                self.whole(lanes, ShortTile { lanes: single, plan, a, b, block, panel })
            }
            &Packed::Double(plan, [ref a, ref b]) => {
                let double = simd.f64();
                self.whole(lanes, AlignedTile { lanes: double, plan, a, b, block, panel })
            }
        }
    }

    fn fma<L: StepLanes, K: Keeps<L>>(
        self,
        lanes: L,
        plan: &FmaPlan,
        keep: K,
        panels: [&NumberPanels<f32>; 2],
    ) -> Vec<f64> {
        if const { L::SINGLES } && plan.product == ProductSize::Single {
            self.summed(lanes, plan.sum, (keep, SingleProduct), panels)
        } else {
            self.summed(lanes, plan.sum, (keep, AnyProduct), panels)
        }
    }

    fn summed<L: StepLanes, K: Keeps<L>, P: RoundedSums<L>>(
        self,
        lanes: L,
        sum: Sum,
        (keep, product): (K, P),
        panels: [&NumberPanels<f32>; 2],
    ) -> Vec<f64> {
        match sum {
            Sum::Even => self.stepped(lanes, Even(keep), panels),
            Sum::Zero => self.stepped(lanes, Zero(keep, product), panels),
            Sum::Odd => self.stepped(lanes, Odd(keep, product), panels),
        }
    }

    fn stepped<L: FmaLanes, F: FmaStep<L>>(
        self,
        lanes: L,
        step: F,
        [a, b]: [&NumberPanels<f32>; 2],
    ) -> Vec<f64> {
        let TilePlace { block, panel, .. } = self.place;
        // The geometry agrees: `Tuning::vectors`.
        if const { L::REGISTERS.are_many() } {
            self.whole(lanes, FmaTile::<_, _, MR, 4> { lanes, step, a, b, block, panel })
        } else {
            self.whole(lanes, FmaTile::<_, _, MR, 2> { lanes, step, a, b, block, panel })
        }
    }

    fn held<L: FloatLanes<Element = f64>>(
        self,
        lanes: L,
        held: Held,
        width: usize,
        [a, b]: [&NumberPanels<f64>; 2],
    ) -> Vec<f64> {
        let TilePlace { block, panel, .. } = self.place;
        if const { L::REGISTERS.are_many() } {
            self.whole(lanes, HeldTile::<_, 4> { lanes, held, width, a, b, block, panel })
        } else {
            self.whole(lanes, HeldTile::<_, 1> { lanes, held, width, a, b, block, panel })
        }
    }

    fn whole<L: Lanes, I: InnerStage>(self, lanes: L, inner: I) -> Vec<f64> {
        let Self { count, outer, k, start, .. } = self;
        lanes.vectorize(Whole { inner, count, outer, k, start })
    }
}

/// All stages on a tile.
struct Whole<'a, I> {
    inner: I,
    count: Option<usize>,
    outer: &'a [OuterPlan],
    k: Range<usize>,
    start: Vec<f64>,
}

impl<I: InnerStage> Vectorized for Whole<'_, I> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn call(self) -> Vec<f64> {
        let Self { inner, count, outer, k, start } = self;
        let Some(count) = count else {
            let mut registers = Lines::of(&start);
            inner.sum(k, &mut registers);
            return registers.to_vec();
        };
        let mut registers = Lines::zeros(start.len());
        let mut chain = Chain::new(outer, start);
        for from in k.clone().step_by(count) {
            registers.fill(0.0);
            inner.sum(from..k.end.min(from.saturating_add(count)), &mut registers);
            chain.push(0, &registers);
        }
        chain.finish()
    }
}
