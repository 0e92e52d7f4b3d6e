//! What is wrong with an ONNX file.

use std::path::PathBuf;

use thiserror::Error;

use crate::graph::GraphError;
use crate::ops::OpError;

/// What is wrong with an ONNX file, or with a graph that is to become one.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// A file that cannot be read or written.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// Bytes that are no model.
    #[error("this is no ONNX model: {0}")]
    Decode(String),
    /// A version of the operators that is not supported.
    #[error("operator set {found} of ONNX: 7 to 25 are supported")]
    Opset {
        /// What the file says.
        found: i64,
    },
    /// Operators that there are none of; all of them.
    #[error("unknown operators: {}", list(.0))]
    UnknownOperators(Vec<UnknownOperator>),
    /// A node calls a function that the file defines.
    #[error("`{0}` is a function that the file defines: export the model with functions inlined")]
    Function(String),
    /// A tensor that cannot be.
    #[error("tensor `{name}`: {problem}")]
    Tensor {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A value that cannot be.
    #[error("value `{name}`: {problem}")]
    Value {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A node that cannot be.
    #[error("node `{node}` ({op}): {source}")]
    Node {
        /// Its name.
        node: String,
        /// Its operator.
        op: String,
        /// What is wrong with it.
        source: OpError,
    },
    /// What the nodes do not make together.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// An operator that there is none of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOperator {
    /// Its domain.
    pub domain: String,
    /// Its name.
    pub name: String,
    /// The first node of it.
    pub node: String,
}

fn list(unknown: &[UnknownOperator]) -> String {
    let one = |op: &UnknownOperator| {
        let domain = if op.domain.is_empty() { "ai.onnx" } else { &op.domain };
        format!("{domain}.{} (node `{}`)", op.name, op.node)
    };
    unknown.iter().map(one).collect::<Vec<_>>().join(", ")
}
