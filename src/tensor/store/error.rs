//! What can be wrong with a file of a quantized tensor.

use thiserror::Error;

use crate::tensor::{IntError, TensorError};

/// Why bytes are not a quantized tensor, or a tensor cannot become bytes.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Bytes that are no `.safetensors` file.
    #[error("not a .safetensors file: {0}")]
    NotSafetensors(String),
    /// Tensors that cannot be written.
    #[error("cannot be written: {0}")]
    Write(String),
    /// A file without metadata of ours.
    #[error("its __metadata__ has no `fewbit`: it was not written by `fewbit quantize`")]
    NoMetadata,
    /// Metadata of something else.
    #[error("the metadata under `fewbit` are not those of a quantized array: {0}")]
    Metadata(String),
    /// A format that there is not.
    #[error("`format` in its metadata: {0}")]
    Format(String),
    /// Groups without an axis.
    #[error("its metadata have no `axis`, which groups need")]
    NoAxis,
    /// A group size that is not the format's.
    #[error(
        "`group` in its metadata is {found}, but the groups of {format} have {expected} elements"
    )]
    Group {
        /// The size found.
        found: usize,
        /// The format.
        format: String,
        /// Its size.
        expected: usize,
    },
    /// A tensor that is missing.
    #[error("it has no tensor `{0}`")]
    Missing(String),
    /// A tensor of another type.
    #[error("`{name}` is {found}; {expected} is needed")]
    Type {
        /// Its name.
        name: String,
        /// Its type.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A tensor of another shape.
    #[error("`{name}` has shape {found:?}; {expected:?} is needed")]
    Shape {
        /// Its name.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that it should have.
        expected: Vec<usize>,
    },
    /// A scale that is not what its code stands for.
    #[error("`{name}` is {found:e} at {index:?}, but its code stands for {expected:e}")]
    Disagreement {
        /// The scale's tensor.
        name: String,
        /// What it holds.
        found: f32,
        /// Where.
        index: Vec<usize>,
        /// What the code stands for.
        expected: f32,
    },
    /// Metadata that are not what the tensor needs.
    #[error("`{key}` in its metadata is {found}; {expected} is needed")]
    Entry {
        /// The entry.
        key: String,
        /// Its value, or that there is none.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// A tensor that the metadata do not state.
    #[error("it has a tensor `{0}`, which is not among the `tensors` that its metadata state")]
    Unstated(String),
    /// Contents that are not those that were written.
    #[error(
        "`digest` in its metadata is {found}, but its tensors and metadata have {expected}: they were changed after it was written"
    )]
    Digest {
        /// The digest in the metadata.
        found: String,
        /// That of the contents.
        expected: String,
    },
    /// A file that says nothing by which its contents could be checked.
    #[error(
        "its metadata do not state its `tensors`, and it has no `values` to compare with: quantize anew with this version"
    )]
    Unchecked,
    /// Another kind of tensor than was asked for.
    #[error("it holds {found}; {expected} was expected")]
    Kind {
        /// What it holds.
        found: &'static str,
        /// What was expected.
        expected: &'static str,
    },
    /// Parts that do not fit.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// Integers that do not fit.
    #[error(transparent)]
    Int(Box<IntError>),
}

impl From<IntError> for StoreError {
    fn from(error: IntError) -> Self {
        Self::Int(Box::new(error))
    }
}
