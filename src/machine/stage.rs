//! A stage of an integer machine: its state, and the exact trajectory beside it.

use crate::accumulate::{IntRegister, IntStep, OutputTrace, Stage, Turn};
use crate::reference::{IntStepRecord, Turns};

/// A stage of a [`Machine`](super::Machine) as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineStage {
    /// The register after the last step; of several that take turns, the one of the next step.
    pub register: i128,
    /// The exact sum of the inputs that wait for the next step.
    pub pending: i128,
    /// How many inputs wait.
    pub waiting: u64,
    /// Inputs since the register restarted, those that wait among them.
    pub taken: u64,
    /// Events, the first of them, the extremes of the real and of the exact trajectory.
    pub trace: OutputTrace,
}

/// A register, and what it held if none ever wrapped or saturated.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    pub(super) value: i128,
    pub(super) exact: i128,
}

/// What enters a stage.
#[derive(Clone, Copy)]
pub(super) struct Input {
    pub(super) value: i128,
    /// The same where no register ever wrapped or saturated.
    pub(super) exact: i128,
    pub(super) first_k: u64,
}

/// What a stage does with an input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// It waits.
    Nothing,
    /// A step.
    Step,
    /// A step, and the value goes to the next stage.
    HandOn,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    register: IntRegister,
    width: u64,
    /// 0 where the stage never hands on.
    count: u64,
    /// How many registers take turns.
    registers: u32,
    /// The register and the inputs that wait.
    value: i128,
    pending: i128,
    /// The same of the exact trajectory.
    exact: i128,
    exact_pending: i128,
    waiting: u64,
    taken: u64,
    first_k: u64,
}

impl Level {
    pub(super) fn new(stage: &Stage) -> Self {
        Self {
            // Machines are made of integer registers alone.
            register: stage.register.integer().unwrap_or(IntRegister::EXACT),
            width: stage.width.get().into(),
            count: stage.count.map_or(0, |count| count.get()),
            registers: stage.interleave.get(),
            value: 0,
            pending: 0,
            exact: 0,
            exact_pending: 0,
            waiting: 0,
            taken: 0,
            first_k: 0,
        }
    }

    /// The state before the first input, the register at `start`.
    pub(super) fn restart(&mut self, start: i128) {
        (self.value, self.pending) = (start, 0);
        (self.exact, self.exact_pending) = (start, 0);
        (self.waiting, self.taken, self.first_k) = (0, 0, 0);
    }

    pub(super) fn value(&self) -> i128 {
        self.value
    }

    /// Whether several registers take turns.
    #[inline(always)]
    pub(super) fn is_interleaved(&self) -> bool {
        self.registers > 1
    }

    /// Whether inputs wait for a step.
    pub(super) fn waits(&self) -> bool {
        self.waiting > 0
    }

    /// Whether a tile is begun that the next stage has not been handed.
    pub(super) fn holds_tile(&self) -> bool {
        self.taken > 0
    }

    pub(super) fn view(&self, trace: OutputTrace) -> MachineStage {
        let Self { value: register, pending, waiting, taken, .. } = *self;
        MachineStage { register, pending, waiting, taken, trace }
    }

    #[inline(always)]
    pub(super) fn take(&mut self, input: Input) -> Due {
        if self.waiting == 0 {
            self.first_k = input.first_k;
        }
        self.pending = self.pending.wrapping_add(input.value);
        self.exact_pending = self.exact_pending.wrapping_add(input.exact);
        self.waiting += 1;
        self.taken += 1;
        if self.taken == self.count {
            Due::HandOn
        } else if self.waiting == self.width {
            Due::Step
        } else {
            Due::Nothing
        }
    }

    /// The step of the inputs that wait, written to `record` in place: it is larger than what comes back in registers.
    #[inline(always)]
    pub(super) fn step(
        &mut self,
        stage: usize,
        last_k: u64,
        trace: &mut OutputTrace,
        record: &mut IntStepRecord,
    ) {
        self.sum(stage, last_k, Turn::Inputs(0), trace, record);
        (self.pending, self.exact_pending, self.waiting) = (0, 0, 0);
    }

    /// A step of what is pending.
    #[inline(always)]
    fn sum(
        &mut self,
        stage: usize,
        last_k: u64,
        turn: Turn,
        trace: &mut OutputTrace,
        record: &mut IntStepRecord,
    ) {
        let (before, input) = (self.value, self.pending);
        let IntStep { exact, after, event } = self.register.step(before, input);
        self.value = after;
        self.exact = self.exact.wrapping_add(self.exact_pending);
        // Extremes are rarely reached: a branch costs less than numbers of 128 bits that are moved.
        if exact < trace.min || exact > trace.max {
            trace.min = trace.min.min(exact);
            trace.max = trace.max.max(exact);
        }
        if self.exact < trace.exact_min || self.exact > trace.exact_max {
            trace.exact_min = trace.exact_min.min(self.exact);
            trace.exact_max = trace.exact_max.max(self.exact);
        }
        if event {
            trace.events += 1;
            trace.first.get_or_insert((last_k, exact));
        }
        let first_k = self.first_k;
        *record =
            IntStepRecord { stage, first_k, last_k, turn, before, input, exact, after, event };
    }

    /// The next register's turn, after a step.
    pub(super) fn pass(&mut self, turns: &mut Turns<Sum>) {
        let mut current = Sum { value: self.value, exact: self.exact };
        turns.pass(&mut current, self.first_k);
        (self.value, self.exact) = (current.value, current.exact);
    }

    /// Register 0 has its turn, and will take the others: how many there are, where there is anything to fold.
    pub(super) fn begin_fold(&mut self, turns: &mut Turns<Sum>) -> Option<usize> {
        let mut current = Sum { value: self.value, exact: self.exact };
        let (first_k, registers) = turns.fold(&mut current)?;
        (self.value, self.exact, self.first_k) = (current.value, current.exact, first_k);
        Some(registers)
    }

    /// Register 0 takes another.
    pub(super) fn fold(
        &mut self,
        stage: usize,
        last_k: u64,
        (register, from): (usize, Sum),
        trace: &mut OutputTrace,
        record: &mut IntStepRecord,
    ) {
        (self.pending, self.exact_pending) = (from.value, from.exact);
        self.sum(stage, last_k, Turn::Fold(register as u32), trace, record);
        (self.pending, self.exact_pending) = (0, 0);
    }

    /// The register's value on its way to the next stage; the register restarts at zero.
    #[inline(always)]
    pub(super) fn hand_on(&mut self) -> Input {
        let handed = Input { value: self.value, exact: self.exact, first_k: self.first_k };
        (self.value, self.exact, self.taken) = (0, 0, 0);
        handed
    }
}
