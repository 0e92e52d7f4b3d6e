//! What can be wrong with a quantizer or with what it is given.

use fewbit_formats::{EncodeError, Format, GroupError, GroupFormat, Overflow, Rounding};
use thiserror::Error;

use crate::tensor::TensorError;

/// Why a quantizer cannot be made or a tensor cannot be quantized.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum QuantizeError {
    /// A shape, axis or group size that does not fit.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// A number outside the range that makes sense for it.
    #[error("{what} is {value}: expected {expected}")]
    Number {
        /// What the number is.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What was expected.
        expected: &'static str,
    },
    /// Groups far longer than the axis, that were to be filled with zeros.
    #[error(
        "groups of {size} elements along an axis of {length} cannot be filled with zeros: expected at most {most} or the axis's length"
    )]
    GroupOfZeros {
        /// Elements of a group.
        size: usize,
        /// Elements of the axis.
        length: usize,
        /// The longest group that is filled beyond the axis.
        most: usize,
    },
    /// A zero point for a format that has no place for one.
    #[error("{0} is not an integer format: expected a quantizer without a zero point")]
    ZeroPoint(Format),
    /// A dead zone in a format that has none.
    #[error("{0} has no dead zone: expected ternary")]
    DeadZone(Format),
    /// A quantizer whose scales are codes of a group format, with something that the format does not have.
    #[error(
        "the scales are codes of {format}, and the {what} is {found}: expected that of the format"
    )]
    GroupFormat {
        /// The format of the groups.
        format: GroupFormat,
        /// What does not fit.
        what: &'static str,
        /// What it is.
        found: String,
    },
    /// A name that no preset has.
    #[error("`{found}` is no preset of quantizers: expected a name of `Preset::all`{near}")]
    Preset {
        /// The name.
        found: String,
        /// Names that begin alike, in parentheses; empty where there are none.
        near: String,
    },
    /// A policy for groups that cannot be followed.
    #[error(transparent)]
    GroupPolicy(#[from] GroupError),
    /// Something that the quantizer must be given and that was not.
    #[error("{what} is missing: {remedy}")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// How to give it.
        remedy: &'static str,
    },
    /// A field that a description does not have, or a value that it cannot have.
    #[error("{0}")]
    Description(String),
    /// An overflow policy that the format cannot follow here.
    #[error(
        "overflow policy `{overflow}` cannot be used with {format} in a quantizer: expected {expected}"
    )]
    Overflow {
        /// The policy.
        overflow: Overflow,
        /// The format.
        format: Format,
        /// The policies that can be used.
        expected: &'static str,
    },
    /// A rounding mode that cannot be used for scales.
    #[error(
        "a scale's exponent cannot be rounded with `{0}`: expected `down`, `up` or `ties-even`"
    )]
    ScaleRounding(Rounding),
    /// A value that the format and the policies refuse.
    #[error("element {index:?}: {source}")]
    Encode {
        /// Where it is.
        index: Vec<usize>,
        /// What is wrong with it.
        source: EncodeError,
    },
    /// A percentile that falls below the first element.
    #[error(
        "percentile {percentile} of {count} elements is element number 0: expected at least number 1 (a larger \
         percentile, or more elements)"
    )]
    Percentile {
        /// The percentile.
        percentile: f64,
        /// The number of elements it is taken of.
        count: usize,
    },
    /// A statistic that is not defined for the granularity.
    #[error("{statistic} is not defined for {granularity}: expected {expected}")]
    Statistic {
        /// The statistic.
        statistic: String,
        /// The granularity, in words.
        granularity: String,
        /// What it is defined for.
        expected: &'static str,
    },
}
