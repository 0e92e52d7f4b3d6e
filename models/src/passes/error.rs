//! Why a pass cannot run.

use fewbit::algorithms::AlgorithmError;
use fewbit::quantize::QuantizeError;
use fewbit::quantize::calibration::CalibrationError;
use thiserror::Error;

use crate::exec::ExecError;
use crate::gradient::GradientError;
use crate::graph::GraphError;
use crate::tensor::TensorError;

/// Why a pass cannot run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PassError {
    /// The graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Running the network on calibration data.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// A gradient of a part of the network.
    #[error(transparent)]
    Gradient(#[from] GradientError),
    /// A tensor of another type or shape.
    #[error("`{name}`: {source}")]
    Tensor {
        /// The value or node.
        name: String,
        /// What is wrong with it.
        source: TensorError,
    },
    /// A quantizer.
    #[error("`{name}`: {source}")]
    Quantize {
        /// The value or node.
        name: String,
        /// What is wrong.
        source: Box<QuantizeError>,
    },
    /// The calibration of a quantizer.
    #[error("`{name}`: {source}")]
    Calibration {
        /// The value or node.
        name: String,
        /// What is wrong.
        source: Box<CalibrationError>,
    },
    /// An algorithm on the weights of a layer.
    #[error("`{name}`: {source}")]
    Algorithm {
        /// The node.
        name: String,
        /// What is wrong.
        source: Box<AlgorithmError>,
    },
    /// Something that is not there.
    #[error("{0}")]
    Missing(String),
}

impl PassError {
    /// A quantizer's error at a value.
    pub(crate) fn quantize(name: &str) -> impl Fn(QuantizeError) -> Self {
        move |source| Self::Quantize { name: name.into(), source: Box::new(source) }
    }

    /// An algorithm's error at a node.
    pub(crate) fn algorithm(name: &str) -> impl Fn(AlgorithmError) -> Self {
        move |source| Self::Algorithm { name: name.into(), source: Box::new(source) }
    }

    /// The error of a calibration at a node.
    pub(crate) fn calibration(name: &str) -> impl Fn(CalibrationError) -> Self {
        move |source| Self::Calibration { name: name.into(), source: Box::new(source) }
    }

    /// A tensor's error.
    pub(crate) fn tensor(name: &str) -> impl Fn(TensorError) -> Self {
        move |source| Self::Tensor { name: name.into(), source }
    }
}
