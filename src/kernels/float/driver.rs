//! A product in parallel jobs.

use std::ops::Range;
use std::time::Instant;

use bytemuck::Pod;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::aligned::{AlignedPanels, AlignedPlan, AlignedTile, VECTORS};
use super::chain::{Chain, OuterPlan};
use super::fused::{
    All, Cut, Even, FusedPlan, FusedStep, FusedTile, Half, Keep, Keeps, Odd, Sum, Zero,
};
use super::grouped::{GroupedPlan, GroupedTile};
use super::operand::Side;
use super::pack::Panels;
use super::plan::{InnerPlan, Plan};
use crate::simd::fused::FusedLanes;
use crate::simd::{Call, Isa, IsaError, Simd, Task, run};

/// Outputs of a block of the broadcast operand.
pub(super) const ROWS: usize = 4;

/// The innermost stage on a tile of outputs.
pub(super) trait Inner {
    /// Sums the products of `k` into `registers`, row by row.
    fn sum(&self, k: Range<usize>, registers: &mut [f64]);
}

/// Both operands as the innermost stage reads them: broadcast, lanes.
enum Packed {
    Fused(FusedPlan, [Panels<f32>; 2]),
    Grouped(GroupedPlan, [Panels<f64>; 2]),
    Single(AlignedPlan, [AlignedPanels<f32>; 2]),
    Double(AlignedPlan, [AlignedPanels<f64>; 2]),
}

/// Outputs of a panel of lanes.
fn width(plan: &Plan, isa: Isa) -> usize {
    let bytes = match isa {
        Isa::Portable | Isa::Avx2 => 32,
        Isa::Avx512 | Isa::Amx => 64,
    };
    match plan.inner {
        // As many vectors as the set has registers for.
        InnerPlan::Fused(_) if isa.is_avx512() => 4 * bytes / size_of::<f32>(),
        InnerPlan::Fused(_) => 2 * bytes / size_of::<f32>(),
        InnerPlan::Grouped(_) => 32,
        InnerPlan::Single(_) => VECTORS * bytes / size_of::<f32>(),
        InnerPlan::Double(_) => VECTORS * bytes / size_of::<f64>(),
    }
}

impl Packed {
    fn new(inner: InnerPlan, sides: [&Side; 2], width: usize) -> Self {
        let [broadcast, lanes] = sides;
        match inner {
            InnerPlan::Fused(plan) => {
                let pack = |side: &Side, width| Panels::new(&side.values, width, single);
                Self::Fused(plan, [pack(broadcast, ROWS), pack(lanes, width)])
            }
            InnerPlan::Grouped(plan) => {
                let pack = |side: &Side, width| Panels::new(&side.values, width, |x| x);
                Self::Grouped(plan, [pack(broadcast, ROWS), pack(lanes, width)])
            }
            InnerPlan::Single(plan) => {
                let pack = |side, width| AlignedPanels::new(&plan, side, width, |x| x as f32);
                Self::Single(plan, [pack(broadcast, ROWS), pack(lanes, width)])
            }
            InnerPlan::Double(plan) => {
                let pack = |side, width| AlignedPanels::new(&plan, side, width, |x| x);
                Self::Double(plan, [pack(broadcast, ROWS), pack(lanes, width)])
            }
        }
    }
}

/// A number that is an `f32`, or the NaN without payload: what the payload is must not carry when bits are added.
fn single(x: f64) -> f32 {
    if x.is_nan() { f32::NAN } else { x as f32 }
}

impl<T: Pod> AlignedPanels<T> {
    fn new(plan: &AlignedPlan, side: &Side, width: usize, narrow: fn(f64) -> T) -> Self {
        let powers = plan.powers(side);
        Self {
            values: Panels::new(&side.values, width, narrow),
            powers: Panels::new(powers, width, narrow),
        }
    }
}

/// `[M, N]`: the columns of `left` with those of `right`; and the seconds that it took, without packing.
pub(super) fn multiply(
    plan: &Plan,
    left: &Side,
    right: &Side,
    init: Option<ArrayView2<'_, f64>>,
    isa: Isa,
) -> Result<(Array2<f64>, f64), IsaError> {
    let ((k, m), n) = (left.dim(), right.dim().1);
    let width = width(plan, isa);
    // The side with less padding runs over lanes: products commute.
    let padded = |broadcast: usize, lanes: usize| {
        broadcast.next_multiple_of(ROWS) * lanes.next_multiple_of(width)
    };
    if padded(n, m) < padded(m, n) {
        let init = init.map(|init| init.reversed_axes());
        let packed = Packed::new(plan.inner, [right, left], width);
        let start = Instant::now();
        let product = in_lanes(plan, &packed, width, (n, k, m), init, isa)?;
        let product = product.reversed_axes().as_standard_layout().into_owned();
        return Ok((product, start.elapsed().as_secs_f64()));
    }
    let packed = Packed::new(plan.inner, [left, right], width);
    let start = Instant::now();
    let product = in_lanes(plan, &packed, width, (m, k, n), init, isa)?;
    Ok((product, start.elapsed().as_secs_f64()))
}

fn in_lanes(
    plan: &Plan,
    packed: &Packed,
    width: usize,
    (m, k, n): (usize, usize, usize),
    init: Option<ArrayView2<'_, f64>>,
    isa: Isa,
) -> Result<Array2<f64>, IsaError> {
    let (blocks, panels) = (m.div_ceil(ROWS), n.div_ceil(width));
    let jobs = (0..panels).flat_map(|panel| (0..blocks).map(move |block| (block, panel)));
    let jobs: Vec<_> = jobs.collect();
    let results: Vec<Result<Vec<f64>, IsaError>> = jobs
        .par_iter()
        .map(|&(block, panel)| {
            let mut start = vec![0.0; ROWS * width];
            if let Some(init) = init {
                for (index, start) in start.iter_mut().enumerate() {
                    let at = [block * ROWS + index / width, panel * width + index % width];
                    *start = init.get(at).copied().unwrap_or(0.0);
                }
            }
            let (count, outer) = (plan.count, &plan.outer);
            run(isa, Tile { packed, count, outer, k, block, panel, start })
        })
        .collect();
    let mut values = Array2::zeros((m, n));
    for (&(block, panel), result) in jobs.iter().zip(results) {
        let result = result?;
        let rows = values.rows_mut().into_iter().skip(block * ROWS);
        for (mut to, from) in rows.zip(result.chunks(width)) {
            for (to, from) in to.iter_mut().skip(panel * width).zip(from) {
                *to = *from;
            }
        }
    }
    Ok(values)
}

/// One job: a block of outputs by a panel of outputs.
struct Tile<'a> {
    packed: &'a Packed,
    count: Option<usize>,
    outer: &'a [OuterPlan],
    k: usize,
    block: usize,
    panel: usize,
    /// What the last registers start from.
    start: Vec<f64>,
}

impl Task for Tile<'_> {
    type Output = Vec<f64>;

    fn run<S: Simd>(self, simd: S) -> Vec<f64> {
        let lanes = simd.fused();
        let (block, panel) = (self.block, self.panel);
        match self.packed {
            Packed::Fused(plan, [a, b]) => match plan.keep {
                Keep::All => self.fused(lanes, plan.sum, All, [a, b]),
                Keep::Half => self.fused(lanes, plan.sum, Half, [a, b]),
                Keep::Cut(bits) => self.fused(lanes, plan.sum, Cut(bits), [a, b]),
            },
            &Packed::Grouped(plan, [ref a, ref b]) => {
                self.whole(lanes, GroupedTile { plan, a, b, block, panel })
            }
            &Packed::Single(plan, [ref a, ref b]) => {
                let single = simd.single();
                self.whole(lanes, AlignedTile { lanes: single, plan, a, b, block, panel })
            }
            &Packed::Double(plan, [ref a, ref b]) => {
                let double = simd.double();
                self.whole(lanes, AlignedTile { lanes: double, plan, a, b, block, panel })
            }
        }
    }
}

impl Tile<'_> {
    fn fused<L: FusedLanes, K: Keeps<L>>(
        self,
        lanes: L,
        sum: Sum,
        keep: K,
        panels: [&Panels<f32>; 2],
    ) -> Vec<f64> {
        match sum {
            Sum::Even => self.stepped(lanes, Even(keep), panels),
            Sum::Zero => self.stepped(lanes, Zero(keep), panels),
            Sum::Odd => self.stepped(lanes, Odd(keep), panels),
        }
    }

    fn stepped<L: FusedLanes, F: FusedStep<L>>(
        self,
        lanes: L,
        step: F,
        [a, b]: [&Panels<f32>; 2],
    ) -> Vec<f64> {
        let (block, panel) = (self.block, self.panel);
        // As many vectors as the registers of the set hold; `width` agrees.
        if L::N == 16 {
            self.whole(lanes, FusedTile::<_, _, ROWS, 4> { lanes, step, a, b, block, panel })
        } else {
            self.whole(lanes, FusedTile::<_, _, ROWS, 2> { lanes, step, a, b, block, panel })
        }
    }

    fn whole<L: FusedLanes, I: Inner>(self, lanes: L, inner: I) -> Vec<f64> {
        let Self { count, outer, k, start, .. } = self;
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

impl<I: Inner> Call for Whole<'_, I> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn call(self) -> Vec<f64> {
        let Self { inner, count, outer, k, mut start } = self;
        let Some(count) = count else {
            inner.sum(0..k, &mut start);
            return start;
        };
        let mut registers = vec![0.0; start.len()];
        let mut chain = Chain::new(outer, start);
        for from in (0..k).step_by(count) {
            registers.fill(0.0);
            inner.sum(from..k.min(from.saturating_add(count)), &mut registers);
            chain.push(0, &registers);
        }
        chain.finish()
    }
}
