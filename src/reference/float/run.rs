//! One output through any accumulator.

use fewbit_formats::philox::philox4x32;

use super::step::step;
use super::{Addend, StepError, StepRecord, Value};
use crate::accumulate::{Accumulator, Stage};

/// Where the bits of stochastic rounding come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomBits {
    /// The seed.
    pub seed: u64,
    /// The output's row-major index.
    pub output: u64,
}

impl RandomBits {
    fn at(self, stage: usize, k: u64, addend: u32) -> u32 {
        // The high half of a huge output index shares a word with the stage.
        let counter =
            [k as u32, addend, self.output as u32, stage as u32 ^ (self.output >> 32) as u32];
        philox4x32(counter, [self.seed as u32, (self.seed >> 32) as u32])[0]
    }
}

/// Sums `products` (in ascending k) through `acc` from the last register's value `start`, and shows every step to
/// `observe`.
///
/// # Errors
/// The stage and `k` of a step that cannot be made, and why.
///
/// ```
/// use fewbit::reference::{Addend, Dyadic, RandomBits, Value, sum_addends};
/// // 1 + 2^-11 + 2^-11 in half precision: each step is a tie, and ties to even stay at 1.
/// let products = [0, -11, -11].map(|e| Addend::new(Value::Finite(Dyadic::new(1, e)), None));
/// let random = RandomBits { seed: 0, output: 0 };
/// let sum = |acc: &str| sum_addends(&acc.parse().unwrap(), Value::ZERO, products.clone(), random, &mut |_| ());
/// assert_eq!(sum("f16").unwrap().to_f64(), 1.0);
/// assert_eq!(sum("f16*3").unwrap().to_f64(), 1.0 + 2f64.powi(-10));
/// ```
pub fn sum_addends(
    acc: &Accumulator,
    start: Value,
    products: impl IntoIterator<Item = Addend>,
    random: RandomBits,
    observe: &mut dyn FnMut(StepRecord<'_>),
) -> Result<Value, (usize, u64, StepError)> {
    let mut states: Vec<State> = acc.stages().iter().map(|_| State::new(Value::ZERO)).collect();
    if let Some(last) = states.last_mut() {
        last.register = start;
    }
    let mut run = Run { stages: acc.stages(), states, random, observe, last_k: 0 };
    for (k, product) in (0u64..).zip(products) {
        run.push(0, product, k, k)?;
    }
    run.finish()?;
    Ok(run.states.pop().map_or(Value::ZERO, |last| last.register))
}

struct State {
    register: Value,
    pending: Vec<Addend>,
    first_k: u64,
    taken: u64,
}

impl State {
    const fn new(register: Value) -> Self {
        Self { register, pending: Vec::new(), first_k: 0, taken: 0 }
    }
}

struct Run<'a, 'b> {
    stages: &'a [Stage],
    states: Vec<State>,
    random: RandomBits,
    observe: &'b mut dyn FnMut(StepRecord<'_>),
    last_k: u64,
}

impl Run<'_, '_> {
    fn push(
        &mut self,
        level: usize,
        input: Addend,
        first_k: u64,
        k: u64,
    ) -> Result<(), (usize, u64, StepError)> {
        self.last_k = k;
        let stage = &self.stages[level];
        let state = &mut self.states[level];
        if state.pending.is_empty() {
            state.first_k = first_k;
        }
        state.pending.push(input);
        state.taken += 1;
        let tile_full = stage.count.is_some_and(|count| state.taken == count.get());
        if tile_full || state.pending.len() as u64 == u64::from(stage.width.get()) {
            self.step(level, k)?;
        }
        if tile_full { self.hand_on(level, k) } else { Ok(()) }
    }

    fn step(&mut self, level: usize, k: u64) -> Result<(), (usize, u64, StepError)> {
        let state = &mut self.states[level];
        let random = |addend| self.random.at(level, k, addend);
        let step = step(self.stages[level].register, &state.register, &state.pending, &random)
            .map_err(|error| (level, k, error))?;
        (self.observe)(StepRecord {
            stage: level,
            first_k: state.first_k,
            last_k: k,
            before: &state.register,
            inputs: &state.pending,
            step: &step,
        });
        state.register = step.after;
        state.pending.clear();
        Ok(())
    }

    fn hand_on(&mut self, level: usize, k: u64) -> Result<(), (usize, u64, StepError)> {
        let state = std::mem::replace(&mut self.states[level], State::new(Value::ZERO));
        let value = Addend::new(state.register, self.stages[level].register.format());
        self.push(level + 1, value, state.first_k, k)
    }

    fn finish(&mut self) -> Result<(), (usize, u64, StepError)> {
        for level in 0..self.stages.len() {
            if !self.states[level].pending.is_empty() {
                self.step(level, self.last_k)?;
            }
            if self.states[level].taken > 0 && level + 1 < self.stages.len() {
                self.hand_on(level, self.last_k)?;
            }
        }
        Ok(())
    }
}
