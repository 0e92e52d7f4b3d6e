//! Why a layer cannot compute.

use fewbit::quantize::QuantizeError;
use thiserror::Error;

use crate::ops::OpError;
use crate::tensor::TensorError;

/// Why a layer cannot compute.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum LayerError {
    /// A quantizer.
    #[error("the {what} quantizer: {source}")]
    Quantize {
        /// Which one.
        what: &'static str,
        /// What is wrong.
        source: Box<QuantizeError>,
    },
    /// The operator.
    #[error(transparent)]
    Op(#[from] OpError),
    /// An operand of another type or shape.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// Values of a shape that the layer does not take.
    #[error("shapes: {0}")]
    Shape(String),
    /// Something that an execution in integers needs.
    #[error("{0}")]
    Integer(String),
}

impl LayerError {
    /// The error of one of a layer's quantizers.
    pub(super) fn quantize(what: &'static str, source: QuantizeError) -> Self {
        Self::Quantize { what, source: Box::new(source) }
    }
}
