//! Why vectors cannot be made or read.

use fewbit_formats::{Format, GroupFormat};
use thiserror::Error;

use crate::accumulate::AccumulatorError;
use crate::machine::MachineError;
use crate::requantize::RequantizeError;

/// Why vectors cannot be made or read.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum VectorError {
    /// A name that none of a list is.
    #[error("unknown {kind} `{found}`: expected one of {expected}")]
    Name {
        /// What it should have been the name of.
        kind: &'static str,
        /// The name.
        found: String,
        /// The names known.
        expected: String,
    },
    /// More combinations than are enumerated.
    #[error(
        "{count} combinations are too many to enumerate: at most {most}; --style mixed draws some of them"
    )]
    Exhaustive {
        /// How many there are.
        count: String,
        /// How many are enumerated.
        most: u64,
    },
    /// More words than are kept.
    #[error("{rows} rows of {words} numbers are more than {most} numbers: ask for fewer")]
    TooMany {
        /// Rows.
        rows: u64,
        /// Numbers in each.
        words: u64,
        /// As many are kept.
        most: u64,
    },
    /// No vector at all.
    #[error("{what} is 0: expected at least 1")]
    Zero {
        /// What is 0.
        what: &'static str,
    },
    /// Stimuli of which none has a result.
    #[error("none of the stimuli tried has a result: the last one was refused, {reason}")]
    NoResult {
        /// Why the last one was refused.
        reason: String,
    },
    /// A line of the header that is missing.
    #[error("the header has no `{key}`")]
    Missing {
        /// The key.
        key: String,
    },
    /// A line of the header that says what cannot be.
    #[error("the header's `{key}` is `{found}`: {reason}")]
    Entry {
        /// The key.
        key: String,
        /// What it says.
        found: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A style that an operation does not have.
    #[error("{op} has no style `{style}`: {reason}")]
    Style {
        /// The operation.
        op: &'static str,
        /// The style.
        style: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// A trace of what has no steps.
    #[error("{op} has no steps: a trace is of dot and matmul")]
    NoSteps {
        /// The operation.
        op: &'static str,
    },
    /// A group format that no operand of a product can have.
    #[error(
        "{0} is no format of operands here: one scale for each group, nothing above it and no zero point are needed, as in mxfp4 or mx(e2m1fn,e4m3fn,16)"
    )]
    Operand(GroupFormat),
    /// A code that stands for nothing.
    #[error("{code:#x} is no code of {format}")]
    Code {
        /// The code.
        code: u64,
        /// The format.
        format: Format,
    },
    /// A value that its field does not hold.
    #[error("{value} does not fit {format}, the format of `{field}`")]
    Value {
        /// The value.
        value: String,
        /// The field's format.
        format: String,
        /// The field.
        field: String,
    },
    /// An exact register that can become wider than a word.
    #[error(
        "an exact register over {k} products of {a} and {b} can need {bits} bits, and results have 64: name a register, as int{bits}-sat"
    )]
    Wide {
        /// Products.
        k: usize,
        /// Format of the left operand.
        a: String,
        /// Format of the right operand.
        b: String,
        /// Bits needed.
        bits: u32,
    },
    /// Numbers of words that are not a whole number of rows.
    #[error("{found} numbers make no rows of {row}")]
    Words {
        /// Numbers.
        found: usize,
        /// Numbers of a row.
        row: usize,
    },
    /// Given stimuli where they are to be generated.
    #[error("given stimuli cannot be generated: they are in their file alone")]
    Given,
    /// Operands that a machine does not take, or a step that cannot be made.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// An accumulator that is none.
    #[error(transparent)]
    Accumulator(#[from] AccumulatorError),
    /// Numbers that a requantization does not take.
    #[error(transparent)]
    Requantize(#[from] RequantizeError),
}

impl VectorError {
    /// What a key says cannot be.
    pub(super) fn entry(key: &str, found: &str, reason: &str) -> Self {
        let found = found.chars().take(80).collect();
        Self::Entry { key: key.to_owned(), found, reason: reason.to_owned() }
    }
}

impl VectorError {
    pub(super) fn name(kind: &'static str, found: &str, names: &[&str]) -> Self {
        Self::Name { kind, found: found.chars().take(48).collect(), expected: names.join(", ") }
    }
}
