//! What is wrong with a graph.

use thiserror::Error;

use crate::ops::OpError;

/// What is wrong with a graph.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum GraphError {
    /// A node cannot be computed.
    #[error("node `{node}` ({op}): {source}")]
    Node {
        /// Its name.
        node: String,
        /// Its operator.
        op: &'static str,
        /// What is wrong.
        source: OpError,
    },
    /// A name that two values or two nodes have.
    #[error("two {what} have the name `{name}`")]
    Duplicate {
        /// `values` or `nodes`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A value that two nodes compute, or that is an input or initializer and computed too.
    #[error("value `{0}` is computed twice")]
    ComputedTwice(String),
    /// A value that nothing computes.
    #[error("value `{0}` is used, and neither an input nor an initializer nor computed by a node")]
    NoProducer(String),
    /// Nodes that need each other.
    #[error("node `{0}` needs its own output")]
    Cycle(String),
    /// No value of this name.
    #[error("there is no value `{name}`: {expected}")]
    UnknownValue {
        /// The name.
        name: String,
        /// The names that there are.
        expected: String,
    },
}
