//! How a command ends.

use std::path::PathBuf;

use fewbit::accumulate::AccumulatorError;
use fewbit::accumulate::bounds::BoundsError;
use fewbit::algorithms::AlgorithmError;
use fewbit::algorithms::layer::LayerError;
use fewbit::quantize::QuantizeError;
use fewbit::reference::ReferenceError;
use fewbit::sweep::SweepError;
use fewbit::tensor::TensorError;
use fewbit::vectors::VectorError;
use fewbit::{FloatMatmulError, MatmulError};
use thiserror::Error;

use crate::digits::DigitsError;

/// A command that did what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit code 0.
    Done,
    /// What was compared is different: exit code 1.
    Different,
}

impl Outcome {
    /// The exit code.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Different => 1,
        }
    }
}

/// A command that could not do what it was asked to; shown as one line on standard error, exit code 2.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    /// Arguments that do not parse.
    #[error("{0}")]
    Arguments(String),
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// A file that cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    /// Two outputs that would overwrite each other.
    #[error("{} is named for two different outputs", .0.display())]
    SameOutput(PathBuf),
    /// A file that is not the array that it should be.
    #[error("{}: {reason}", path.display())]
    Array { path: PathBuf, reason: String },
    /// Standard output that cannot be written.
    #[error("cannot write to standard output: {0}")]
    Stdout(std::io::Error),
    /// What memory cannot hold.
    #[error("{what} would take {needed}, and {free} of memory are free: {remedy}")]
    Memory { what: String, needed: String, free: String, remedy: String },
    /// More threads than are worth while.
    #[error("RAYON_NUM_THREADS is {found}: expected at most {most} threads")]
    ThreadVariable { found: String, most: u16 },
    /// Signals that the system does not hand over.
    #[error("cannot watch for signals: {0}")]
    Signals(std::io::Error),
    /// Threads that the system does not give.
    #[error("cannot start the worker threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A product that cannot be computed.
    #[error(transparent)]
    Product(#[from] MatmulError),
    /// A product through float registers that cannot be computed.
    #[error(transparent)]
    FloatProduct(#[from] FloatMatmulError),
    /// An integer product from starting values that cannot be computed.
    #[error(transparent)]
    Stepped(#[from] ReferenceError),
    /// An output that the product does not have.
    #[error(
        "there is no output ({row}, {col}): the product is {m}x{n}, rows and columns count from 0"
    )]
    Output { row: usize, col: usize, m: usize, n: usize },
    /// An accumulator that is none.
    #[error(transparent)]
    Accumulator(#[from] AccumulatorError),
    /// Weights and inputs that have no bounds.
    #[error(transparent)]
    Bounds(#[from] BoundsError),
    /// Numbers that cannot be quantized.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// Codes and scales that make no tensor.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// An array that is not a matrix.
    #[error("an array has another shape than expected: {0}")]
    Shape(#[from] ndarray::ShapeError),
    /// Carried data that cannot be used.
    #[error(transparent)]
    Digits(#[from] DigitsError),
    /// More calibration images than there are, or none.
    #[error("cannot calibrate on {asked} images: expected 1 to the {there} training images")]
    Calibration { asked: usize, there: usize },
    /// A layer whose weights and inputs do not fit.
    #[error(
        "the weights are {}x{} and the inputs {}x{}: the columns of both must be the layer's inputs",
        weights.0, weights.1, inputs.0, inputs.1
    )]
    Layer { weights: (usize, usize), inputs: (usize, usize) },
    /// Weights that an algorithm cannot choose codes for.
    #[error(transparent)]
    Algorithm(#[from] AlgorithmError),
    /// A layer that cannot be quantized.
    #[error(transparent)]
    QuantizedLayer(Box<LayerError>),
    /// A network that cannot be quantized or run.
    #[error(transparent)]
    Network(Box<SweepError>),
    /// A network that cannot be quantized for an accumulator.
    #[error("with a guarantee: {0}; `--constraint none` measures without one")]
    Guarantee(Box<SweepError>),
    /// Vectors that cannot be made.
    #[error(transparent)]
    Vectors(Box<VectorError>),
    /// A graph of a network that cannot be read, quantized or run.
    #[cfg(feature = "networks")]
    #[error(transparent)]
    Graph(Box<crate::networks::NetworkError>),
    /// A picture that cannot be drawn.
    #[error("cannot draw the picture: {0}")]
    Picture(String),
    /// A result that cannot be written as JSON.
    #[error("cannot write the result as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

#[cfg(feature = "networks")]
impl From<crate::networks::NetworkError> for CliError {
    fn from(error: crate::networks::NetworkError) -> Self {
        Self::Graph(Box::new(error))
    }
}

impl From<LayerError> for CliError {
    fn from(error: LayerError) -> Self {
        Self::QuantizedLayer(Box::new(error))
    }
}

impl From<SweepError> for CliError {
    fn from(error: SweepError) -> Self {
        Self::Network(Box::new(error))
    }
}

impl From<VectorError> for CliError {
    fn from(error: VectorError) -> Self {
        Self::Vectors(Box::new(error))
    }
}

impl CliError {
    /// The exit code of every error: bad input.
    pub(crate) const EXIT_CODE: u8 = 2;
}
