//! The machine of integers.

use super::stage::{Due, Input, Level, Sum};
use super::{MachineError, MachineStage};
use crate::accumulate::{Accumulator, OutputTrace, Register, Stage, Turn, int_range};
use crate::reference::{IntStepRecord, Turns};

/// An accumulator of integer and exact stages as a state.
///
/// A push allocates nothing. Sums beyond 127 bits are taken modulo 2^128, which fewer than 2^62 products of integers of
/// 32 bits never reach.
///
/// ```
/// use fewbit::Accumulator;
/// let acc: Accumulator = "int4-sat".parse()?;
/// let mut mac = acc.machine()?;
/// mac.push_product(5);
/// let step = mac.push_product(5)[0]; // 10 is beyond 7
/// assert_eq!((step.before, step.exact, step.after, step.event), (5, 10, 7, true));
/// mac.push_product(-6);
/// assert_eq!(mac.value(), 1);
/// assert_eq!(mac.traces()[0].first, Some((1, 10)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Machine {
    levels: Vec<Level>,
    /// The registers of stages in which several take turns.
    turns: Vec<Turns<Sum>>,
    /// The last register.
    last: Register,
    traces: Vec<OutputTrace>,
    /// The steps of the last call, and records beyond them that keep their place.
    steps: Vec<IntStepRecord>,
    made: usize,
    /// Products since the last reset.
    products: u64,
}

/// What a machine gives at the end of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained<'a> {
    /// The output: the last register's value.
    pub value: i128,
    /// The steps that closed groups and tiles, in the order in which they were made.
    pub steps: &'a [IntStepRecord],
    /// Per stage: events, the first of them, the extremes; what [`Report::add`](crate::Report::add) takes.
    pub traces: &'a [OutputTrace],
}

impl Accumulator {
    /// This accumulator as a machine of integers, every register at 0.
    ///
    /// # Errors
    /// A stage that is not an integer or an exact one.
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// assert_eq!("exact/8,int20-sat".parse::<Accumulator>()?.machine()?.stages().count(), 2);
    /// assert!("f32".parse::<Accumulator>()?.machine().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn machine(&self) -> Result<Machine, MachineError> {
        if !self.is_integer() {
            return Err(MachineError::NotInteger(self.to_string()));
        }
        Ok(Machine::of(self.stages()))
    }
}

impl Machine {
    /// A machine of these stages, all of integer registers.
    pub(super) fn of(stages: &[Stage]) -> Self {
        Self {
            levels: stages.iter().map(Level::new).collect(),
            turns: stages.iter().map(|stage| turns(stage.interleave.get(), 0)).collect(),
            last: stages.last().map_or(Register::Exact, |stage| stage.register),
            traces: vec![OutputTrace::default(); stages.len()],
            // A step of each stage, and its fold.
            steps: vec![NONE; stages.iter().map(|stage| stage.interleave.get() as usize).sum()],
            made: 0,
            products: 0,
        }
    }

    /// Takes the next product of k; gives the steps that it caused, the innermost stage first, at most one per stage and
    /// the fold of registers that take turns. There is none where the product waits for the rest of its group.
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// let mut mac = "int8-wrap/2,int8-sat".parse::<Accumulator>()?.machine()?;
    /// assert_eq!(mac.push_product(100).len(), 1);
    /// let steps = mac.push_product(100); // 200 wraps to -56, which the second stage is handed
    /// assert_eq!((steps[0].after, steps[1].input, steps[1].after), (-56, -56, -56));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn push_product(&mut self, product: impl Into<i128>) -> &[IntStepRecord] {
        self.made = 0;
        self.enter_product(product.into());
        &self.steps[..self.made]
    }

    /// Takes products in ascending k, as one input of a dot unit or as many of them as there are; gives all steps that they
    /// caused. It allocates where these are more than there ever were before.
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// let mut mac = "int8-sat*4".parse::<Accumulator>()?.machine()?;
    /// let steps = mac.push_group([100, 100, -50, -50]); // one check of the exact sum
    /// assert_eq!((steps.len(), steps[0].exact, steps[0].event), (1, 100, false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push_group(
        &mut self,
        products: impl IntoIterator<Item = impl Into<i128>>,
    ) -> &[IntStepRecord] {
        self.made = 0;
        for product in products {
            self.enter_product(product.into());
        }
        &self.steps[..self.made]
    }

    /// Closes groups and tiles that are not full, innermost first, as the end of a product does.
    ///
    /// What was counted stays until [`Self::reset`]; draining twice changes nothing, and a product that is pushed
    /// afterwards is the next k of the same output.
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// let mut mac = "int8-sat*4".parse::<Accumulator>()?.machine()?;
    /// mac.push_group([100, 100]);
    /// assert_eq!((mac.value(), mac.stages().next().unwrap().pending), (0, 200));
    /// assert_eq!(mac.drain().value, 127);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&mut self) -> Drained<'_> {
        self.made = 0;
        let last_k = self.products.saturating_sub(1);
        for stage in 0..self.levels.len() {
            if self.levels[stage].waits() {
                self.step(stage, last_k);
            }
            if stage + 1 == self.levels.len() {
                self.fold(stage, last_k);
            } else if self.levels[stage].holds_tile() {
                let handed = self.hand_on(stage, last_k);
                self.enter(stage + 1, handed, last_k);
            }
        }
        Drained { value: self.value(), steps: &self.steps[..self.made], traces: &self.traces }
    }

    /// The last register after the last completed step: what waits, or is in a tile that is not full, is not in it. Of
    /// several that take turns it is the first one, which has the others only after [`Self::drain`].
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// let mut mac = "int8-sat%2".parse::<Accumulator>()?.machine()?;
    /// mac.push_group([100, 1, 20]); // 100 and 20 in one register, 1 in the other
    /// assert_eq!((mac.value(), mac.drain().value), (120, 121));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn value(&self) -> i128 {
        let (Some(level), Some(turns)) = (self.levels.last(), self.turns.last()) else { return 0 };
        let current = sum(level.value());
        turns.first(&current).value
    }

    /// The stages as they stand, innermost first.
    pub fn stages(&self) -> impl ExactSizeIterator<Item = MachineStage> {
        self.levels.iter().zip(&self.traces).map(|(level, trace)| level.view(*trace))
    }

    /// What happened in each stage since the last reset; what [`Report::add`](crate::Report::add) takes.
    pub fn traces(&self) -> &[OutputTrace] {
        &self.traces
    }

    /// Products since the last reset.
    pub fn products(&self) -> u64 {
        self.products
    }

    /// Forgets everything; the last register starts at `start`, the others at 0. The starting value counts as reached.
    ///
    /// # Errors
    /// A starting value outside the last register's range; the machine stays as it is.
    ///
    /// ```
    /// use fewbit::Accumulator;
    /// let mut mac = "int4-sat".parse::<Accumulator>()?.machine()?;
    /// mac.reset(6)?;
    /// mac.push_group([-1, 5]);
    /// assert_eq!((mac.value(), mac.traces()[0].min, mac.traces()[0].max), (7, 5, 10));
    /// assert!(mac.reset(8).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reset(&mut self, start: impl Into<i128>) -> Result<(), MachineError> {
        let start = start.into();
        check_start(self.last, start)?;
        self.products = 0;
        self.made = 0;
        self.levels.iter_mut().for_each(|level| level.restart(0));
        let last = self.turns.len().saturating_sub(1);
        for (stage, old) in self.turns.iter_mut().enumerate() {
            old.reset(Sum::default(), sum(if stage == last { start } else { 0 }));
        }
        self.traces.fill(OutputTrace::default());
        if let (Some(level), Some(trace)) = (self.levels.last_mut(), self.traces.last_mut()) {
            level.restart(start);
            (trace.min, trace.max, trace.exact_min, trace.exact_max) = (start, start, start, start);
        }
        Ok(())
    }

    #[inline(always)]
    fn enter_product(&mut self, product: i128) {
        let k = self.products;
        self.products = k.wrapping_add(1);
        self.enter(0, Input { value: product, exact: product, first_k: k }, k);
    }

    #[inline(always)]
    fn enter(&mut self, mut stage: usize, mut input: Input, k: u64) {
        while let Some(level) = self.levels.get_mut(stage) {
            let due = level.take(input);
            if due == Due::Nothing {
                return;
            }
            self.step(stage, k);
            if due == Due::Step {
                return;
            }
            input = self.hand_on(stage, k);
            stage += 1;
        }
    }

    #[inline(always)]
    fn step(&mut self, stage: usize, k: u64) {
        if self.made == self.steps.len() {
            self.steps.push(NONE);
        }
        let record = &mut self.steps[self.made];
        self.made += 1;
        let level = &mut self.levels[stage];
        level.step(stage, k, &mut self.traces[stage], record);
        if level.is_interleaved() {
            record.turn = Turn::Inputs(self.turns[stage].turn());
            level.pass(&mut self.turns[stage]);
        }
    }

    #[inline(always)]
    fn hand_on(&mut self, stage: usize, k: u64) -> Input {
        if self.levels[stage].is_interleaved() {
            self.fold(stage, k);
            self.turns[stage].restart(Sum::default());
        }
        self.levels[stage].hand_on()
    }

    /// Register 0 takes the others, where several take turns.
    fn fold(&mut self, stage: usize, k: u64) {
        let Some(registers) = self.levels[stage].begin_fold(&mut self.turns[stage]) else {
            return;
        };
        for register in 1..registers {
            let from = self.turns[stage].take(register, Sum::default());
            if self.made == self.steps.len() {
                self.steps.push(NONE);
            }
            let (level, trace) = (&mut self.levels[stage], &mut self.traces[stage]);
            level.fold(stage, k, (register, from), trace, &mut self.steps[self.made]);
            self.made += 1;
        }
    }
}

fn sum(start: i128) -> Sum {
    Sum { value: start, exact: start }
}

fn turns(registers: u32, start: i128) -> Turns<Sum> {
    Turns::new(registers, Sum::default(), sum(start))
}

/// What a place for a step has before there was one.
const NONE: IntStepRecord = IntStepRecord {
    stage: 0,
    first_k: 0,
    last_k: 0,
    turn: Turn::Inputs(0),
    before: 0,
    input: 0,
    exact: 0,
    after: 0,
    event: false,
};

/// Whether a register can start at this value.
pub(super) fn check_start(register: Register, value: i128) -> Result<(), MachineError> {
    let Register::Int { bits, .. } = register else {
        return Ok(());
    };
    let (low, high) = int_range(bits);
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(MachineError::Start { value, register: register.to_string(), low, high })
}
