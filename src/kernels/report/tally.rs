//! Running totals of one stage over many outputs; merged, they are its report.

use crate::accumulate::{FirstEvent, OutputTrace, StageReport};
use crate::kernels::product::{StageEvents, StageWidths};
use crate::simd::Word;

/// Widths 0 to 64, and up to 128 for what the scalar path alone holds.
const WIDTHS: usize = 129;

/// One stage over some outputs: [`StageReport`] with the first event known by its output only.
#[derive(Clone, Debug)]
pub(crate) struct StageTally {
    events: u64,
    outputs: u64,
    /// The first output in row-major order that had an event.
    pub(crate) first: Option<(usize, usize)>,
    min: i128,
    max: i128,
    /// Two counts per width: an output does not wait for its neighbour's to be stored.
    histogram: [[u64; 2]; WIDTHS],
}

impl Default for StageTally {
    fn default() -> Self {
        Self { events: 0, outputs: 0, first: None, min: 0, max: 0, histogram: [[0; 2]; WIDTHS] }
    }
}

impl StageTally {
    /// The widths that the exact trajectories of some outputs need.
    pub(crate) fn add_exact<W: Word>(&mut self, min: &[W], max: &[W]) {
        for (index, (min, max)) in min.iter().zip(max).enumerate() {
            // As `required_bits_of_range`; a trajectory starts at 0, so min <= 0 <= max.
            let magnitude = max.widen().max(!min.widen());
            self.histogram[(65 - magnitude.leading_zeros()) as usize][index % 2] += 1;
        }
    }

    /// That many outputs need `bits` bits.
    pub(crate) fn add_widths(&mut self, bits: usize, outputs: u64) {
        self.histogram[bits][0] += outputs;
    }

    /// The extremes of real trajectories.
    pub(crate) fn add_extremes(&mut self, min: i64, max: i64) {
        self.min = self.min.min(min.into());
        self.max = self.max.max(max.into());
    }

    /// [`Self::add_extremes`] of several outputs.
    pub(crate) fn add_extremes_of<W: Word>(&mut self, min: &[W], max: &[W]) {
        let least = min.iter().fold(0, |least, min| min.widen().min(least));
        let greatest = max.iter().fold(0, |greatest, max| max.widen().max(greatest));
        self.add_extremes(least, greatest);
    }

    /// The events of some outputs, none of whose names comes before `floor`.
    pub(crate) fn add_events<W: Word>(
        &mut self,
        events: &[W],
        floor: (usize, usize),
        name: impl Fn(usize) -> (usize, usize),
    ) {
        let counts = || events.iter().map(|events| events.widen().unsigned_abs());
        let all: u64 = counts().sum();
        if all == 0 {
            return;
        }
        self.events += all;
        self.outputs += counts().filter(|&events| events > 0).count() as u64;
        if self.first.is_none_or(|first| first > floor) {
            let with = counts().enumerate().filter(|&(_, events)| events > 0);
            let first = with.map(|(index, _)| name(index)).min();
            self.first = self.first.into_iter().chain(first).min();
        }
    }

    /// All of an output.
    pub(crate) fn add_trace(&mut self, at: (usize, usize), trace: &OutputTrace) {
        self.min = self.min.min(trace.min);
        self.max = self.max.max(trace.max);
        self.histogram[trace.required_bits() as usize][0] += 1;
        if trace.events > 0 {
            self.events += trace.events;
            self.outputs += 1;
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
        }
    }

    /// Adds other outputs.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.outputs += other.outputs;
        self.first = match (self.first, other.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        for ([sum, _], [even, odd]) in self.histogram.iter_mut().zip(other.histogram) {
            *sum += even + odd;
        }
    }

    /// The finished events, with the details of `first`.
    pub(crate) fn events(&self, first: Option<FirstEvent>) -> StageEvents {
        StageEvents { events: self.events, outputs: self.outputs, first }
    }

    /// How many outputs need which width.
    pub(crate) fn widths(&self) -> StageWidths {
        let outputs = self.histogram.iter().map(|[even, odd]| even + odd);
        let widths = (0u32..).zip(outputs).filter(|(_, outputs)| *outputs > 0);
        StageWidths { histogram: widths.collect() }
    }

    /// The finished report, with the details of `first`.
    pub(crate) fn report(&self, first: Option<FirstEvent>) -> StageReport {
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
pub(crate) fn merge(tallies: &mut [StageTally], more: &[StageTally]) {
    for (tally, more) in tallies.iter_mut().zip(more) {
        tally.merge(more);
    }
}

/// The tallies of two parts, or the first one's error.
pub(crate) fn merged<E>(
    first: Result<Vec<StageTally>, E>,
    second: Result<Vec<StageTally>, E>,
) -> Result<Vec<StageTally>, E> {
    let mut tallies = first?;
    merge(&mut tallies, &second?);
    Ok(tallies)
}
