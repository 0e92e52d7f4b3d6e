//! What a file format cannot express.

use thiserror::Error;

use crate::graph::GraphError;

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
}
