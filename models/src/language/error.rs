//! Why a checkpoint or a tokenizer cannot be used.

use std::path::PathBuf;

use thiserror::Error;

use crate::exec::ExecError;
use crate::gguf::GgufError;
use crate::graph::GraphError;

/// Why a checkpoint or a tokenizer cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LanguageError {
    /// A family of models that there is not.
    #[error("the architecture is `{}`: expected one of {expected}", found.escape_debug())]
    Architecture {
        /// What the checkpoint says.
        found: String,
        /// The families that there are.
        expected: String,
    },
    /// A file that cannot be read.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// A key of the configuration that is missing or cannot be.
    #[error("`{key}`: {problem}")]
    Config {
        /// The key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A weight that is missing or cannot be.
    #[error("tensor `{name}`: {problem}")]
    Tensor {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A tokenizer that is missing or cannot be.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// A GGUF file.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// A graph that takes no tokens or gives no logits.
    #[error("the network is no language model: {0}")]
    Interface(String),
    /// Tokens that cannot be.
    #[error("{0}")]
    Tokens(String),
    /// The graph of the model.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// Running it.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

impl LanguageError {
    pub(super) fn tokenizer(problem: impl ToString) -> Self {
        Self::Tokenizer(problem.to_string())
    }
}
