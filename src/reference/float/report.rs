//! What a product through float registers reports.

use fewbit_formats::Status;
use serde::Serialize;

use super::{StepRecord, Value};
use crate::reference::Dyadic;

/// The first overflow of the first output, in row-major order, that had one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FloatFirstEvent {
    /// Row of the output.
    pub row: u64,
    /// Column of the output.
    pub col: u64,
    /// Index of the last product that entered the step.
    pub k: u64,
    /// The finite sum that the register could not hold.
    pub value: Dyadic,
}

/// One stage of a [`FloatReport`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FloatStageReport {
    /// Steps whose finite sum lay outside the register's range after rounding.
    pub events: u64,
    /// Outputs with at least one event.
    pub outputs: u64,
    /// The first event of the first such output.
    pub first: Option<FloatFirstEvent>,
    /// The least finite sum before rounding, wrapping or saturating; the starting value counts.
    pub min: Dyadic,
    /// The greatest finite sum before rounding, wrapping or saturating; the starting value counts.
    pub max: Dyadic,
    /// Steps.
    pub steps: u64,
    /// Steps after which the register is not the exact sum of its value before and its inputs.
    pub inexact: u64,
    /// Inexact steps whose result was below the smallest normal value.
    pub underflows: u64,
    /// Steps whose inputs did not sum to zero and yet left the register as it was: swamping.
    pub absorbed: u64,
    /// Steps that made a NaN from other values.
    pub invalid: u64,
}

/// What happened in every stage, innermost first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FloatReport {
    /// One entry per stage.
    pub stages: Vec<FloatStageReport>,
}

impl Default for FloatStageReport {
    fn default() -> Self {
        Self {
            events: 0,
            outputs: 0,
            first: None,
            min: Dyadic::ZERO,
            max: Dyadic::ZERO,
            steps: 0,
            inexact: 0,
            underflows: 0,
            absorbed: 0,
            invalid: 0,
        }
    }
}

impl FloatReport {
    /// A report of `stages` stages and no output yet.
    pub fn new(stages: usize) -> Self {
        Self { stages: vec![FloatStageReport::default(); stages] }
    }

    /// Adds one output: what its steps gave, one entry per stage.
    pub fn add(&mut self, row: u64, col: u64, traces: Vec<FloatTrace>) {
        for (stage, trace) in self.stages.iter_mut().zip(traces) {
            stage.merge(trace.report(row, col));
        }
    }

    /// Adds what other outputs reported; parts merge in any order to the same report.
    pub fn merge(&mut self, other: Self) {
        for (stage, other) in self.stages.iter_mut().zip(other.stages) {
            stage.merge(other);
        }
    }

    /// Overflow events over all stages.
    pub fn events(&self) -> u64 {
        self.stages.iter().map(|stage| stage.events).sum()
    }
}

impl FloatStageReport {
    /// Adds what other outputs reported of this stage.
    pub(crate) fn merge(&mut self, other: Self) {
        let place = |event: &FloatFirstEvent| (event.row, event.col);
        self.first = self.first.take().into_iter().chain(other.first).min_by_key(place);
        if self.min > other.min {
            self.min = other.min;
        }
        if self.max < other.max {
            self.max = other.max;
        }
        self.events += other.events;
        self.outputs += other.outputs;
        self.steps += other.steps;
        self.inexact += other.inexact;
        self.underflows += other.underflows;
        self.absorbed += other.absorbed;
        self.invalid += other.invalid;
    }
}

/// What happened in one stage while one output was summed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatTrace {
    min: Dyadic,
    max: Dyadic,
    first: Option<(u64, Dyadic)>,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    events: u64,
    steps: u64,
    inexact: u64,
    underflows: u64,
    absorbed: u64,
    invalid: u64,
}

impl FloatTrace {
    /// Traces of `stages` stages, the last of which starts at `start`.
    pub fn starting(stages: usize, start: &Value) -> Vec<Self> {
        let zero =
            Self { min: Dyadic::ZERO, max: Dyadic::ZERO, first: None, counts: Counts::default() };
        let mut traces = vec![zero; stages];
        if let (Some(last), Some(start)) = (traces.last_mut(), start.finite()) {
            (last.min, last.max) = (start.clone(), start.clone());
        }
        traces
    }

    /// Overflow events.
    pub const fn events(&self) -> u64 {
        self.counts.events
    }

    /// The report of output `(row, col)` alone.
    pub fn report(self, row: u64, col: u64) -> FloatStageReport {
        let Self { min, max, first, counts } = self;
        FloatStageReport {
            events: counts.events,
            outputs: u64::from(counts.events > 0),
            first: first.map(|(k, value)| FloatFirstEvent { row, col, k, value }),
            min,
            max,
            steps: counts.steps,
            inexact: counts.inexact,
            underflows: counts.underflows,
            absorbed: counts.absorbed,
            invalid: counts.invalid,
        }
    }

    /// Adds a step of this stage.
    pub fn add(&mut self, record: StepRecord<'_>) {
        let StepRecord { before, inputs, step, last_k, .. } = record;
        let flag = |status| u64::from(step.status.contains(status));
        self.counts.steps += 1;
        self.counts.inexact += flag(Status::INEXACT);
        self.counts.underflows += flag(Status::UNDERFLOW);
        self.counts.invalid += u64::from(step.is_invalid(before, inputs));
        if let (Some(before), Some(after), Some(exact)) =
            (before.finite(), step.after.finite(), step.exact.finite())
        {
            self.counts.absorbed += u64::from(before == after && before != exact);
        }
        let Some(sum) = step.sum.finite() else {
            return;
        };
        if step.status.contains(Status::OVERFLOW) {
            self.counts.events += 1;
            self.first.get_or_insert_with(|| (last_k, sum.clone()));
        }
        if *sum < self.min {
            self.min = sum.clone();
        }
        if *sum > self.max {
            self.max = sum.clone();
        }
    }
}
