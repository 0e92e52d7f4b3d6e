//! The result of encoding.

use crate::status::Status;

/// A code and what happened on the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Encoded {
    /// The code, in the low bits.
    pub code: u32,
    /// Which flags the conversion raised.
    pub status: Status,
}
