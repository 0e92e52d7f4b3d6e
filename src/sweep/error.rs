//! Why a network cannot be quantized or run.

use thiserror::Error;

use crate::MatmulError;
use crate::accumulate::AccumulatorError;
use crate::accumulate::bounds::BoundsError;
#[cfg(feature = "algorithms")]
use crate::algorithms::layer::LayerError;
use crate::quantize::QuantizeError;

/// Why a network cannot be quantized or run.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SweepError {
    /// Numbers that cannot be quantized.
    #[error(transparent)]
    Quantize(Box<QuantizeError>),
    /// A layer that cannot be quantized for an accumulator.
    #[cfg(feature = "algorithms")]
    #[error(transparent)]
    Layer(Box<LayerError>),
    /// A product that cannot be computed.
    #[error(transparent)]
    Product(#[from] MatmulError),
    /// Weights that have no bounds.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// A template without an accumulator of some width.
    #[error(transparent)]
    Accumulator(#[from] AccumulatorError),
    /// No layers.
    #[error("a network needs at least one layer")]
    NoLayers,
    /// A matrix without rows or without columns.
    #[error("{what} are {rows}x{columns}: expected at least one row and one column")]
    Empty {
        /// Which matrix.
        what: &'static str,
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// What goes into a layer is not what it takes.
    #[error("{what} have {found} columns: expected the {expected} inputs of layer {layer}")]
    Inputs {
        /// What goes in.
        what: &'static str,
        /// Its columns.
        found: usize,
        /// Inputs of the layer.
        expected: usize,
        /// Number of the layer, from 0.
        layer: usize,
    },
    /// A bias that is not one number per output.
    #[error("layer {layer} has {outputs} outputs and {biases} biases: expected as many")]
    Biases {
        /// Number of the layer, from 0.
        layer: usize,
        /// Rows of its weights.
        outputs: usize,
        /// Its biases.
        biases: usize,
    },
    /// Labels that are not one per sample.
    #[error("there are {labels} labels for {samples} samples: expected as many")]
    Labels {
        /// Labels given.
        labels: usize,
        /// Rows of the inputs.
        samples: usize,
    },
}

impl From<QuantizeError> for SweepError {
    fn from(error: QuantizeError) -> Self {
        Self::Quantize(Box::new(error))
    }
}

#[cfg(feature = "algorithms")]
impl From<LayerError> for SweepError {
    fn from(error: LayerError) -> Self {
        Self::Layer(Box::new(error))
    }
}
