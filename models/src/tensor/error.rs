//! What a tensor is not.

use thiserror::Error;

use super::element_type::ElementType;

/// Why a tensor does not serve.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TensorError {
    /// Another type.
    #[error("elements are {found}: expected {expected}")]
    Type {
        /// What is asked for.
        expected: ElementType,
        /// What there is.
        found: ElementType,
    },
    /// A type that is no number of any kind asked for.
    #[error("elements are {found}: expected {expected}")]
    Kind {
        /// What is asked for.
        expected: &'static str,
        /// What there is.
        found: ElementType,
    },
    /// Another shape.
    #[error("the shape is {found:?}: expected {expected}")]
    Shape {
        /// What is asked for.
        expected: String,
        /// What there is.
        found: Vec<usize>,
    },
}
