//! Where the parts of a row-major tensor lie: its axes, and the groups along one of them.

mod axis;
mod group;

pub use axis::{AxisError, resolve_axis};
pub use group::GroupLayout;
pub(crate) use group::outer_count;
