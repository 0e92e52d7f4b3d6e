//! A register of `f32` or narrower that takes one product per step, and what each step lost.

use std::ops::Range;

use super::inner::{Seen, TracedInner};
use super::outputs::{Block, Grid, StageTrace, WIDTH};
use super::plan::FmaTrace;
use crate::kernels::float::fma::{Keeps, RoundedSums};
use crate::kernels::float::pack::NumberPanels;
use crate::simd::StepLanes;

/// What a step gives.
#[derive(Clone, Copy)]
pub(super) struct Stepped<V> {
    after: V,
    /// The exact sum, rounded to odd.
    sum: V,
    /// Two numbers that differ where the step is inexact.
    pair: [V; 2],
}

/// One step of a vector of outputs.
pub(super) trait TracedStep<L: StepLanes>: Copy {
    /// What comes of `a * b + register`.
    fn step(self, lanes: L, a: L::V, b: L::V, register: L::V) -> Stepped<L::V>;
}

/// A register narrower than `f32`, to nearest.
#[derive(Clone, Copy)]
pub(super) struct NarrowEven<K, P>(pub(super) K, pub(super) P);

/// A register narrower than `f32`, toward zero.
#[derive(Clone, Copy)]
pub(super) struct NarrowZero<K, P>(pub(super) K, pub(super) P);

/// `f32`, to nearest.
#[derive(Clone, Copy)]
pub(super) struct SingleEven<P>(pub(super) P);

/// `f32`, toward zero.
#[derive(Clone, Copy)]
pub(super) struct SingleZero<P>(pub(super) P);

impl<L: StepLanes, K: Keeps<L>, P: RoundedSums<L>> TracedStep<L> for NarrowEven<K, P> {
    #[inline(always)]
    fn step(self, lanes: L, a: L::V, b: L::V, register: L::V) -> Stepped<L::V> {
        let sum = self.1.odd(lanes, a, b, register);
        let after = self.0.even(lanes, sum);
        Stepped { after, sum, pair: [after, sum] }
    }
}

impl<L: StepLanes, K: Keeps<L>, P: RoundedSums<L>> TracedStep<L> for NarrowZero<K, P> {
    #[inline(always)]
    fn step(self, lanes: L, a: L::V, b: L::V, register: L::V) -> Stepped<L::V> {
        let sum = self.1.odd(lanes, a, b, register);
        let after = self.0.zero(lanes, sum);
        Stepped { after, sum, pair: [after, sum] }
    }
}

impl<L: StepLanes, P: RoundedSums<L>> TracedStep<L> for SingleEven<P> {
    #[inline(always)]
    fn step(self, lanes: L, a: L::V, b: L::V, register: L::V) -> Stepped<L::V> {
        let pair = self.0.around(lanes, a, b, register);
        Stepped { after: lanes.fma_even(a, b, register), sum: lanes.odd_of(pair), pair }
    }
}

impl<L: StepLanes, P: RoundedSums<L>> TracedStep<L> for SingleZero<P> {
    #[inline(always)]
    fn step(self, lanes: L, a: L::V, b: L::V, register: L::V) -> Stepped<L::V> {
        let pair = self.0.around(lanes, a, b, register);
        Stepped { after: self.0.zero(lanes, a, b, register), sum: lanes.odd_of(pair), pair }
    }
}

/// A vector of outputs while products are summed.
#[derive(Clone, Copy)]
pub(super) struct VectorState<V> {
    register: V,
    extremes: [V; 2],
    inexact: V,
    absorbed: V,
    events: V,
    underflows: V,
}

/// What is watched for.
pub(super) trait Watches<L: StepLanes>: Copy {
    /// Takes a step into account.
    fn see(self, lanes: L, state: &mut VectorState<L::V>, step: Stepped<L::V>);

    /// Whether sums beyond the limit were missed.
    fn misses(self, magnitude: f32) -> bool;
}

/// What happens at nearly every step. That something else happened shows in the extremes.
#[derive(Clone, Copy)]
pub(super) struct Common(pub(super) f32);

/// Overflow, infinite registers and underflow too.
#[derive(Clone, Copy)]
pub(super) struct Careful<V> {
    limit: V,
    tiny: V,
}

impl<V> Careful<V> {
    pub(super) fn new<L: StepLanes<V = V>>(lanes: L, trace: FmaTrace) -> Self {
        Self { limit: lanes.splat(trace.limit), tiny: lanes.splat(trace.tiny) }
    }
}

impl<L: StepLanes> Watches<L> for Common {
    #[inline(always)]
    fn see(self, lanes: L, state: &mut VectorState<L::V>, step: Stepped<L::V>) {
        state.inexact = lanes.count_different(state.inexact, step.pair);
        state.absorbed = lanes.count_same(state.absorbed, state.register, step.after, step.pair);
        state.extremes = lanes.extend(state.extremes, step.sum);
        state.register = step.after;
    }

    fn misses(self, magnitude: f32) -> bool {
        magnitude >= self.0
    }
}

impl<L: StepLanes> Watches<L> for Careful<L::V> {
    #[inline(always)]
    fn see(self, lanes: L, state: &mut VectorState<L::V>, step: Stepped<L::V>) {
        state.inexact = lanes.count_different(state.inexact, step.pair);
        state.absorbed = lanes.count_same(state.absorbed, state.register, step.after, step.pair);
        state.underflows = lanes.count_below(state.underflows, step.sum, self.tiny, step.pair);
        state.events = lanes.count_from(state.events, step.sum, self.limit);
        state.extremes = lanes.extend_finite(state.extremes, step.sum);
        state.register = step.after;
    }

    fn misses(self, _: f32) -> bool {
        false
    }
}

/// A tile of `R` rows by `V` vectors.
pub(super) struct TracedFma<'a, L, F, W, const R: usize, const V: usize> {
    pub(super) lanes: L,
    pub(super) step: F,
    pub(super) watch: W,
    pub(super) trace: FmaTrace,
    pub(super) a: &'a NumberPanels<f32>,
    pub(super) b: &'a NumberPanels<f32>,
    pub(super) block: usize,
    pub(super) panel: usize,
}

/// A tile so far.
pub(super) struct FmaState {
    least: Vec<f32>,
    greatest: Vec<f32>,
    /// Inexact, absorbed, events, underflows of the products since they were last added up.
    counts: [Vec<f32>; 4],
    products: usize,
    totals: [Vec<f64>; 4],
}

/// Counts in `f32` are exact up to here.
const MOST_PRODUCTS: usize = 1 << 23;

/// Products that a row of outputs takes before the next row has its turn: their panel stays in the first cache.
const CHUNK: usize = 128;

impl FmaState {
    fn add_up(&mut self) {
        for (counts, totals) in self.counts.iter_mut().zip(&mut self.totals) {
            for (count, total) in counts.iter_mut().zip(totals) {
                *total += f64::from(*count);
                *count = 0.0;
            }
        }
        self.products = 0;
    }
}

impl<L: StepLanes, F: TracedStep<L>, W: Watches<L>, const R: usize, const V: usize> TracedInner
    for TracedFma<'_, L, F, W, R, V>
{
    type State = FmaState;

    fn begin(&self, start: &[f64]) -> FmaState {
        let finite = |&x: &f64| if x.is_finite() { x as f32 } else { 0.0 };
        let start: Vec<f32> = start.iter().map(finite).collect();
        let zeros = vec![0.0; start.len()];
        FmaState {
            counts: [0; 4].map(|_| zeros.clone()),
            products: 0,
            totals: [0; 4].map(|_| vec![0.0; start.len()]),
            greatest: start.clone(),
            least: start,
        }
    }

    #[inline(always)]
    fn sum(&self, k: Range<usize>, registers: &mut [f64], state: &mut FmaState) {
        let mut numbers: Vec<f32> = registers.iter().map(|&x| x as f32).collect();
        for from in k.clone().step_by(CHUNK) {
            let chunk = from..k.end.min(from + CHUNK);
            if state.products + chunk.len() > MOST_PRODUCTS {
                state.add_up();
            }
            state.products += chunk.len();
            let a = self.a.panel(self.block, chunk.clone()).as_chunks::<R>().0;
            let b = self.b.panel(self.panel, chunk);
            for row in 0..R {
                self.row(row, a, b, &mut numbers, state);
            }
        }
        for (register, number) in registers.iter_mut().zip(numbers) {
            *register = number.into();
        }
    }

    fn end(&self, mut state: FmaState) -> (Vec<StageTrace>, Seen) {
        state.add_up();
        let FmaState { least, greatest, totals, .. } = state;
        let extremes = || least.iter().chain(&greatest);
        let missed = extremes().any(|x| self.watch.misses(x.abs()));
        let mut trace = StageTrace::new(&vec![0.0; least.len()], Grid::Single);
        trace.undecided = self.trace.undecided.into();
        for (index, block) in trace.blocks.iter_mut().enumerate() {
            let from = index * WIDTH;
            let take = |numbers: &[f64]| std::array::from_fn(|i| numbers[from + i]);
            let [inexact, absorbed, events, underflows] = &totals;
            *block = Block {
                least: std::array::from_fn(|i| least[from + i].into()),
                greatest: std::array::from_fn(|i| greatest[from + i].into()),
                events: take(events),
                inexact: take(inexact),
                underflows: take(underflows),
                absorbed: take(absorbed),
                // Products are finite here.
                invalid: [0.0; WIDTH],
            };
        }
        (vec![trace], if missed { Seen::Missed } else { Seen::All })
    }
}

impl<L: StepLanes, F: TracedStep<L>, W: Watches<L>, const R: usize, const V: usize>
    TracedFma<'_, L, F, W, R, V>
{
    /// The products of a chunk for one row of outputs.
    #[inline(always)]
    fn row(&self, row: usize, a: &[[f32; R]], b: &[f32], numbers: &mut [f32], to: &mut FmaState) {
        let (lanes, step, watch) = (self.lanes, self.step, self.watch);
        let at = |vector: usize| (row * V + vector) * L::N;
        let FmaState { least, greatest, counts: [inexact, absorbed, events, underflows], .. } = to;
        let mut states: [VectorState<L::V>; V] = std::array::from_fn(|vector| {
            let load = |from: &[f32]| lanes.load(&from[at(vector)..]);
            VectorState {
                register: load(numbers),
                extremes: [load(least), load(greatest)],
                inexact: load(inexact),
                absorbed: load(absorbed),
                events: load(events),
                underflows: load(underflows),
            }
        });
        for (a, b) in a.iter().zip(b.chunks_exact(V * L::N)) {
            let left = lanes.splat(a[row]);
            for (vector, state) in states.iter_mut().enumerate() {
                let right = lanes.load(&b[vector * L::N..]);
                let stepped = step.step(lanes, left, right, state.register);
                watch.see(lanes, state, stepped);
            }
        }
        for (vector, state) in states.into_iter().enumerate() {
            let store = |v, to: &mut [f32]| lanes.store(v, &mut to[at(vector)..]);
            store(state.register, numbers);
            store(state.extremes[0], least);
            store(state.extremes[1], greatest);
            store(state.inexact, inexact);
            store(state.absorbed, absorbed);
            store(state.events, events);
            store(state.underflows, underflows);
        }
    }
}
