//! One output through any accumulator.

use fewbit_formats::philox::philox4x32;

use super::step::step;
use super::{Addend, StepError, StepRecord, Value};
use crate::accumulate::{Accumulator, Stage, Turn};
use crate::reference::turns::Turns;

/// A step that cannot be made: its stage, the last product of it, and why.
pub(crate) type FailedStep = (usize, u64, StepError);

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
) -> Result<Value, FailedStep> {
    let mut run = FloatRun::new(acc, start, random);
    for product in products {
        run.push(product, observe)?;
    }
    run.finish(observe)?;
    Ok(run.value().clone())
}

/// One stage while one output is summed.
#[derive(Clone, Debug)]
pub(crate) struct FloatStageState {
    /// The register's value; of several, that of the one whose turn it is.
    pub(crate) register: Value,
    /// The inputs that wait for the next step.
    pub(crate) pending: Vec<Addend>,
    /// The first product of the inputs that wait.
    first_k: u64,
    /// Inputs since the register restarted.
    pub(crate) taken: u64,
    turns: Turns<Value>,
}

impl FloatStageState {
    fn new(stage: &Stage, register: Value) -> Self {
        let turns = Turns::new(stage.interleave.get(), Value::ZERO, register.clone());
        Self { register, pending: Vec::new(), first_k: 0, taken: 0, turns }
    }
}

/// All stages while one output is summed.
#[derive(Clone, Debug)]
pub(crate) struct FloatRun {
    stages: Vec<Stage>,
    states: Vec<FloatStageState>,
    random: RandomBits,
    /// Products so far.
    products: u64,
}

type Observe<'a> = &'a mut dyn FnMut(StepRecord<'_>);

impl FloatRun {
    /// Before the first product; the last register holds `start`.
    pub(crate) fn new(acc: &Accumulator, start: Value, random: RandomBits) -> Self {
        let (last, inner) = match acc.stages() {
            [inner @ .., last] => (Some(last), inner),
            [] => (None, &[][..]),
        };
        let inner = inner.iter().map(|stage| FloatStageState::new(stage, Value::ZERO));
        let states = inner.chain(last.map(|last| FloatStageState::new(last, start))).collect();
        Self { stages: acc.stages().to_vec(), states, random, products: 0 }
    }

    /// The stages, innermost first.
    pub(crate) fn states(&self) -> &[FloatStageState] {
        &self.states
    }

    /// The last register's value; of several, that of the first one.
    pub(crate) fn value(&self) -> &Value {
        self.states.last().map_or(&Value::ZERO, |last| last.turns.first(&last.register))
    }

    /// The next product enters the first stage.
    pub(crate) fn push(&mut self, product: Addend, observe: Observe<'_>) -> Result<(), FailedStep> {
        let k = self.products;
        self.products += 1;
        self.enter(0, product, k, k, observe)
    }

    /// Groups and tiles that are not full are closed, innermost first.
    pub(crate) fn finish(&mut self, observe: Observe<'_>) -> Result<(), FailedStep> {
        let last_k = self.products.saturating_sub(1);
        for level in 0..self.stages.len() {
            if !self.states[level].pending.is_empty() {
                self.step(level, last_k, observe)?;
            }
            if level + 1 == self.stages.len() {
                self.fold(level, last_k, observe)?;
            } else if self.states[level].taken > 0 {
                self.hand_on(level, last_k, observe)?;
            }
        }
        Ok(())
    }

    fn enter(
        &mut self,
        level: usize,
        input: Addend,
        first_k: u64,
        k: u64,
        observe: Observe<'_>,
    ) -> Result<(), FailedStep> {
        let stage = &self.stages[level];
        let state = &mut self.states[level];
        if state.pending.is_empty() {
            state.first_k = first_k;
        }
        state.pending.push(input);
        state.taken += 1;
        let tile_full = stage.count.is_some_and(|count| state.taken == count.get());
        if tile_full || state.pending.len() as u64 == u64::from(stage.width.get()) {
            self.step(level, k, observe)?;
        }
        if tile_full { self.hand_on(level, k, observe) } else { Ok(()) }
    }

    fn step(&mut self, level: usize, k: u64, observe: Observe<'_>) -> Result<(), FailedStep> {
        let turn = Turn::Inputs(self.states[level].turns.turn());
        self.sum(level, k, turn, observe)?;
        let state = &mut self.states[level];
        state.turns.pass(&mut state.register, state.first_k);
        Ok(())
    }

    /// Register 0 takes the others, one by one.
    fn fold(&mut self, level: usize, k: u64, observe: Observe<'_>) -> Result<(), FailedStep> {
        let state = &mut self.states[level];
        let Some((first_k, registers)) = state.turns.fold(&mut state.register) else {
            return Ok(());
        };
        state.first_k = first_k;
        for register in 1..registers {
            let state = &mut self.states[level];
            let value = state.turns.take(register, Value::ZERO);
            state.pending.push(Addend::new(value, self.stages[level].register.format()));
            self.sum(level, k, Turn::Fold(register as u32), observe)?;
        }
        Ok(())
    }

    /// The step of the register whose turn it is.
    fn sum(
        &mut self,
        level: usize,
        k: u64,
        turn: Turn,
        observe: Observe<'_>,
    ) -> Result<(), FailedStep> {
        let state = &mut self.states[level];
        let random = |addend: u32| self.random.at(level, k, addend.wrapping_add(counted(turn)));
        let step = step(self.stages[level].register, &state.register, &state.pending, &random)
            .map_err(|error| (level, k, error))?;
        observe(StepRecord {
            stage: level,
            first_k: state.first_k,
            last_k: k,
            turn,
            before: &state.register,
            inputs: &state.pending,
            step: &step,
        });
        state.register = step.after;
        state.pending.clear();
        Ok(())
    }

    fn hand_on(&mut self, level: usize, k: u64, observe: Observe<'_>) -> Result<(), FailedStep> {
        self.fold(level, k, observe)?;
        let state = &mut self.states[level];
        state.turns.restart(Value::ZERO);
        let register = std::mem::replace(&mut state.register, Value::ZERO);
        state.taken = 0;
        let first_k = state.first_k;
        let value = Addend::new(register, self.stages[level].register.format());
        self.enter(level + 1, value, first_k, k, observe)
    }
}

/// From where the addends of a step are counted when bits are drawn for them: the steps of a fold have one k in common.
const fn counted(turn: Turn) -> u32 {
    match turn {
        Turn::Inputs(_) => 0,
        Turn::Fold(register) => register << 20,
    }
}
