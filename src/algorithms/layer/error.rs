//! Why a layer cannot be quantized or judged.

use fewbit_formats::Format;
use thiserror::Error;

use crate::MatmulError;
use crate::accumulate::bounds::BoundsError;
use crate::algorithms::AlgorithmError;
use crate::quantize::QuantizeError;
use crate::tensor::TensorError;

/// Why a layer cannot be quantized or judged.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum LayerError {
    /// What an algorithm refuses.
    #[error(transparent)]
    Algorithm(Box<AlgorithmError>),
    /// Numbers that cannot be quantized.
    #[error(transparent)]
    Quantize(Box<QuantizeError>),
    /// Codes and scales that make no tensor.
    #[error(transparent)]
    Tensor(Box<TensorError>),
    /// Weights and inputs that have no bounds.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// A product that cannot be computed.
    #[error(transparent)]
    Product(#[from] MatmulError),
    /// Weights and inputs that do not fit.
    #[error(
        "the weights are {}x{} and the inputs {}x{}: the columns of both must be the layer's inputs",
        weights.0, weights.1, inputs.0, inputs.1
    )]
    Inputs {
        /// Outputs and inputs of the weights.
        weights: (usize, usize),
        /// Samples and inputs.
        inputs: (usize, usize),
    },
    /// Scales of another shape than weights and sharing need.
    #[error("the scales have shape {found:?}; scales of shape {expected:?} are needed")]
    ScaleShape {
        /// Of the scales.
        found: Vec<usize>,
        /// Needed, but for axes of one element.
        expected: Vec<usize>,
    },
    /// A scale that divides nothing.
    #[error("one of the scales is {0}; scales are finite and not 0")]
    Scale(f32),
    /// A search for scales of a format with zero points.
    #[error(
        "the scale rule {scale} is for formats without zero points, as int4; {format} has them"
    )]
    ZeroPoints {
        /// The rule.
        scale: &'static str,
        /// The format.
        format: Format,
    },
    /// Scales of rows for all weights at once.
    #[error("the scale rule {0} finds scales of rows: expected a scale per channel or group")]
    SharedByRows(&'static str),
    /// Scales of groups that cannot be chosen one by one.
    #[error(
        "the scales of {0} are chosen by its own rule: loss and constrained are for group formats without zero points whose \
         outer scale, if any, is one for all"
    )]
    ScaleOfFormat(String),
    /// A choice of data types among none.
    #[error(
        "there are no data types to choose from: expected a format of weights and one of activations"
    )]
    NoTypes,
    /// Scales under a constraint where there is none.
    #[error(
        "the scale rule constrained needs an accumulator to keep from overflowing; without one there is loss"
    )]
    Unconstrained,
    /// Scales that are codes, for an algorithm that chooses them freely.
    #[error(
        "beacon chooses scales freely, and those of {0} are codes: expected a scalar format, as int4"
    )]
    FixedScales(String),
    /// A projection without a register to project for.
    #[error(
        "{0} projects onto what an accumulator holds: expected one with an integer register first, as int16-sat or \
         int16-sat/64,int24-sat"
    )]
    NoRegister(&'static str),
    /// An accumulator that does not sum integers.
    #[error(
        "{0} has a floating-point stage; the codes of a layer are summed through int<P>-wrap, int<P>-sat and exact \
         stages"
    )]
    FloatStage(String),
    /// Weights that an accumulator of integers cannot sum.
    #[error(
        "the values of {0} are no integers that an accumulator could sum: expected a narrower format, or activations for \
         the values of the inputs alone, without an accumulator"
    )]
    NoIntegers(String),
}

impl From<AlgorithmError> for LayerError {
    fn from(error: AlgorithmError) -> Self {
        Self::Algorithm(Box::new(error))
    }
}

impl From<QuantizeError> for LayerError {
    fn from(error: QuantizeError) -> Self {
        Self::Quantize(Box::new(error))
    }
}

impl From<TensorError> for LayerError {
    fn from(error: TensorError) -> Self {
        Self::Tensor(Box::new(error))
    }
}
