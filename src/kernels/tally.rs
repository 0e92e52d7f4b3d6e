//! Reports in the making.

use serde::{Deserialize, Serialize};

use super::widths::StageWidths;
use crate::accumulate::{FirstEvent, OutputTrace, StageReport};

/// The overflow events of one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageEvents {
    /// As [`StageReport::events`].
    pub events: u64,
    /// As [`StageReport::outputs`].
    pub outputs: u64,
    /// As [`StageReport::first`].
    pub first: Option<FirstEvent>,
}

impl StageEvents {
    /// Adds what other outputs had.
    pub(super) fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.outputs += other.outputs;
        self.first = FirstEvent::earlier(self.first, other.first);
    }
}

/// Widths 0 to 64, and up to 128 for what the scalar path alone holds.
const WIDTHS: usize = 129;

/// One stage over some outputs: [`StageReport`] with the first event known by its output only.
#[derive(Clone, Debug)]
pub(super) struct StageTally {
    events: u64,
    outputs: u64,
    /// The first output in row-major order that had an event.
    pub(super) first: Option<(usize, usize)>,
    min: i128,
    max: i128,
    histogram: [u64; WIDTHS],
}

impl Default for StageTally {
    fn default() -> Self {
        Self { events: 0, outputs: 0, first: None, min: 0, max: 0, histogram: [0; WIDTHS] }
    }
}

impl StageTally {
    /// The width that an output's exact trajectory needs.
    pub(super) fn add_exact(&mut self, min: i64, max: i64) {
        // As `required_bits_of_range`; a trajectory starts at 0, so min <= 0 <= max.
        let magnitude = max.max(!min);
        self.histogram[(65 - magnitude.leading_zeros()) as usize] += 1;
    }

    /// That many outputs need `bits` bits.
    pub(super) fn add_widths(&mut self, bits: usize, outputs: u64) {
        self.histogram[bits] += outputs;
    }

    /// The extremes of an output's real trajectory.
    pub(super) fn add_extremes(&mut self, min: i64, max: i64) {
        self.min = self.min.min(min.into());
        self.max = self.max.max(max.into());
    }

    /// An output's events.
    pub(super) fn add_events(&mut self, at: (usize, usize), events: i64) {
        if events > 0 {
            self.events += events.unsigned_abs();
            self.outputs += 1;
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
        }
    }

    /// The events of some outputs, none of whose names comes before `floor`.
    pub(super) fn add_events_of(
        &mut self,
        events: &[i32],
        floor: (usize, usize),
        name: impl Fn(usize) -> (usize, usize),
    ) {
        let outputs = events.iter().filter(|&&events| events > 0).count();
        if outputs == 0 {
            return;
        }
        self.events += events.iter().map(|&events| u64::from(events.cast_unsigned())).sum::<u64>();
        self.outputs += outputs as u64;
        if self.first.is_none_or(|first| first > floor) {
            let with = events.iter().enumerate().filter(|(_, events)| **events > 0);
            let first = with.map(|(index, _)| name(index)).min();
            self.first = self.first.into_iter().chain(first).min();
        }
    }

    /// All of an output.
    pub(super) fn add_trace(&mut self, at: (usize, usize), trace: &OutputTrace) {
        self.min = self.min.min(trace.min);
        self.max = self.max.max(trace.max);
        self.histogram[trace.required_bits() as usize] += 1;
        if trace.events > 0 {
            self.events += trace.events;
            self.outputs += 1;
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
        }
    }

    /// Adds other outputs.
    pub(super) fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.outputs += other.outputs;
        self.first = match (self.first, other.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        for (sum, more) in self.histogram.iter_mut().zip(other.histogram) {
            *sum += more;
        }
    }

    /// The finished events, with the details of `first`.
    pub(super) fn events(&self, first: Option<FirstEvent>) -> StageEvents {
        StageEvents { events: self.events, outputs: self.outputs, first }
    }

    /// How many outputs need which width.
    pub(super) fn widths(&self) -> StageWidths {
        let widths = (0u32..).zip(self.histogram).filter(|(_, outputs)| *outputs > 0);
        StageWidths { histogram: widths.collect() }
    }

    /// The finished report, with the details of `first`.
    pub(super) fn report(&self, first: Option<FirstEvent>) -> StageReport {
        let widths = self.widths();
        StageReport {
            events: self.events,
            outputs: self.outputs,
            first,
            min: self.min,
            max: self.max,
            required_bits: widths.required_bits(),
            histogram: widths.histogram,
        }
    }
}

/// Adds other outputs, stage by stage.
pub(super) fn merge(tallies: &mut [StageTally], more: &[StageTally]) {
    for (tally, more) in tallies.iter_mut().zip(more) {
        tally.merge(more);
    }
}
