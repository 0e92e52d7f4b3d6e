//! Why a machine cannot be made or stepped.

use fewbit_formats::Format;
use thiserror::Error;

use crate::reference::StepError;
use crate::room::TooLarge;

/// Why a machine cannot be made or stepped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MachineError {
    /// A float or aligned stage where integers are summed.
    #[error(
        "`{0}` has a floating-point stage: a machine of integers has int<P>-wrap, int<P>-sat and exact stages"
    )]
    NotInteger(String),
    /// A starting value that the last register does not have.
    #[error("the starting value {value} does not fit `{register}`, which holds {low} to {high}")]
    Start {
        /// The starting value.
        value: i128,
        /// The last register.
        register: String,
        /// Its least value.
        low: i128,
        /// Its greatest value.
        high: i128,
    },
    /// A starting value that no integer register has.
    #[error(
        "the starting value {0} is no whole number of at most 127 bits, which an integer register holds"
    )]
    StartNumber(String),
    /// A code with bits above its format's width, or one that stands for nothing.
    #[error("{code:#x} is no code of {format} ({bits} bits)")]
    Code {
        /// The code.
        code: u32,
        /// The format.
        format: Format,
        /// Its width.
        bits: u32,
    },
    /// Operands that a machine's unit does not take.
    #[error("`{preset}` takes {expected}, not {found}")]
    Operands {
        /// The unit.
        preset: String,
        /// What it takes.
        expected: String,
        /// What it was given.
        found: String,
    },
    /// Scales that were pushed and not declared, or the other way round.
    #[error("a product of {a} and {b} has {expected} scale(s), and {found} were pushed")]
    Scales {
        /// The left element.
        a: String,
        /// The right element.
        b: String,
        /// Scales that the elements have.
        expected: usize,
        /// Scales pushed.
        found: usize,
    },
    /// A step that cannot be made; the machine refuses everything until it is reset.
    #[error("stage {stage}, k = {k}: {error}")]
    Step {
        /// The stage, from 0.
        stage: usize,
        /// The last product of the step.
        k: u64,
        /// Why.
        error: StepError,
    },
    /// Inputs of an array that are not as many as it has.
    #[error(
        "{found} {what} were given to an array of {rows}x{cols} registers, which takes {expected}"
    )]
    Inputs {
        /// What was given.
        what: &'static str,
        /// How many.
        found: usize,
        /// Rows of the array.
        rows: usize,
        /// Columns of the array.
        cols: usize,
        /// How many it takes.
        expected: usize,
    },
    /// An array that memory cannot hold.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}
