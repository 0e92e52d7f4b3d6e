//! What a pass did.

use serde::Serialize;

/// What a pass did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PassReport {
    /// Its name.
    pub name: &'static str,
    /// How many places it changed; 0 says that there was nothing to do.
    pub changed: usize,
    /// What it changed, in words.
    pub detail: String,
}

impl PassReport {
    /// A pass that changed so many things of this kind.
    #[must_use]
    pub fn new(name: &'static str, changed: usize, things: &str) -> Self {
        let detail = match changed {
            0 => format!("nothing to do: no {things}"),
            n => format!("{n} {things}"),
        };
        Self { name, changed, detail }
    }
}
