//! What a file format cannot express.

use thiserror::Error;

use crate::gguf::GgufError;
use crate::graph::GraphError;
use crate::onnx::OnnxError;

/// What a file format cannot express.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A quantizer.
    #[error("quantizer `{node}`: {problem}")]
    Quantizer {
        /// Its node.
        node: String,
        /// What cannot be expressed, and where.
        problem: String,
    },
    /// The graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A model's file.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// A GGUF file.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// A weight.
    #[error("`{name}`: {problem}")]
    Weight {
        /// Its name.
        name: String,
        /// What cannot be expressed, and what would be.
        problem: String,
    },
    /// What is no longer the architecture that a file format has a name for.
    #[error("GGUF files hold plain `{architecture}` models: {problem}")]
    Structure {
        /// The architecture.
        architecture: String,
        /// What the network has that the architecture has not, or the other way.
        problem: String,
    },
    /// What the source of the model does not give.
    #[error("{0}")]
    Checkpoint(String),
}
