//! The two ends of a range of values.

/// Which end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The least value.
    Lower,
    /// The greatest value.
    Upper,
}
