//! A name that no row has.

use thiserror::Error;

/// A name that no row has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no preset `{name}`; there are {known}")]
pub struct UnknownDatapath {
    name: String,
    known: String,
}

impl UnknownDatapath {
    pub(super) fn new<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known = known.collect::<Vec<_>>().join(", ");
        Self { name: name.into(), known }
    }
}
