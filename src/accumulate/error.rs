//! Why something is not an accumulator.

use thiserror::Error;

use super::datapath::UnknownDatapath;

/// Why a text or a list of stages is not an accumulator.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AccumulatorError {
    /// No stage at all.
    #[error("an accumulator needs at least one stage, such as `int16-sat`")]
    Empty,
    /// A register that the grammar does not have.
    #[error(
        "`{0}` is not a register: expected int<P>-wrap, int<P>-sat, exact, <float>[-<rounding>][-sat|-special], \
         aligned<F>[-<rounding>][:<float>[-<rounding>][-sat|-special]] or preset:<name>"
    )]
    Register(String),
    /// Almost a register: the grammar has one that was probably meant.
    #[error("`{text}` is not a register: did you mean {meant}?")]
    Near {
        /// What was written.
        text: String,
        /// What the grammar has instead.
        meant: String,
    },
    /// A register width out of range.
    #[error("an integer register of {0} bits is outside the supported widths of 2 to 64 bits")]
    Bits(u64),
    /// Fraction bits out of range.
    #[error("aligned{0} keeps more than the 64 fraction bits that are supported")]
    FractionBits(u64),
    /// More registers in turn than are supported.
    #[error("{0} registers that take turns are more than the 1024 that a stage can have")]
    Interleave(u64),
    /// A `*width`, `%registers` or `/count` that is not a positive integer.
    #[error("`{text}` in `{stage}` must be a positive integer")]
    Number {
        /// The offending number.
        text: String,
        /// The stage that it stands in.
        stage: String,
    },
    /// An inner stage that never hands on.
    #[error(
        "stage `{0}` is not the last one, so it needs `/<count>`: how many inputs it sums before it hands on"
    )]
    MissingCount(String),
    /// A last stage that hands on to nobody.
    #[error(
        "stage `{0}` is the last one, so it cannot have `/<count>`: there is no stage to hand its value on to"
    )]
    LastCount(String),
    /// A machine that the table does not have.
    #[error(transparent)]
    Datapath(#[from] UnknownDatapath),
    /// A format that cannot be a register.
    #[error("`{0}` cannot be a register: a float register is a signed floating-point format")]
    NotAFloat(String),
}
