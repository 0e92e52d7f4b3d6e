//! The stages behind the innermost one: fed once per tile, all outputs of a tile of outputs alike.

use super::overflow::{AnyOverflow, OverflowOp};
use super::statistics::{StepStatistics, zero};
use crate::kernels::plan::stage::StagePlan;
use crate::simd::{Call, Lanes};

/// The outer stages of one tile of outputs.
pub(crate) struct OuterStages<L: Lanes, W> {
    stages: Vec<OuterStage<L, W>>,
    /// What is handed from stage to stage.
    moving: Vec<L::V>,
}

struct OuterStage<L: Lanes, W> {
    overflow: AnyOverflow<L::V>,
    width: u64,
    count: Option<u64>,
    waiting: u64,
    taken: u64,
    cells: Vec<Cell<L::V, W>>,
}

#[derive(Clone, Copy)]
struct Cell<V, W> {
    register: V,
    pending: V,
    statistics: W,
}

impl<L: Lanes, W: StepStatistics<L>> OuterStages<L, W> {
    /// The stages of `plan` behind the first, for `vectors` vectors of outputs.
    #[inline(always)]
    pub(crate) fn new(lanes: L, plan: &[StagePlan], vectors: usize) -> Self {
        let mut stages = Vec::with_capacity(plan.len());
        for stage in plan.iter().skip(1) {
            stages.push(OuterStage {
                overflow: AnyOverflow::new(lanes, stage.register),
                width: stage.width,
                count: stage.count,
                waiting: 0,
                taken: 0,
                cells: vec![Cell::new(lanes); vectors],
            });
        }
        Self { stages, moving: vec![zero(lanes); vectors] }
    }

    /// Starts over.
    #[inline(always)]
    pub(crate) fn restart(&mut self, lanes: L) {
        for stage in &mut self.stages {
            (stage.waiting, stage.taken) = (0, 0);
            stage.cells.fill(Cell::new(lanes));
        }
    }

    /// Takes what the innermost stage hands on.
    #[inline(always)]
    pub(crate) fn take(&mut self, lanes: L, inputs: &[L::V]) {
        if !self.stages.is_empty() {
            self.moving.copy_from_slice(inputs);
            lanes.vectorize(Push { lanes, outer: self });
        }
    }

    /// Pushes what moves into `stage` and, as tiles fill, on into the ones behind it.
    #[inline(always)]
    fn push(&mut self, lanes: L, stage: usize) {
        for stage in &mut self.stages[stage..] {
            for (cell, input) in stage.cells.iter_mut().zip(&self.moving) {
                cell.pending = lanes.add(cell.pending, *input);
            }
            stage.waiting += 1;
            stage.taken += 1;
            let full = stage.count == Some(stage.taken);
            if full || stage.waiting == stage.width {
                stage.step(lanes);
            }
            if !full {
                return;
            }
            stage.hand_on(lanes, &mut self.moving);
        }
    }

    /// Closes groups and tiles that are not full; the last stage's registers, if there is an outer stage.
    #[inline(always)]
    pub(crate) fn finish(&mut self, lanes: L) -> Option<&[L::V]> {
        let last = self.stages.len().checked_sub(1)?;
        for index in 0..=last {
            let stage = &mut self.stages[index];
            if stage.waiting > 0 {
                stage.step(lanes);
            }
            if index < last && stage.taken > 0 {
                stage.hand_on(lanes, &mut self.moving);
                self.push(lanes, index + 1);
            }
        }
        for (to, cell) in self.moving.iter_mut().zip(&self.stages[last].cells) {
            *to = cell.register;
        }
        Some(&self.moving)
    }

    /// The statistics of outer stage `stage`.
    #[inline(always)]
    pub(crate) fn statistics(&self, stage: usize) -> impl Iterator<Item = W> {
        self.stages[stage].cells.iter().map(|cell| cell.statistics)
    }
}

/// [`OuterStages::push`] from the start, as a function of its own, which the many hot loops share.
struct Push<'a, L: Lanes, W> {
    lanes: L,
    outer: &'a mut OuterStages<L, W>,
}

impl<L: Lanes, W: StepStatistics<L>> Call for Push<'_, L, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.outer.push(self.lanes, 0);
    }
}

impl<L: Lanes, W: StepStatistics<L>> OuterStage<L, W> {
    #[inline(always)]
    fn step(&mut self, lanes: L) {
        for cell in &mut self.cells {
            let sum = lanes.add(cell.register, cell.pending);
            let kept = self.overflow.apply(lanes, sum);
            cell.statistics.record(lanes, sum, kept);
            (cell.register, cell.pending) = (kept, zero(lanes));
        }
        self.waiting = 0;
    }

    #[inline(always)]
    fn hand_on(&mut self, lanes: L, moving: &mut [L::V]) {
        for (cell, to) in self.cells.iter_mut().zip(moving) {
            *to = cell.register;
            cell.register = zero(lanes);
        }
        self.taken = 0;
    }
}

impl<V: Copy, W> Cell<V, W> {
    #[inline(always)]
    fn new<L: Lanes<V = V>>(lanes: L) -> Self
    where
        W: StepStatistics<L>,
    {
        Self { register: zero(lanes), pending: zero(lanes), statistics: W::start(lanes) }
    }
}
