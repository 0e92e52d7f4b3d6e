//! A register of any IEEE-like format that takes products whose sum is exact in `f64`, and what each step lost.

use std::ops::Range;

use super::inner::{Seen, TracedInner};
use super::outputs::{Grid, StageTrace, WIDTH};
use super::plan::ExactStage;
use crate::kernels::float::grouped::GroupedPlan;
use crate::kernels::float::inner::MR;
use crate::kernels::float::lines::Lines;
use crate::kernels::float::pack::NumberPanels;

/// A tile of [`MR`] by as many outputs as a panel has.
pub(super) struct TracedGrouped<'a> {
    pub(super) plan: GroupedPlan,
    /// The stage of which steps of the plan are tiles.
    pub(super) exact: Option<ExactStage>,
    pub(super) a: &'a NumberPanels<f64>,
    pub(super) b: &'a NumberPanels<f64>,
    pub(super) block: usize,
    pub(super) panel: usize,
}

/// The register's stage, and the exact one before it.
pub(super) struct GroupedState {
    register: StageTrace,
    exact: Option<StageTrace>,
}

impl TracedInner for TracedGrouped<'_> {
    type State = GroupedState;

    fn begin(&self, start: &[f64]) -> GroupedState {
        let zeros = vec![0.0; start.len()];
        let exact = self.exact.map(|_| StageTrace::new(&zeros, Grid::Exact));
        GroupedState { register: StageTrace::new(start, Grid::Double), exact }
    }

    #[inline(always)]
    fn sum(&self, k: Range<usize>, registers: &mut [f64], state: &mut GroupedState) {
        let GroupedPlan { rounder, width: step, .. } = self.plan;
        let width = self.b.width();
        let a = self.a.panel(self.block, k.clone()).as_chunks::<MR>().0;
        let b = self.b.panel(self.panel, k);
        let mut sums = Lines::zeros(width);
        let blocks = width / WIDTH;
        for (a, b) in a.chunks(step).zip(b.chunks(step * width)) {
            for (row, registers) in registers.chunks_exact_mut(width).enumerate() {
                let first = row * blocks;
                self.products(row, a, b, &mut sums, &mut state.exact);
                let registers = registers.as_chunks_mut::<WIDTH>().0.iter_mut();
                let inputs = registers.zip(sums.as_chunks::<WIDTH>().0);
                for (block, (registers, inputs)) in
                    state.register.blocks[first..].iter_mut().zip(inputs)
                {
                    block.step(&rounder, registers, inputs);
                }
            }
        }
    }

    fn end(&self, state: GroupedState) -> (Vec<StageTrace>, Seen) {
        (state.exact.into_iter().chain([state.register]).collect(), Seen::All)
    }
}

impl TracedGrouped<'_> {
    /// The exact sums of the products of a step.
    #[inline(always)]
    fn products(
        &self,
        row: usize,
        a: &[[f64; MR]],
        b: &[f64],
        sums: &mut [f64],
        exact: &mut Option<StageTrace>,
    ) {
        let width = self.b.width();
        // -0 added to a product is the product, whose sign a zero keeps.
        sums.fill(-0.0);
        match (self.exact, exact) {
            (Some(stage), Some(trace)) => {
                let blocks = width / WIDTH;
                for (a, b) in a.chunks(stage.count).zip(b.chunks(stage.count * width)) {
                    let mut tile = vec![-0.0; width];
                    for (a, b) in a.chunks(stage.width).zip(b.chunks(stage.width * width)) {
                        add_products(row, a, b, &mut tile);
                        let blocks = trace.blocks[row * blocks..].iter_mut();
                        for (block, sums) in blocks.zip(tile.as_chunks::<WIDTH>().0) {
                            block.extend(sums);
                        }
                    }
                    for (sum, tile) in sums.iter_mut().zip(tile) {
                        *sum += tile;
                    }
                }
            }
            _ => add_products(row, a, b, sums),
        }
    }
}

#[inline(always)]
fn add_products(row: usize, a: &[[f64; MR]], b: &[f64], sums: &mut [f64]) {
    for (a, b) in a.iter().zip(b.chunks_exact(sums.len())) {
        let left = a[row];
        for (sum, b) in sums.iter_mut().zip(b) {
            *sum += left * b;
        }
    }
}
