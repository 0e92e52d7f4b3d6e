//! Why a network cannot run.

use thiserror::Error;

use crate::graph::GraphError;
use crate::tensor::ElementType;

/// Why a network cannot run.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ExecError {
    /// A node.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Another number of inputs.
    #[error("the network has {expected} inputs, and {found} were given")]
    Count {
        /// Inputs of the network.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// An input of another type.
    #[error("input `{name}` has elements of {expected}, and {found} were given")]
    Type {
        /// The input.
        name: String,
        /// Its type.
        expected: ElementType,
        /// What was given.
        found: ElementType,
    },
    /// An input of another shape.
    #[error("input `{name}` has the shape [{expected}], and {found:?} was given")]
    Shape {
        /// The input.
        name: String,
        /// Its shape.
        expected: String,
        /// What was given.
        found: Vec<usize>,
    },
    /// A value that has not been computed.
    #[error("value `{0}` has not been computed")]
    NotComputed(String),
    /// Something that cannot be executed in this way.
    #[error("node `{node}`: {problem}")]
    Node {
        /// The node.
        node: String,
        /// What is wrong.
        problem: String,
    },
}
