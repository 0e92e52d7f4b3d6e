//! What is wrong with a GGUF file.

use std::path::PathBuf;

use thiserror::Error;

/// What is wrong with a GGUF file, or with what is to become one.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum GgufError {
    /// A file that cannot be read.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// What the system says in the middle of a file.
    #[error("GGUF: {0}")]
    Io(String),
    /// Bytes that are no GGUF file.
    #[error("this is no GGUF file: it begins with {0:02x?} and not with \"GGUF\"")]
    Magic([u8; 4]),
    /// A version that is not read.
    #[error("version {0} of GGUF: 2 and 3 are supported, little-endian")]
    Version(u32),
    /// A file that ends too early, or a length that is too large.
    #[error(
        "the file is truncated or broken: {what} takes {needed} bytes from {at} on, and the file has {length}"
    )]
    Truncated {
        /// What does not fit.
        what: String,
        /// Where it begins.
        at: u64,
        /// How many bytes it takes.
        needed: u128,
        /// How many bytes the file has.
        length: u64,
    },
    /// An entry of the metadata.
    #[error("metadata `{}`: {problem}", shown(key))]
    Metadata {
        /// Its key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A tensor.
    #[error("tensor `{}`: {problem}", shown(name))]
    Tensor {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A type of elements that there is not.
    #[error("unknown type `{}`: expected one of {expected}", shown(found))]
    UnknownType {
        /// The name.
        found: String,
        /// The names that there are.
        expected: String,
    },
    /// Values that a type of elements does not hold.
    #[error("{kind}: {problem}")]
    Encode {
        /// The type.
        kind: &'static str,
        /// What is wrong with the values.
        problem: String,
    },
}

impl GgufError {
    pub(super) fn metadata(key: &str, problem: impl Into<String>) -> Self {
        Self::Metadata { key: key.into(), problem: problem.into() }
    }

    pub(super) fn tensor(name: &str, problem: impl Into<String>) -> Self {
        Self::Tensor { name: name.into(), problem: problem.into() }
    }
}

/// A name from a file as a part of one line of reasonable length.
fn shown(name: &str) -> String {
    const LONGEST: usize = 96;
    let mut text: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().nth(LONGEST).is_some() {
        text.push_str("...");
    }
    text
}
