//! The innermost stage of a tile, with what it reports.

use std::ops::Range;

use super::outputs::StageTrace;

/// Whether the lanes saw all there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// All of it.
    All,
    /// Something happened that only careful lanes count: the tile runs again.
    Missed,
}

/// A micro-kernel that reports.
pub(super) trait TracedInner {
    /// What it knows of a tile so far.
    type State;

    /// Before the first product, registers at `start`.
    fn begin(&self, start: &[f64]) -> Self::State;

    /// Sums the products of `k` into `registers`, row by row.
    fn sum(&self, k: Range<usize>, registers: &mut [f64], state: &mut Self::State);

    /// The stages that it is, innermost first.
    fn end(&self, state: Self::State) -> (Vec<StageTrace>, Seen);
}
