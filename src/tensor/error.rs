//! What can be wrong with a quantized tensor.

use fewbit_formats::Format;
use thiserror::Error;

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
}
