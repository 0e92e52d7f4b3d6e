//! An aligned register, and what each step lost.
//!
//! What alignment cuts off and what rounding loses may make up for each other, so that a step is inexact just where the
//! register's change is not the exact sum of the products. That is summed in `f64`: as it is, or each product in a high
//! and a low part whose sums are exact.

use std::ops::Range;

use super::inner::{Seen, TracedInner};
use super::outputs::{Grid, Numbers, StageTrace, WIDTH};
use super::plan::Products;
use crate::kernels::float::aligned::{AlignedTile, Row, StepWatch};
use crate::kernels::float::inner::MR;
use crate::kernels::float::pack::NumberPanels;
use crate::simd::FloatLanes;

/// A tile, and the numbers whose products are summed exactly.
pub(super) struct TracedAligned<'a, L: FloatLanes> {
    pub(super) tile: AlignedTile<'a, L>,
    pub(super) products: Products,
    pub(super) a: &'a NumberPanels<f64>,
    pub(super) b: &'a NumberPanels<f64>,
}

/// The registers before a step, and what the steps so far were.
pub(super) struct AlignedState {
    before: Vec<f64>,
    trace: StageTrace,
}

impl<L: FloatLanes> TracedInner for TracedAligned<'_, L> {
    type State = AlignedState;

    fn begin(&self, start: &[f64]) -> AlignedState {
        let before = vec![0.0; self.b.width()];
        AlignedState { before, trace: StageTrace::new(start, Grid::Exact) }
    }

    #[inline(always)]
    fn sum(&self, k: Range<usize>, registers: &mut [f64], state: &mut AlignedState) {
        self.tile.watched(k, registers, &mut Watch { unit: self, state });
    }

    fn end(&self, state: AlignedState) -> (Vec<StageTrace>, Seen) {
        (vec![state.trace], Seen::All)
    }
}

struct Watch<'a, 't, L: FloatLanes> {
    unit: &'a TracedAligned<'t, L>,
    state: &'a mut AlignedState,
}

impl<L: FloatLanes> StepWatch<L::Element> for Watch<'_, '_, L> {
    #[inline(always)]
    fn begin(&mut self, before: &[f64]) {
        self.state.before.copy_from_slice(before);
    }

    #[inline(always)]
    fn step(&mut self, row: usize, k: Range<usize>, sums: &Row<L::Element>, after: &[f64]) {
        let TracedAligned { tile, products, a, b } = self.unit;
        let AlignedState { before, trace } = &mut *self.state;
        let a = a.panel(tile.block, k.clone()).as_chunks::<MR>().0;
        let (width, b) = (b.width(), b.panel(tile.panel, k));
        let blocks = trace.blocks[row * (width / WIDTH)..].iter_mut();
        let before = before.as_chunks::<WIDTH>().0.iter();
        let after = after.as_chunks::<WIDTH>().0.iter();
        let limits = tile.plan.rounder.limits();
        for (index, ((block, before), after)) in blocks.zip(before).zip(after).enumerate() {
            let parts = match *products {
                Products::Whole => whole(row, a, &b[index * WIDTH..], width),
                Products::Split { magic } => split(row, a, &b[index * WIDTH..], width, magic),
            };
            let totals = sums.totals(index * WIDTH, before);
            let (mut inexact, mut finite_sums) = ([0.0; WIDTH], totals);
            for i in 0..WIDTH {
                let exact = two_sum(parts[0][i], parts[1][i]);
                let change = two_sum(after[i], -before[i]);
                let finite = before[i].abs() < f64::INFINITY;
                let same = (exact.0 == change.0) & (exact.1 == change.1);
                inexact[i] = if finite & !same { 1.0 } else { 0.0 };
                // An infinite register makes no finite sum.
                finite_sums[i] = if finite { totals[i] } else { before[i] };
            }
            block.see(limits, before, &finite_sums, after, &inexact);
        }
    }
}

/// Sum and error, which say together what the exact sum is and nothing else does.
#[inline(always)]
fn two_sum(x: f64, y: f64) -> (f64, f64) {
    let sum = x + y;
    let part = sum - x;
    (sum, (x - (sum - part)) + (y - part))
}

/// The sums of products, which are exact.
#[inline(always)]
fn whole(row: usize, a: &[[f64; MR]], b: &[f64], width: usize) -> [Numbers; 2] {
    let mut sums = [0.0; WIDTH];
    for (a, b) in a.iter().zip(b.chunks(width)) {
        let (left, b) = (a[row], &b[..WIDTH]);
        for i in 0..WIDTH {
            sums[i] += left * b[i];
        }
    }
    [sums, [0.0; WIDTH]]
}

/// The sums of high parts and of low parts, both exact: `magic` has the unit of the high ones as its last digit.
#[inline(always)]
fn split(row: usize, a: &[[f64; MR]], b: &[f64], width: usize, magic: f64) -> [Numbers; 2] {
    let (mut highs, mut lows) = ([0.0; WIDTH], [0.0; WIDTH]);
    for (a, b) in a.iter().zip(b.chunks(width)) {
        let (left, b) = (a[row], &b[..WIDTH]);
        for i in 0..WIDTH {
            let product = left * b[i];
            let high = (product + magic) - magic;
            highs[i] += high;
            lows[i] += product - high;
        }
    }
    [highs, lows]
}
