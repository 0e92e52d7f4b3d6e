//! The end of a tile: its values and statistics, stored.

use super::outer::OuterStages;
use super::statistics::StepStatistics;
use crate::simd::{Call, Lanes, Word};

/// What one tile of outputs gives: values, and per stage the least sum, the greatest sum and the events of each output,
/// all row by row.
#[derive(Debug)]
pub(crate) struct TileResult<W> {
    pub(crate) values: Vec<W>,
    pub(crate) traces: Vec<[Vec<W>; 3]>,
}

impl<W: Word> TileResult<W> {
    /// Zeros for `outputs` outputs and `stages` stages.
    pub(crate) fn new(outputs: usize, stages: usize) -> Self {
        let zeros = || vec![W::truncate(0); outputs];
        Self { values: zeros(), traces: (0..stages).map(|_| [zeros(), zeros(), zeros()]).collect() }
    }
}

/// The innermost stage after its last step.
pub(crate) struct InnermostStage<'a, V, W> {
    pub(crate) registers: &'a [V],
    pub(crate) statistics: &'a [W],
}

/// The end of a tile, as a function of its own, which the many hot loops share.
pub(crate) struct FinishTile<'a, L: Lanes, W> {
    pub(crate) lanes: L,
    pub(crate) inner: InnermostStage<'a, L::V, W>,
    pub(crate) outer: &'a mut OuterStages<L, W>,
    pub(crate) result: &'a mut TileResult<L::Word>,
}

impl<L: Lanes, W: StepStatistics<L>> Call for FinishTile<'_, L, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, inner, outer, result } = self;
        let values = outer.finish(lanes).unwrap_or(inner.registers);
        for (value, to) in values.iter().zip(result.values.chunks_mut(L::N)) {
            lanes.store(*value, to);
        }
        if W::VECTORS == 0 {
            return;
        }
        store_trace(lanes, inner.statistics.iter().copied(), &mut result.traces[0]);
        for (stage, trace) in (0..).zip(&mut result.traces[1..]) {
            store_trace(lanes, outer.statistics(stage), trace);
        }
    }
}

#[inline(always)]
fn store_trace<L: Lanes, W: StepStatistics<L>>(
    lanes: L,
    statistics: impl Iterator<Item = W>,
    trace: &mut [Vec<L::Word>; 3],
) {
    for (index, statistics) in statistics.enumerate() {
        for (total, to) in statistics.totals(lanes).into_iter().zip(trace.iter_mut()) {
            lanes.store(total, &mut to[index * L::N..]);
        }
    }
}
