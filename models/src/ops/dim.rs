//! Extents of axes, as far as they are known before a network runs.

use std::fmt;
use std::sync::Arc;

/// The extent of an axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dim {
    /// A number.
    Size(usize),
    /// The same number wherever the name stands, such as the batch.
    Named(Arc<str>),
    /// Whatever comes.
    Unknown,
}

impl Dim {
    /// The number, if it is one.
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Size(size) => Some(*size),
            Self::Named(_) | Self::Unknown => None,
        }
    }
}

impl From<usize> for Dim {
    fn from(size: usize) -> Self {
        Self::Size(size)
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => size.fmt(f),
            Self::Named(name) => f.pad(name),
            Self::Unknown => f.pad("?"),
        }
    }
}
