//! What can be wrong with an operation on integers.

use fewbit_formats::Format;
use thiserror::Error;

use super::BitGrowth;
use crate::accumulate::bounds::{DataType, Sign};
use crate::kernels::MatmulError;
use crate::tensor::TensorError;

/// Why an operation on [`IntTensor`](super::IntTensor)s has no result.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum IntError {
    /// A shape, axis or parameter that does not fit.
    #[error(transparent)]
    Tensor(Box<TensorError>),
    /// An integer outside the type that is stated.
    #[error("{value} at index {index:?} is no {}", type_name(*data_type))]
    Value {
        /// The integer.
        value: i128,
        /// Where it is.
        index: Vec<usize>,
        /// The type.
        data_type: DataType,
    },
    /// A range that cannot be that of the integers.
    #[error("{low}..={high} is no range for these integers: it must hold all of them and lie within {}", type_name(*data_type))]
    Range {
        /// Its lower end.
        low: i128,
        /// Its upper end.
        high: i128,
        /// The stated type.
        data_type: DataType,
    },
    /// A result that the stated width does not hold.
    #[error(
        "the result {value} at index {index:?} does not fit {}, the type that the rule {growth:?} states for {operation}; \
         BitGrowth::Range states one that no result leaves",
        type_name(*data_type)
    )]
    Growth {
        /// The result.
        value: i128,
        /// Where it is.
        index: Vec<usize>,
        /// The type stated.
        data_type: DataType,
        /// The rule.
        growth: BitGrowth,
        /// The operation.
        operation: &'static str,
    },
    /// A result beyond 64 bits.
    #[error(
        "the result {value} of {operation} at index {index:?} is beyond 64 bits, which integers here have"
    )]
    TooWide {
        /// The result.
        value: i128,
        /// Where it is.
        index: Vec<usize>,
        /// The operation.
        operation: &'static str,
    },
    /// A range of results beyond 127 bits.
    #[error(
        "results of {operation} on operands of these widths can reach beyond 127 bits: state narrower operands"
    )]
    Extent {
        /// The operation.
        operation: &'static str,
    },
    /// A type without values here.
    #[error("an integer type of {bits} bits: expected 1 to 126")]
    Bits {
        /// Its width.
        bits: u32,
    },
    /// Operands of different shapes.
    #[error("{operation} of tensors of shapes {a:?} and {b:?}: expected {expected}")]
    Shapes {
        /// The operation.
        operation: &'static str,
        /// The first operand's.
        a: Vec<usize>,
        /// The second operand's.
        b: Vec<usize>,
        /// What was expected.
        expected: &'static str,
    },
    /// Granularities that have no common one.
    #[error(
        "{operation} of a tensor with {a} and one with {b}: give both the same (`with_granularity`)"
    )]
    Granularities {
        /// The operation.
        operation: &'static str,
        /// The first operand's, in words.
        a: String,
        /// The second operand's, in words.
        b: String,
    },
    /// Scales that must be the same and are not.
    #[error(
        "{operation} needs equal scales, and scale {index} is {a:e} of one operand and {b:e} of the other"
    )]
    Scales {
        /// The operation.
        operation: &'static str,
        /// The index of the scale, row-major.
        index: usize,
        /// The first operand's.
        a: f64,
        /// The second operand's.
        b: f64,
    },
    /// A zero point where there can be none.
    #[error(
        "{operation} needs operands without zero points: subtract them first (`without_zero_point`)"
    )]
    ZeroPoint {
        /// The operation.
        operation: &'static str,
    },
    /// A zero point that is not a whole number.
    #[error("zero point {index} is {value}: {operation} needs whole numbers")]
    FractionalZeroPoint {
        /// The operation.
        operation: &'static str,
        /// The index of the zero point, row-major.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// Scales that differ along an axis that is summed or compared.
    #[error(
        "{operation} takes elements of axis {axis} together, but with {granularity} they have different scales"
    )]
    Contracted {
        /// The operation.
        operation: &'static str,
        /// The axis.
        axis: usize,
        /// The granularity, in words.
        granularity: String,
    },
    /// A scale that does not keep the order of integers.
    #[error("{operation} needs positive scales, and scale {index} is {value:e}")]
    Scale {
        /// The operation.
        operation: &'static str,
        /// The index of the scale, row-major.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// A window that does not fit.
    #[error(
        "a window of {kernel:?} with stride {stride:?} and padding {padding:?} over {extent:?}: {reason}"
    )]
    Window {
        /// Rows and columns of the window.
        kernel: [usize; 2],
        /// Rows and columns between two windows.
        stride: [usize; 2],
        /// Rows and columns added at each side.
        padding: [usize; 2],
        /// Rows and columns there are.
        extent: Vec<usize>,
        /// What is wrong.
        reason: &'static str,
    },
    /// A format that integers cannot be codes of.
    #[error("{0} has no integer codes: expected an integer format")]
    Format(Format),
    /// A product that cannot be computed.
    #[error(transparent)]
    Product(#[from] MatmulError),
}

impl From<TensorError> for IntError {
    fn from(error: TensorError) -> Self {
        Self::Tensor(Box::new(error))
    }
}

/// `int8`, `uint3`.
pub(super) fn type_name(data_type: DataType) -> String {
    let sign = if data_type.sign == Sign::Unsigned { "u" } else { "" };
    format!("{sign}int{}", data_type.bits)
}
