//! A text that names none of what it should.

use thiserror::Error;

/// Why a text is no choice for a layer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is none of {expected}")]
pub struct LayerNameError {
    /// The text.
    pub text: String,
    /// What there is.
    pub expected: &'static str,
}

impl LayerNameError {
    pub(super) fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.into(), expected }
    }
}
