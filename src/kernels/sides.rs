//! Which operand runs over lanes, and both packed for it.

use std::sync::Arc;

use ndarray::ArrayViewMut2;

use super::block::Orientation;
use super::operand::{Matrix, PackedMatrix};
use super::pack::Role;
use super::quads::{self, Bytes, Order, QuadLayout, Quads};
use super::sums;

/// Operands of bytes, packed for their sides.
pub(super) struct Sides {
    pub(super) orientation: Orientation,
    pub(super) broadcast: Arc<Quads>,
    pub(super) lanes: Arc<Quads>,
}

impl Sides {
    /// k is cut into tiles of `tile` products, if at all.
    pub(super) fn new(a: &Matrix<'_>, b: &PackedMatrix, tile: usize, order: Order) -> Self {
        let (m, n) = (a.dim().0, b.dim().1);
        let orientation = match quads::GEOMETRY.orientation(m, n) {
            // Signed codes go to the lanes; where both are, either may.
            Orientation::ColumnsInLanes if !b.matrix.fits_i8() && a.fits_i8() => {
                Orientation::RowsInLanes
            }
            Orientation::RowsInLanes if !a.fits_i8() => Orientation::ColumnsInLanes,
            free => free,
        };
        let layout = |role| {
            let bytes = match role {
                Role::Broadcast => Bytes::Unsigned,
                Role::Lanes => Bytes::Signed,
            };
            QuadLayout { role, tile, order: Order::Given, bytes }
        };
        let (broadcast, lanes) = match orientation {
            Orientation::ColumnsInLanes => {
                let rows = Quads::rows(a, layout(Role::Broadcast));
                (Arc::new(rows), b.quads(QuadLayout { order, ..layout(Role::Lanes) }))
            }
            Orientation::RowsInLanes => {
                let rows = Quads::rows(a, layout(Role::Lanes));
                (b.quads(layout(Role::Broadcast)), Arc::new(rows))
            }
        };
        Self { orientation, broadcast, lanes }
    }

    pub(super) fn operands(&self, k: usize) -> sums::Operands<'_> {
        sums::Operands { broadcast: &self.broadcast, lanes: &self.lanes, k }
    }
}

impl Orientation {
    /// The outputs as the broadcast operand's by those in lanes.
    pub(super) fn view<T>(self, out: ArrayViewMut2<'_, T>) -> ArrayViewMut2<'_, T> {
        match self {
            Self::ColumnsInLanes => out,
            Self::RowsInLanes => out.reversed_axes(),
        }
    }
}
