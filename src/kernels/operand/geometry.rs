//! Which operand runs over vector lanes, and how many outputs of each a micro-kernel takes.

use std::sync::Arc;

use ndarray::{ArrayBase, Ix2, RawData};

/// What an operand does in a micro-kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Each of its words is broadcast to all lanes.
    Broadcast,
    /// Its outputs are lanes.
    Lanes,
}

/// Outputs per panel of each side: MR of the broadcast operand by NR in lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) mr: usize,
    pub(crate) nr: usize,
}

/// Which matrix is on which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orientation {
    /// The columns of B are in lanes; rows of A are broadcast.
    ColumnsInLanes,
    /// The rows of A are in lanes; columns of B are broadcast.
    RowsInLanes,
}

impl Geometry {
    /// Outputs per panel of a side.
    pub(crate) const fn of(self, side: Side) -> usize {
        match side {
            Side::Broadcast => self.mr,
            Side::Lanes => self.nr,
        }
    }

    /// Outputs with padding.
    pub(crate) fn padded(self, broadcast: usize, lanes: usize) -> usize {
        broadcast.next_multiple_of(self.mr) * lanes.next_multiple_of(self.nr)
    }

    /// Columns in lanes, as they are packed once; unless rows need clearly less padding.
    pub(crate) fn orientation(self, m: usize, n: usize) -> Orientation {
        if 8 * self.padded(n, m) < 7 * self.padded(m, n) {
            Orientation::RowsInLanes
        } else {
            Orientation::ColumnsInLanes
        }
    }
}

impl Orientation {
    /// (broadcast, lanes) of (row, column), and back.
    pub(crate) fn turn<T>(self, (row, col): (T, T)) -> (T, T) {
        match self {
            Self::ColumnsInLanes => (row, col),
            Self::RowsInLanes => (col, row),
        }
    }

    /// The outputs `[M, N]` as the broadcast operand's by those in lanes.
    pub(crate) fn view<S: RawData>(self, out: ArrayBase<S, Ix2>) -> ArrayBase<S, Ix2> {
        match self {
            Self::ColumnsInLanes => out,
            Self::RowsInLanes => out.reversed_axes(),
        }
    }
}

/// Both operands of a product of `k` terms per output, each packed for its side.
pub(crate) struct PackedPair<P> {
    pub(crate) orientation: Orientation,
    pub(crate) broadcast: Arc<P>,
    pub(crate) lanes: Arc<P>,
    pub(crate) k: usize,
}

impl<P> PackedPair<P> {
    /// Packs the rows of A and the columns of B, each for the side that `orientation` gives it.
    pub(crate) fn new(
        orientation: Orientation,
        k: usize,
        rows: impl FnOnce(Side) -> P,
        columns: impl FnOnce(Side) -> Arc<P>,
    ) -> Self {
        let (a, b) = orientation.turn((Side::Broadcast, Side::Lanes));
        let (broadcast, lanes) = orientation.turn((Arc::new(rows(a)), columns(b)));
        Self { orientation, broadcast, lanes, k }
    }
}
