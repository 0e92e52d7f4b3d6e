//! One output through an integer accumulator, step by step.
//!
//! ```text
//! for k in 0..K:  push(stage 0, a[k] * b[k])
//! push(s, x):     s.pending += x
//!                 if s has taken `width` inputs, or `count` inputs since it restarted:
//!                     s.register = step(s.register, s.pending)    one check: Register::step
//!                 if s has taken `count` inputs since it restarted:
//!                     push(s + 1, s.register); s restarts at zero
//! at the end:     groups and tiles that are not full are closed the same way, innermost first
//! ```
//! Where several registers take turns, `s.register` is the one whose turn it is, and they are folded before they are handed
//! on, or at the end: [`Turn`].

use super::turns::Turns;
use crate::accumulate::{Accumulator, IntRegister, IntStep, OutputTrace, Stage, Turn};

/// One stage while one output is summed.
#[derive(Clone, Copy, Debug, Default)]
pub struct StageState {
    /// The register's value; of several, that of the one whose turn it is.
    pub register: i128,
    /// The exact sum of the inputs that wait for the next step.
    pub pending: i128,
    /// How many inputs wait.
    pub waiting: u64,
    /// Inputs since the register restarted.
    pub taken: u64,
    /// The first product of the inputs that wait.
    pub first_k: u64,
}

/// Sums `products` (in ascending k) through `acc`: the last register's value, and one trace per stage.
///
/// The exact trajectory runs beside the real one.
///
/// ```
/// use fewbit::reference::sum_products;
/// let (value, traces) = sum_products(&"int4-sat".parse()?, [5, 5, -6]);
/// assert_eq!(value, 1); // 5, then 10 saturates to 7, then 1
/// assert_eq!((traces[0].events, traces[0].first), (1, Some((1, 10))));
/// assert_eq!((traces[0].min, traces[0].max, traces[0].required_bits()), (0, 10, 5));
/// # Ok::<(), fewbit::accumulate::AccumulatorError>(())
/// ```
pub fn sum_products(
    acc: &Accumulator,
    products: impl IntoIterator<Item = i128>,
) -> (i128, Vec<OutputTrace>) {
    sum_products_from(acc, 0, products)
}

/// [`sum_products`] with a last register that starts at `start` instead of 0; the starting value counts as reached.
///
/// ```
/// use fewbit::reference::sum_products_from;
/// let (value, traces) = sum_products_from(&"int4-sat".parse()?, 6, [-1, 5]);
/// assert_eq!(value, 7); // 6, then 5, then 10 saturates
/// assert_eq!((traces[0].min, traces[0].max), (5, 10));
/// # Ok::<(), fewbit::accumulate::AccumulatorError>(())
/// ```
pub fn sum_products_from(
    acc: &Accumulator,
    start: i128,
    products: impl IntoIterator<Item = i128>,
) -> (i128, Vec<OutputTrace>) {
    sum_products_observed(acc, start, products, |_| ())
}

/// One step of one integer register, as [`sum_products_observed`] shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntStepRecord {
    /// The stage, from 0.
    pub stage: usize,
    /// The first product that entered.
    pub first_k: u64,
    /// The last product that entered.
    pub last_k: u64,
    /// Which register took what.
    pub turn: Turn,
    /// The register before.
    pub before: i128,
    /// The exact sum of what entered.
    pub input: i128,
    /// Register and input summed exactly.
    pub exact: i128,
    /// The register after.
    pub after: i128,
    /// Whether `exact` lay outside the register's range.
    pub event: bool,
}

/// [`sum_products_from`], which shows every step of the real registers to `observe`.
///
/// ```
/// use fewbit::reference::sum_products_observed;
/// let mut steps = Vec::new();
/// sum_products_observed(&"int4-wrap".parse()?, 0, [5, 5], |record| steps.push(record));
/// assert_eq!((steps[1].before, steps[1].exact, steps[1].after, steps[1].event), (5, 10, -6, true));
/// # Ok::<(), fewbit::accumulate::AccumulatorError>(())
/// ```
pub fn sum_products_observed(
    acc: &Accumulator,
    start: i128,
    products: impl IntoIterator<Item = i128>,
    observe: impl FnMut(IntStepRecord),
) -> (i128, Vec<OutputTrace>) {
    let stages = acc.stages();
    let mut real = Run::new(stages, start, Overflows::Happen, observe);
    let mut exact = Run::new(stages, start, Overflows::Never, |_| ());
    for (k, product) in (0u64..).zip(products) {
        real.push(0, product, k, k);
        exact.push(0, product, k, k);
    }
    real.finish();
    exact.finish();
    for (trace, exact) in real.traces.iter_mut().zip(&exact.traces) {
        (trace.exact_min, trace.exact_max) = (exact.min, exact.max);
    }
    let value = real.states.last().map_or(0, |s| s.register);
    (value, real.traces)
}

/// Whether registers have their width, or hold everything.
#[derive(Clone, Copy, PartialEq)]
enum Overflows {
    Happen,
    Never,
}

struct Run<'a, F> {
    observe: F,
    stages: &'a [Stage],
    overflows: Overflows,
    states: Vec<StageState>,
    turns: Vec<Turns<i128>>,
    traces: Vec<OutputTrace>,
    last_k: u64,
}

impl<'a, F: FnMut(IntStepRecord)> Run<'a, F> {
    fn new(stages: &'a [Stage], start: i128, overflows: Overflows, observe: F) -> Self {
        let mut states = vec![StageState::default(); stages.len()];
        let mut traces = vec![OutputTrace::default(); stages.len()];
        if let (Some(state), Some(trace)) = (states.last_mut(), traces.last_mut()) {
            state.register = start;
            (trace.min, trace.max) = (start, start);
        }
        let turns = stages
            .iter()
            .zip(&states)
            .map(|(stage, state)| Turns::new(stage.interleave.get(), 0, state.register));
        let turns = turns.collect();
        Self { observe, stages, overflows, states, turns, traces, last_k: 0 }
    }

    fn push(&mut self, level: usize, input: i128, first_k: u64, k: u64) {
        self.last_k = k;
        let stage = &self.stages[level];
        let state = &mut self.states[level];
        if state.waiting == 0 {
            state.first_k = first_k;
        }
        state.pending += input;
        state.waiting += 1;
        state.taken += 1;
        let tile_full = stage.count.is_some_and(|count| state.taken == count.get());
        if tile_full || state.waiting == u64::from(stage.width.get()) {
            self.step(level, k);
        }
        if tile_full {
            self.hand_on(level, k);
        }
    }

    fn step(&mut self, level: usize, k: u64) {
        let state = &mut self.states[level];
        let (input, first_k) = (state.pending, state.first_k);
        (state.pending, state.waiting) = (0, 0);
        self.sum(level, input, k, Turn::Inputs(self.turns[level].turn()));
        self.turns[level].pass(&mut self.states[level].register, first_k);
    }

    /// Register 0 takes the others, one by one.
    fn fold(&mut self, level: usize, k: u64) {
        let state = &mut self.states[level];
        let Some((first_k, registers)) = self.turns[level].fold(&mut state.register) else {
            return;
        };
        state.first_k = first_k;
        for register in 1..registers {
            let input = self.turns[level].take(register, 0);
            self.sum(level, input, k, Turn::Fold(register as u32));
        }
    }

    /// One check of the register whose turn it is.
    fn sum(&mut self, level: usize, input: i128, k: u64, turn: Turn) {
        let state = &mut self.states[level];
        let trace = &mut self.traces[level];
        let before = state.register;
        let register = match (self.overflows, self.stages[level].register.integer()) {
            (Overflows::Happen, Some(register)) => register,
            _ => IntRegister::EXACT,
        };
        let IntStep { exact, after, event } = register.step(before, input);
        trace.min = trace.min.min(exact);
        trace.max = trace.max.max(exact);
        if event {
            trace.events += 1;
            trace.first.get_or_insert((k, exact));
        }
        state.register = after;
        (self.observe)(IntStepRecord {
            stage: level,
            first_k: state.first_k,
            last_k: k,
            turn,
            before,
            input,
            exact,
            after,
            event,
        });
    }

    fn hand_on(&mut self, level: usize, k: u64) {
        self.fold(level, k);
        self.turns[level].restart(0);
        let StageState { register, first_k, .. } = std::mem::take(&mut self.states[level]);
        self.push(level + 1, register, first_k, k);
    }

    fn finish(&mut self) {
        for level in 0..self.stages.len() {
            if self.states[level].waiting > 0 {
                self.step(level, self.last_k);
            }
            if level + 1 == self.stages.len() {
                self.fold(level, self.last_k);
            } else if self.states[level].taken > 0 {
                self.hand_on(level, self.last_k);
            }
        }
    }
}
