//! Numbers as text: read to the last digit, rounded once; written with the fewest digits that are needed.

mod big;
mod code;
mod read;
mod write;

pub(crate) use code::parse;
pub use read::ParseNumberError;
pub(crate) use write::{fmt_debug, fmt_exponent, fmt_plain};
