//! Why slices cannot be requantized.

use fewbit_formats::IntFormat;
use thiserror::Error;

use crate::requantize::RequantizeValueError;

/// Why slices cannot be requantized.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequantizeSliceError {
    /// Slices of different lengths.
    #[error("{from} values cannot become {to} outputs: expected as many")]
    Length {
        /// Values.
        from: usize,
        /// Outputs.
        to: usize,
    },
    /// Values that are no whole number of rows.
    #[error(
        "{length} values are no whole number of rows of {channels} channels: the last axis must have {channels}"
    )]
    Channels {
        /// Values.
        length: usize,
        /// Channels.
        channels: usize,
    },
    /// Outputs of a type that does not hold the format.
    #[error("{storage} does not hold {format}, {least} to {most}", least = IntFormat::min(*format), most = IntFormat::max(*format))]
    Storage {
        /// The output's format.
        format: IntFormat,
        /// The type.
        storage: &'static str,
    },
    /// A value that is refused: the first one.
    #[error("the value at index {index} cannot be requantized: {source}")]
    Value {
        /// Its index.
        index: usize,
        /// Why.
        source: RequantizeValueError,
    },
}
