//! What can be wrong with a question about bounds.

use thiserror::Error;

use crate::accumulate::AccumulatorError;
use crate::room::TooLarge;

/// Why there are no bounds.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BoundsError {
    /// An empty range.
    #[error(
        "the input range of channel {channel} is [{low}, {high}]: its low end must not exceed its high end"
    )]
    EmptyRange {
        /// The channel.
        channel: usize,
        /// Its low end.
        low: i64,
        /// Its high end.
        high: i64,
    },
    /// Per-channel ranges that do not fit the weights.
    #[error("{ranges} input ranges do not fit weights of {channels} input channels")]
    Channels {
        /// Ranges given.
        ranges: usize,
        /// Columns of the weights.
        channels: usize,
    },
    /// Biases that do not fit the weights.
    #[error("{biases} biases do not fit weights of {rows} output rows")]
    Biases {
        /// Biases given.
        biases: usize,
        /// Rows of the weights.
        rows: usize,
    },
    /// Sums beyond 127 bits.
    #[error(
        "the worst case of row {row} needs more than 127 bits; weights and inputs must be narrower"
    )]
    TooWide {
        /// The row.
        row: usize,
    },
    /// More rows than memory can hold bounds of.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// A floating-point stage.
    #[error(
        "`{0}` has a floating-point stage: bounds are about int<P>-wrap, int<P>-sat and exact stages"
    )]
    NotInteger(String),
    /// A bias that enters registers that take turns.
    #[error(
        "a bias that is added after the last product has no register of its own in `{0}`, whose registers take turns; \
         let the accumulator start from it instead"
    )]
    InterleavedBias(String),
    /// An accumulator with other tiles than the one that the bounds were made for.
    #[error("the bounds were made for the tiles of `{expected}`, and `{found}` has others")]
    OtherTiles {
        /// The accumulator that the bounds are of.
        expected: String,
        /// The one asked about.
        found: String,
    },
    /// A register wider than the grammar has.
    #[error("stage {stage} needs {bits} bits, more than the 64 that an integer register can have")]
    NoRegister {
        /// Index of the stage.
        stage: usize,
        /// The bits it needs.
        bits: u32,
    },
    /// Stages that are no accumulator.
    #[error(transparent)]
    Accumulator(#[from] AccumulatorError),
    /// A format without integer codes.
    #[error("`{0}` has no integer codes: expected an integer format, such as uint8 or int4")]
    NotAnIntegerFormat(String),
}
