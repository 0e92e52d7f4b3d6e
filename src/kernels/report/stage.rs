//! What is reported of one stage, where it is less than the whole report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::accumulate::FirstEvent;

/// The overflow events of one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageEvents {
    /// As [`StageReport::events`](crate::accumulate::StageReport::events).
    pub events: u64,
    /// As [`StageReport::outputs`](crate::accumulate::StageReport::outputs).
    pub outputs: u64,
    /// As [`StageReport::first`](crate::accumulate::StageReport::first).
    pub first: Option<FirstEvent>,
}

impl StageEvents {
    /// Adds what other outputs had.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.outputs += other.outputs;
        self.first = FirstEvent::earlier(self.first, other.first);
    }
}

/// The widths that one stage needs, as [`StageReport::histogram`](crate::accumulate::StageReport::histogram).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageWidths {
    /// How many outputs need each two's complement width on the exact trajectory.
    pub histogram: BTreeMap<u32, u64>,
}

impl StageWidths {
    /// The width that every output fits; 1 where there is none.
    pub fn required_bits(&self) -> u32 {
        self.histogram.keys().next_back().copied().unwrap_or(1)
    }

    /// How many outputs overflow a register of `bits` bits that has no narrower one before it.
    ///
    /// ```
    /// # use fewbit::StageWidths;
    /// let widths = StageWidths { histogram: [(5, 10), (9, 2)].into() };
    /// assert_eq!([4, 5, 8, 9].map(|bits| widths.overflowing(bits)), [12, 2, 2, 0]);
    /// ```
    pub fn overflowing(&self, bits: u32) -> u64 {
        self.histogram.range(bits + 1..).map(|(_, outputs)| outputs).sum()
    }
}
