//! What is wrong with an operator or its inputs.

use thiserror::Error;

use crate::tensor::TensorError;

/// What is wrong with an operator or its inputs. The graph adds the node's name.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum OpError {
    /// An input that must be there is not.
    #[error("input {index} ({name}) is missing")]
    Missing {
        /// Its place, from 0.
        index: usize,
        /// Its name in ONNX.
        name: &'static str,
    },
    /// An input that is not what the operator takes.
    #[error("input {name}: {source}")]
    Input {
        /// Its name in ONNX.
        name: &'static str,
        /// What is wrong with it.
        source: TensorError,
    },
    /// An attribute that is missing, or of another kind than expected.
    #[error("attribute `{name}`: {problem}")]
    Attribute {
        /// Its name.
        name: String,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// Shapes that do not go together.
    #[error("{0}")]
    Shape(String),
    /// Something that ONNX allows and that is not computed here, named.
    #[error("{0}")]
    Unsupported(String),
}

impl OpError {
    /// An attribute that is wrong.
    pub fn attribute(name: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Attribute { name: name.into(), problem: problem.into() }
    }
}
