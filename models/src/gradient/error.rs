//! Why there is no gradient.

use thiserror::Error;

use crate::exec::ExecError;
use crate::graph::GraphError;
use crate::ops::OpError;

/// Why there is no gradient.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum GradientError {
    /// A graph that is not in order.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The network cannot be computed.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// An operator without a rule, or one that does not hold for its attributes.
    #[error("no gradient through node `{node}` ({op}): {source}")]
    Operator {
        /// The node.
        node: String,
        /// Its operator.
        op: &'static str,
        /// What there is no gradient for.
        source: OpError,
    },
    /// A value that has not been computed.
    #[error("value `{0}` has not been computed")]
    NotComputed(String),
    /// A gradient of another shape than its value.
    #[error("the gradient of `{name}` has shape {found:?}: expected {expected:?}")]
    Shape {
        /// The value.
        name: String,
        /// Its shape.
        expected: Vec<usize>,
        /// That of the gradient.
        found: Vec<usize>,
    },
    /// Targets that do not fit what is compared with them.
    #[error("{0}")]
    Target(String),
}
