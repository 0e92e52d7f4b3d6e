//! What lanes saw of many outputs; parts merge in any order.

use super::outputs::{Grid, Numbers, StageTrace, WIDTH};

/// An output: row and column.
pub(super) type Output = (usize, usize);

/// One extreme of the sums of a stage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Extreme {
    /// Of the sums as they were rounded to odd.
    pub(super) value: f64,
    /// Where the exact extreme may be another number: the outputs that reached this one.
    pub(super) open: Vec<Output>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StageTally {
    pub(super) events: u64,
    pub(super) outputs: u64,
    pub(super) inexact: u64,
    pub(super) underflows: u64,
    pub(super) absorbed: u64,
    pub(super) invalid: u64,
    /// The first output, in row-major order, with an event.
    pub(super) first: Option<Output>,
    pub(super) least: Extreme,
    pub(super) greatest: Extreme,
}

/// All stages.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::kernels::float) struct Tally {
    /// Innermost first; none before the first output.
    pub(super) stages: Vec<StageTally>,
    /// Outputs that are told of.
    pub(super) outputs: u64,
    /// Outputs that are not, because lanes could not tell.
    pub(super) undecided: Vec<Output>,
}

impl Extreme {
    /// None yet: zero, which every report's extremes enclose.
    const fn zero() -> Self {
        Self { value: 0.0, open: Vec::new() }
    }

    /// The one that is `beyond` the other, or both.
    fn merge(&mut self, other: Self, beyond: fn(f64, f64) -> bool) {
        if beyond(other.value, self.value) {
            *self = other;
        } else if other.value == self.value {
            self.open.extend(other.open);
        }
    }

    /// Takes an output's extreme into account.
    #[inline]
    fn add(&mut self, value: f64, grid: Grid, output: Output, beyond: fn(f64, f64) -> bool) {
        if beyond(value, self.value) {
            self.value = value;
            self.open.clear();
        } else if value != self.value {
            return;
        }
        if grid.is_open(value) {
            self.open.push(output);
        }
    }
}

fn less(a: f64, b: f64) -> bool {
    a < b
}

fn greater(a: f64, b: f64) -> bool {
    a > b
}

impl StageTally {
    const EMPTY: Self = Self {
        events: 0,
        outputs: 0,
        inexact: 0,
        underflows: 0,
        absorbed: 0,
        invalid: 0,
        first: None,
        least: Extreme::zero(),
        greatest: Extreme::zero(),
    };

    fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.outputs += other.outputs;
        self.inexact += other.inexact;
        self.underflows += other.underflows;
        self.absorbed += other.absorbed;
        self.invalid += other.invalid;
        self.first = self.first.into_iter().chain(other.first).min();
        self.least.merge(other.least, less);
        self.greatest.merge(other.greatest, greater);
    }
}

impl Tally {
    /// Of both.
    pub(super) fn merged(mut self, other: Self) -> Self {
        if self.stages.is_empty() {
            self.stages = other.stages;
        } else {
            for (stage, other) in self.stages.iter_mut().zip(other.stages) {
                stage.merge(other);
            }
        }
        self.outputs += other.outputs;
        self.undecided.extend(other.undecided);
        self
    }

    /// Adds an output of a tile: number `index` of its stages.
    pub(super) fn add(&mut self, output: Output, stages: &[StageTrace], index: usize) {
        if self.stages.is_empty() {
            self.stages = vec![StageTally::EMPTY; stages.len()];
        }
        let (block, lane) = (index / WIDTH, index % WIDTH);
        let undecided = |stage: &StageTrace| {
            let block = &stage.blocks[block];
            block.greatest[lane].max(-block.least[lane]) >= stage.undecided
        };
        if stages.iter().any(undecided) {
            self.undecided.push(output);
            return;
        }
        self.outputs += 1;
        for (to, stage) in self.stages.iter_mut().zip(stages) {
            let from = &stage.blocks[block];
            // Whole numbers below 2^53.
            let count = |counts: &Numbers| counts[lane] as u64;
            let events = count(&from.events);
            to.events += events;
            to.inexact += count(&from.inexact);
            to.underflows += count(&from.underflows);
            to.absorbed += count(&from.absorbed);
            to.invalid += count(&from.invalid);
            if events > 0 {
                to.outputs += 1;
                to.first = to.first.into_iter().chain([output]).min();
            }
            to.least.add(from.least[lane], stage.grid, output, less);
            to.greatest.add(from.greatest[lane], stage.grid, output, greater);
        }
    }
}
