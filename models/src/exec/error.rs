//! What goes wrong where a network runs.

use thiserror::Error;

use crate::graph::GraphError;

/// What goes wrong where a network runs.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ExecError {
    /// An input that is not what the network takes.
    #[error("input `{name}`: {problem}")]
    Input {
        /// Its name.
        name: String,
        /// What is wrong with it, and what was expected.
        problem: String,
    },
    /// A node that cannot be computed, or a graph that is not in order.
    #[error(transparent)]
    Graph(#[from] GraphError),
}
