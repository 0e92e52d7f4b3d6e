//! What can go wrong in a conversion.

use fewbit_formats::{EncodeError, Format, GroupError};
use thiserror::Error;

use super::pack_order::PackOrder;

/// Why values or codes cannot be converted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// Slices that do not belong together.
    #[error("{from} elements cannot be converted to {to}: both slices must have the same length")]
    Length {
        /// Elements given.
        from: usize,
        /// Places for results.
        to: usize,
    },
    /// Codes too wide for their integers.
    #[error("codes of {format} have {bits} bits, their integers {available}: take a wider type")]
    Storage {
        /// The format.
        format: Format,
        /// Bits of its codes.
        bits: u32,
        /// Bits of the integers.
        available: u32,
    },
    /// A value that the policy refuses; the first one.
    #[error("element {index}: {source}")]
    Value {
        /// Its index.
        index: usize,
        /// Why.
        source: EncodeError,
    },
    /// A block that the policy refuses; the first one.
    #[error("the block that begins at element {first}: {source}")]
    Group {
        /// The index of its first element.
        first: usize,
        /// Why.
        source: GroupError,
    },
    /// Slices that are not what the layout says.
    #[error("{found} {what} where the layout has {expected}")]
    Layout {
        /// What there should be: elements, codes, scales or outer scales.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A width that codes in bytes do not have.
    #[error("codes of {bits} bits cannot be packed from bytes: expected 1 to 8 bits")]
    PackWidth {
        /// The width.
        bits: u32,
    },
    /// Packed bytes that do not fit the number of codes.
    #[error("{codes} codes of {bits} bits take {expected} bytes packed ({order}), not {found}")]
    PackedLength {
        /// How many codes.
        codes: usize,
        /// Bits of each.
        bits: u32,
        /// The order.
        order: PackOrder,
        /// Bytes given.
        found: usize,
        /// Bytes expected.
        expected: usize,
    },
    /// A format whose codes are no integers.
    #[error("`{format}` has no integer codes: expected an integer format, such as int4 or uint2")]
    NotAnInteger {
        /// The format.
        format: String,
    },
}
