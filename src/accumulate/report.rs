//! What a product through an accumulator reports, stage by stage.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::required_bits_of_range;

/// The first overflow of the first output, in row-major order, that had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstEvent {
    /// Row of the output.
    pub row: u64,
    /// Column of the output.
    pub col: u64,
    /// Index of the last product that entered the step that overflowed.
    pub k: u64,
    /// The exact value that the register could not hold.
    pub value: i128,
}

impl FirstEvent {
    /// The one of the earlier output.
    pub(crate) fn earlier(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(a), Some(b)) => Some(if (a.row, a.col) <= (b.row, b.col) { a } else { b }),
            (a, b) => a.or(b),
        }
    }
}

/// One stage of a [`Report`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageReport {
    /// Steps whose exact result lay outside the register's range.
    pub events: u64,
    /// Outputs with at least one event.
    pub outputs: u64,
    /// The first event of the first such output.
    pub first: Option<FirstEvent>,
    /// The least value reached before wrapping or saturating; the starting 0 counts.
    pub min: i128,
    /// The greatest value reached before wrapping or saturating; the starting 0 counts.
    pub max: i128,
    /// The greatest width in `histogram`; 1 where there is no output.
    pub required_bits: u32,
    /// How many outputs need each two's complement width on the exact trajectory, in which no stage wraps or
    /// saturates.
    pub histogram: BTreeMap<u32, u64>,
}

/// What happened in one stage while one output was summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputTrace {
    /// Overflow events.
    pub events: u64,
    /// `k` and exact value of the first of them.
    pub first: Option<(u64, i128)>,
    /// Least value before wrapping or saturating.
    pub min: i128,
    /// Greatest value before wrapping or saturating.
    pub max: i128,
    /// Least value of the exact trajectory.
    pub exact_min: i128,
    /// Greatest value of the exact trajectory.
    pub exact_max: i128,
}

impl OutputTrace {
    /// The width that the exact trajectory needs.
    pub const fn required_bits(&self) -> u32 {
        required_bits_of_range(self.exact_min, self.exact_max)
    }
}

impl Default for StageReport {
    fn default() -> Self {
        Self {
            events: 0,
            outputs: 0,
            first: None,
            min: 0,
            max: 0,
            required_bits: 1,
            histogram: BTreeMap::new(),
        }
    }
}

impl StageReport {
    /// Adds one output; outputs may come in any order.
    pub fn add(&mut self, row: u64, col: u64, trace: &OutputTrace) {
        let first = trace.first.map(|(k, value)| FirstEvent { row, col, k, value });
        let bits = trace.required_bits();
        self.merge(&Self {
            events: trace.events,
            outputs: u64::from(trace.events > 0),
            first,
            min: trace.min,
            max: trace.max,
            required_bits: bits,
            histogram: BTreeMap::from([(bits, 1)]),
        });
    }

    /// Adds what other outputs reported; the result does not depend on the order of merging.
    pub fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.outputs += other.outputs;
        self.first = FirstEvent::earlier(self.first, other.first);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.required_bits = self.required_bits.max(other.required_bits);
        for (&bits, &outputs) in &other.histogram {
            *self.histogram.entry(bits).or_default() += outputs;
        }
    }
}

/// What happened in every stage, innermost first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// One entry per stage.
    pub stages: Vec<StageReport>,
}

impl Report {
    /// A report of `stages` stages and no output yet.
    pub fn new(stages: usize) -> Self {
        Self { stages: vec![StageReport::default(); stages] }
    }

    /// Adds one output's traces, one per stage.
    pub fn add(&mut self, row: u64, col: u64, traces: &[OutputTrace]) {
        for (stage, trace) in self.stages.iter_mut().zip(traces) {
            stage.add(row, col, trace);
        }
    }

    /// Adds what other outputs reported.
    pub fn merge(&mut self, other: &Self) {
        for (stage, more) in self.stages.iter_mut().zip(&other.stages) {
            stage.merge(more);
        }
    }

    /// Overflow events over all stages.
    pub fn events(&self) -> u64 {
        self.stages.iter().map(|s| s.events).sum()
    }
}
