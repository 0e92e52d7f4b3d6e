//! What can be wrong with a quantized tensor.

use fewbit_formats::ggml::{GgmlError, GgmlType};
use fewbit_formats::{Format, GroupFormat};
use thiserror::Error;

use crate::convert::ConvertError;

/// Why a quantized tensor cannot be made, taken apart or combined.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum TensorError {
    /// An axis that there is not.
    #[error("axis {axis} does not exist: the tensor has shape {shape:?}")]
    Axis {
        /// The axis asked for.
        axis: isize,
        /// The tensor's shape.
        shape: Vec<usize>,
    },
    /// Groups of no elements.
    #[error("a group has 0 elements: expected a group size of at least 1")]
    GroupSize,
    /// A tensor without elements.
    #[error("the tensor has shape {shape:?} and no elements: expected at least one")]
    Empty {
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A number of elements that does not fit a shape.
    #[error("{found} elements were given for shape {shape:?}, which has {}", shape.iter().product::<usize>())]
    Elements {
        /// The shape.
        shape: Vec<usize>,
        /// The number of elements found.
        found: usize,
    },
    /// Scales or zero points of another shape than the granularity asks for.
    #[error(
        "the {what} has shape {found:?}: expected {expected:?} for a tensor of shape {shape:?} with {granularity}"
    )]
    ParameterShape {
        /// `scale` or `zero point`.
        what: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape expected.
        expected: Vec<usize>,
        /// The tensor's shape.
        shape: Vec<usize>,
        /// The granularity, in words.
        granularity: String,
    },
    /// A code that the format does not have.
    #[error("code {code:#x} at index {index:?} stands for nothing in {format}")]
    Code {
        /// The code.
        code: u32,
        /// Where it is.
        index: Vec<usize>,
        /// The format.
        format: Format,
    },
    /// A format whose codes are wider than the storage.
    #[error("{format} has codes of {} bits: expected at most {available}", format.bits())]
    Storage {
        /// The format.
        format: Format,
        /// Bits of the storage.
        available: u32,
    },
    /// Another format than the type of the tensor says.
    #[error("the tensor's format is {found}: expected {expected}")]
    Format {
        /// The tensor's format.
        found: Format,
        /// The format expected.
        expected: Format,
    },
    /// A format whose values are not whole numbers.
    #[error("{0} has values that are not integers: expected an integer, binary or ternary format")]
    NotInteger(Format),
    /// Codes of scales, zero points or outer scales of another shape than the groups ask for.
    #[error("the {what} of {format} have shape {found:?}: expected {expected:?}")]
    GroupShape {
        /// The format.
        format: GroupFormat,
        /// Whose codes.
        what: &'static str,
        /// Their shape.
        found: Vec<usize>,
        /// The shape expected.
        expected: Vec<usize>,
    },
    /// Zero points or outer scales for a format that has none, or none for one that has.
    #[error("{format} was given {what} that it does not have, or lacks those that it has")]
    GroupPart {
        /// The format.
        format: GroupFormat,
        /// What is missing or too much.
        what: &'static str,
    },
    /// A range that leaves the axis or cuts a group.
    #[error(
        "{start}..{end} is not a part of axis {axis}: expected a range within 0..{extent} of whole groups of {unit}"
    )]
    Slice {
        /// The axis.
        axis: isize,
        /// The beginning.
        start: usize,
        /// The end.
        end: usize,
        /// The extent of the axis.
        extent: usize,
        /// What the range must be a multiple of.
        unit: usize,
    },
    /// Values or codes that cannot be converted.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// Rows that are not whole blocks.
    #[error(transparent)]
    Ggml(#[from] GgmlError),
    /// Rows of bytes that are not whole blocks.
    #[error("rows of {bytes} bytes are not whole {kind} blocks of {}", kind.bytes())]
    GgmlRow {
        /// The kind of block.
        kind: GgmlType,
        /// The bytes of a row.
        bytes: usize,
    },
    /// A single number, which has no rows.
    #[error("{kind} blocks are rows of {what}: expected at least one axis")]
    GgmlScalar {
        /// The kind of block.
        kind: GgmlType,
        /// What rows consist of.
        what: &'static str,
    },
    /// A kind of block that is no group format.
    #[error(
        "{kind} is no group format: it has a floating-point minimum, which is not a code; dequantize it instead"
    )]
    GgmlGroups {
        /// The kind of block.
        kind: GgmlType,
    },
    /// Another group format, or another axis, than that of a kind of block.
    #[error("{kind} blocks are {expected} along the last axis, not {found} or another axis")]
    GgmlFormat {
        /// The kind of block.
        kind: GgmlType,
        /// Its format.
        expected: GroupFormat,
        /// The tensor's.
        found: GroupFormat,
    },
}
