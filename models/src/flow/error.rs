//! Why a flow cannot run.

use fewbit::accumulate::AccumulatorError;
use fewbit::quantize::QuantizeError;
use thiserror::Error;

use crate::exec::ExecError;
use crate::graph::GraphError;
use crate::passes::PassError;

/// Why a flow cannot run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FlowError {
    /// A key that there is not.
    #[error("there is no key `{key}`: {nearest}")]
    UnknownKey {
        /// The key.
        key: String,
        /// The nearest ones.
        nearest: String,
    },
    /// A value that a key cannot have.
    #[error("`{key}` is {value}: {problem}")]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Keys that do not go together.
    #[error("{0}")]
    Combination(String),
    /// A pass.
    #[error(transparent)]
    Pass(Box<PassError>),
    /// The graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Running the network.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// A quantizer that cannot be.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// An accumulator that cannot be.
    #[error(transparent)]
    Accumulator(#[from] AccumulatorError),
    /// Data that do not fit.
    #[error("{0}")]
    Data(String),
}

impl From<PassError> for FlowError {
    fn from(error: PassError) -> Self {
        Self::Pass(Box::new(error))
    }
}
