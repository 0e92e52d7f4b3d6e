//! What can be wrong with a quantized tensor.

use fewbit_formats::ggml::{GgmlError, GgmlType};
use fewbit_formats::{Format, GroupFormat};
use thiserror::Error;

use crate::layout::AxisError;

use crate::convert::ConvertError;

/// Why a quantized tensor cannot be made, taken apart or combined.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum TensorError {
    /// An axis that there is not.
    #[error(transparent)]
    Axis(#[from] AxisError),
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
        "{start}..{end} is not a part of axis {axis}: expected a range within 0..{extent} that begins at a multiple of \
         {unit}, or lies between two of them"
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
        /// Elements of what must not be cut: a group, or all groups that share an outer scale.
        unit: usize,
    },
    /// An order of axes that leaves one out or names one twice.
    #[error("{order:?} is no order of {axes} axes: expected each of 0 to {axes}-1 once")]
    Permutation {
        /// The order.
        order: Vec<usize>,
        /// How many axes there are.
        axes: usize,
    },
    /// A shape in which elements that share a scale are not those of any granularity.
    #[error(
        "a tensor of shape {from:?} with {granularity} cannot take shape {to:?}: there no granularity keeps every \
         element at its scale; give scales to smaller groups first (`with_granularity`)"
    )]
    Reshape {
        /// The shape it has.
        from: Vec<usize>,
        /// The shape asked for.
        to: Vec<usize>,
        /// The granularity, in words.
        granularity: String,
    },
    /// A granularity that is not finer than the tensor's.
    #[error(
        "a tensor of shape {shape:?} with {from} cannot have {to}: elements of different scales would share one"
    )]
    Refine {
        /// The tensor's granularity, in words.
        from: String,
        /// The granularity asked for, in words.
        to: String,
        /// The tensor's shape.
        shape: Vec<usize>,
    },
    /// No tensor to join.
    #[error("there is no tensor to concatenate: expected at least one")]
    ConcatenateNothing,
    /// A tensor that cannot stand behind the first.
    #[error("tensor {tensor} cannot be joined along axis {axis}: {reason}")]
    Concatenate {
        /// The axis.
        axis: isize,
        /// Which tensor, counted from 0.
        tensor: usize,
        /// Why.
        reason: String,
    },
    /// A value whose negative the format does not have.
    #[error(
        "{value} at index {index:?} has no negative in {format}; take `to_int` and negate that"
    )]
    Negate {
        /// The value of the code.
        value: f64,
        /// Where it is.
        index: Vec<usize>,
        /// The format.
        format: Format,
    },
    /// Codes around a zero point.
    #[error(
        "codes with a zero point have no negatives in their format; take `to_int` and negate that"
    )]
    NegateZeroPoint,
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
    /// Scales that are numbers, where a kind of block has codes.
    #[error(
        "{kind} blocks are {expected}: expected a tensor of that format, whose scales are codes"
    )]
    GgmlNumbers {
        /// The kind of block.
        kind: GgmlType,
        /// Its format.
        expected: GroupFormat,
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
