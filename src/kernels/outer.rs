//! The stages behind the innermost one: fed once per tile, all outputs of a tile of outputs alike.

use super::plan::{StagePlan, StageRegister};
use super::tile::{Clamp, Keep, Settle, Watch, Wrap, zero};
use crate::simd::{Call, Lanes, Word};

/// The outer stages of one tile of outputs.
pub(super) struct Outer<L: Lanes, W> {
    stages: Vec<OuterStage<L, W>>,
    /// What is handed from stage to stage.
    moving: Vec<L::V>,
}

struct OuterStage<L: Lanes, W> {
    register: Settler<L::V>,
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
    watch: W,
}

/// A [`Settle`] that is known at run time only.
#[derive(Clone, Copy)]
pub(super) enum Settler<V> {
    Keep,
    Clamp(Clamp<V>),
    Wrap(Wrap<V>),
}

impl<V: Copy> Settler<V> {
    #[inline(always)]
    pub(super) fn new<L: Lanes<V = V>>(lanes: L, register: StageRegister) -> Self {
        let word = <L::Word as Word>::truncate;
        match register {
            StageRegister::Keep => Self::Keep,
            StageRegister::Saturate { bits } if bits < L::Word::BITS => {
                let half = 1i64 << (bits - 1);
                let (low, high) = (lanes.splat(word(-half)), lanes.splat(word(half - 1)));
                Self::Clamp(Clamp { low, high })
            }
            StageRegister::Wrap { bits } if bits < L::Word::BITS => {
                let mask = lanes.splat(word(!(-1i64 << bits)));
                Self::Wrap(Wrap { mask, sign: lanes.splat(word(1i64 << (bits - 1))) })
            }
            // At least as wide as a lane, which holds every value that comes.
            StageRegister::Saturate { .. } | StageRegister::Wrap { .. } => Self::Keep,
        }
    }
}

impl<L: Lanes> Settle<L> for Settler<L::V> {
    #[inline(always)]
    fn settle(self, lanes: L, sum: L::V) -> L::V {
        match self {
            Self::Keep => Keep.settle(lanes, sum),
            Self::Clamp(clamp) => clamp.settle(lanes, sum),
            Self::Wrap(wrap) => wrap.settle(lanes, sum),
        }
    }
}

impl<L: Lanes, W: Watch<L>> Outer<L, W> {
    /// The stages of `plan` behind the first, for `vectors` vectors of outputs.
    #[inline(always)]
    pub(super) fn new(lanes: L, plan: &[StagePlan], vectors: usize) -> Self {
        let mut stages = Vec::with_capacity(plan.len());
        for stage in plan.iter().skip(1) {
            stages.push(OuterStage {
                register: Settler::new(lanes, stage.register),
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
    pub(super) fn restart(&mut self, lanes: L) {
        for stage in &mut self.stages {
            (stage.waiting, stage.taken) = (0, 0);
            stage.cells.fill(Cell::new(lanes));
        }
    }

    /// Takes what the innermost stage hands on.
    #[inline(always)]
    pub(super) fn take(&mut self, lanes: L, inputs: &[L::V]) {
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
    pub(super) fn finish(&mut self, lanes: L) -> Option<&[L::V]> {
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

    /// What was seen in outer stage `stage`.
    #[inline(always)]
    pub(super) fn watches(&self, stage: usize) -> impl Iterator<Item = W> {
        self.stages[stage].cells.iter().map(|cell| cell.watch)
    }
}

/// [`Outer::push`] from the start, as a function of its own, which the many hot loops share.
struct Push<'a, L: Lanes, W> {
    lanes: L,
    outer: &'a mut Outer<L, W>,
}

impl<L: Lanes, W: Watch<L>> Call for Push<'_, L, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.outer.push(self.lanes, 0);
    }
}

impl<L: Lanes, W: Watch<L>> OuterStage<L, W> {
    #[inline(always)]
    fn step(&mut self, lanes: L) {
        for cell in &mut self.cells {
            let sum = lanes.add(cell.register, cell.pending);
            let kept = self.register.settle(lanes, sum);
            cell.watch.see(lanes, sum, kept);
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
        W: Watch<L>,
    {
        Self { register: zero(lanes), pending: zero(lanes), watch: W::start(lanes) }
    }
}
