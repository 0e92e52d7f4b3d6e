//! What can be wrong with a calibration.

use thiserror::Error;

use super::Average;
use crate::quantize::QuantizeError;
use crate::tensor::TensorError;

/// Why batches cannot be observed, merged, or made a statistic of.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// A batch without elements, or without the axis of the scales.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// A number or a quantizer that cannot be used.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// A batch whose scales are not those of the ones before.
    #[error(
        "a batch of shape {shape:?} has scales of shape {found:?}: those of the first batch have shape {expected:?}"
    )]
    Scales {
        /// The batch's shape.
        shape: Vec<usize>,
        /// The shape of its scales.
        found: Vec<usize>,
        /// The shape of the scales so far.
        expected: Vec<usize>,
    },
    /// A statistic of another kind of group.
    #[error("{0} is not a statistic of one group: it cannot be calibrated")]
    Statistic(String),
    /// No batch at all.
    #[error("no batch has been observed: expected at least one")]
    NoBatch,
    /// Two calibrators that do other things.
    #[error("calibrators with another method or granularity cannot be merged")]
    Different,
    /// An average that depends on the order.
    #[error(
        "the average {0:?} depends on the order of batches, which two calibrators do not share: use Average::Mean"
    )]
    Order(Average),
    /// A number of bins that does not halve.
    #[error("{0} bins: expected a power of two from 2 to 2^20")]
    Bins(u32),
    /// A momentum outside its range.
    #[error("the momentum is {0}: expected more than 0 and at most 1")]
    Momentum(f64),
    /// A quantizer of several scales where one group is at hand.
    #[error(
        "the quantizer of an MSE search has {0}: expected one scale, for the group that is searched"
    )]
    Granularity(String),
}
