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
    /// Another number of inputs.
    #[error("the network has {expected} inputs, and {found} were given")]
    Count {
        /// Inputs of the network.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// A node that cannot be computed, or a graph that is not in order.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A value that has not been computed.
    #[error("value `{0}` has not been computed")]
    NotComputed(String),
    /// A node that cannot be executed in this way.
    #[error("node `{node}`: {problem}")]
    Node {
        /// The node.
        node: String,
        /// What is wrong.
        problem: String,
    },
}
