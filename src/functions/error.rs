//! Why a function cannot be described or computed.

use thiserror::Error;

use super::table::TableError;

/// Why numbers make no integer function, or an input has no result.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum FunctionError {
    /// A scale, or another real number, that is out of range.
    #[error("the {what} {value:e} is out of range: expected {expected}")]
    Number {
        /// Which number.
        what: &'static str,
        /// The number.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// An integer out of range.
    #[error("the {what} {value} is outside of {least} to {most}")]
    Integer {
        /// Which integer.
        what: &'static str,
        /// The integer.
        value: i128,
        /// The least one.
        least: i64,
        /// The greatest one.
        most: i64,
    },
    /// A row without elements.
    #[error("a row without elements has no {what}: expected at least one")]
    Empty {
        /// What was asked for.
        what: &'static str,
    },
    /// A sum that its register does not hold.
    #[error(
        "the exponentials of a row of {length} elements add up to {sum}, beyond the greatest 32-bit integer: expected shorter rows"
    )]
    Sum {
        /// The elements of the row.
        length: usize,
        /// Their sum, in units of the register.
        sum: i64,
    },
    /// A table that a function needs and that cannot be made.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Lists whose lengths differ.
    #[error("there are {found} {what} for {expected} elements")]
    Lengths {
        /// Which list.
        what: &'static str,
        /// Its length.
        found: usize,
        /// That of the row.
        expected: usize,
    },
}
