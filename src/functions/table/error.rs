//! Why something is no table, or has no entry.

use fewbit_formats::{EncodeError, FormatError, UnknownName};
use thiserror::Error;

/// Why a text is no table, or why its parts do not fit.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum TableError {
    /// A name that nothing of that kind has.
    #[error("`{found}` is no {kind}: expected {expected}")]
    Name {
        /// What it should have been the name of.
        kind: &'static str,
        /// The name.
        found: String,
        /// The names there are.
        expected: String,
    },
    /// A part of a description that has no meaning.
    #[error(
        "`{0}` is no part of a table: expected a function, then parts as in=int8*0.1, out=int8*0.0078125@-3, address=slice7:0"
    )]
    Part(String),
    /// A part that is there twice.
    #[error("`{0}` is there twice in one table")]
    Twice(String),
    /// A part that is missing.
    #[error("a table needs {0}")]
    Missing(&'static str),
    /// A format that there is not.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A mode or policy that there is not.
    #[error(transparent)]
    Mode(#[from] UnknownName),
    /// A number out of range.
    #[error("the {what} `{found}` of a table is out of range: expected {expected}")]
    Number {
        /// Which number.
        what: &'static str,
        /// The number.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Parts that cannot go together.
    #[error("{what} cannot go with {with}: {remedy}")]
    Together {
        /// One part.
        what: String,
        /// The other one.
        with: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A function of which a stack has no table.
    #[error(
        "there is no `{function}` in the arithmetic of {evaluation}: expected {expected}; f64 has every function"
    )]
    Function {
        /// The function.
        function: &'static str,
        /// Whose arithmetic.
        evaluation: &'static str,
        /// Those that there are.
        expected: String,
    },
    /// An entry that the format refuses.
    #[error(
        "the entry {index} is the function of {input:e}, {value:e}: {source}; another overflow or NaN policy takes it"
    )]
    Entry {
        /// Its index.
        index: usize,
        /// Where the function was taken.
        input: f64,
        /// The function there.
        value: f64,
        /// Why.
        source: EncodeError,
    },
}

impl TableError {
    pub(super) fn name(kind: &'static str, found: &str, names: &[&str]) -> Self {
        Self::Name { kind, found: excerpt(found), expected: names.join(", ") }
    }

    pub(super) fn number(what: &'static str, found: impl ToString, expected: &'static str) -> Self {
        Self::Number { what, found: excerpt(&found.to_string()), expected }
    }

    pub(super) fn together(what: impl ToString, with: impl ToString, remedy: &'static str) -> Self {
        Self::Together { what: what.to_string(), with: with.to_string(), remedy }
    }
}

/// The beginning of a text that errors repeat.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Why an input has no entry.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum LookUpError {
    /// An input beyond a table that refuses such.
    #[error(
        "the input {input:e} is outside of the table, {least:e} to {most:e}; outside=clamp or outside=wrap takes it"
    )]
    Outside {
        /// The input's value.
        input: f64,
        /// The least input.
        least: f64,
        /// The greatest one.
        most: f64,
    },
    /// An input that is no number, in a table that is addressed by values; or infinite in one that wraps.
    #[error("the input {0} has no place in a table that is addressed by values")]
    NotANumber(f64),
}
