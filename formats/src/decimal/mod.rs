//! Numbers as text: read to the last digit, rounded once; written with the fewest digits that are needed.

mod big;
mod read;
mod write;

pub use read::ParseNumberError;
pub(crate) use write::{fmt_debug, fmt_exponent, fmt_plain};
