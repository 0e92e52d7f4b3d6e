//! Why a sum cannot be computed.

use fewbit_formats::Format;
use thiserror::Error;

use crate::accumulate::AccumulatorError;
use crate::room::TooLarge;

/// Why one step cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StepError {
    /// A fraction in an integer register.
    #[error("`{register}` cannot sum {value}, which is not a whole number")]
    Fraction {
        /// The register.
        register: String,
        /// The exact sum.
        value: String,
    },
    /// Infinity or NaN in an integer register.
    #[error("`{register}` cannot hold {value}")]
    Special {
        /// The register.
        register: String,
        /// What it was to hold.
        value: String,
    },
    /// NaN in a format without NaN.
    #[error("`{register}` cannot hold NaN: its format has none")]
    NoNan {
        /// The register.
        register: String,
    },
    /// A register that no accumulator can have.
    #[error(transparent)]
    Register(#[from] AccumulatorError),
}

/// Why a product of real matrices cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FloatError {
    /// Inner dimensions that differ.
    #[error("A is {m}x{ka} and B is {kb}x{n}: the columns of A must equal the rows of B")]
    Shape {
        /// Rows of A.
        m: usize,
        /// Columns of A.
        ka: usize,
        /// Rows of B.
        kb: usize,
        /// Columns of B.
        n: usize,
    },
    /// A result that memory cannot hold.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// Starting values of another shape than the result.
    #[error("the starting values are {rows}x{cols}, and the result is {m}x{n}")]
    InitShape {
        /// Rows given.
        rows: usize,
        /// Columns given.
        cols: usize,
        /// Rows of the result.
        m: usize,
        /// Columns of the result.
        n: usize,
    },
    /// A value that its format does not have.
    #[error(
        "element ({row}, {col}) is {value}, which {format} does not have; the nearest it has is {nearest}"
    )]
    NotRepresentable {
        /// Row of the element.
        row: usize,
        /// Column of the element.
        col: usize,
        /// The value, as text.
        value: String,
        /// The format.
        format: Format,
        /// The nearest value of the format, as text.
        nearest: String,
    },
    /// A code with bits above its format's width, or one that stands for nothing.
    #[error("element ({row}, {col}) is code {code:#x}, which {format} ({bits} bits) does not have")]
    Code {
        /// Row of the element.
        row: usize,
        /// Column of the element.
        col: usize,
        /// The code.
        code: u32,
        /// The format.
        format: Format,
        /// Its width.
        bits: u32,
    },
    /// Scales that do not fit the elements.
    #[error(
        "scales of {rows}x{cols} do not fit elements of {m}x{k} in blocks of {block}: expected {m}x{expected}"
    )]
    Scales {
        /// Rows of the scales.
        rows: usize,
        /// Columns of the scales.
        cols: usize,
        /// Rows of the elements, where k runs along columns.
        m: usize,
        /// Elements along k.
        k: usize,
        /// Elements of a block.
        block: usize,
        /// Blocks along k.
        expected: usize,
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
    /// A step that cannot be made.
    #[error("output ({row}, {col}), stage {stage}, k = {k}: {error}")]
    Step {
        /// Row of the output.
        row: usize,
        /// Column of the output.
        col: usize,
        /// The stage, from 0.
        stage: usize,
        /// The last product of the step.
        k: u64,
        /// Why.
        error: StepError,
    },
}
