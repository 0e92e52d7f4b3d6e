//! What can be wrong with a group format, or with a group.

use crate::encoded::EncodeError;
use crate::error::FormatError;
use crate::format::Format;
use crate::named::Excerpt;
use crate::rounding::Rounding;
use crate::scale::BlockMaximum;

/// A group format that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupFormatError {
    /// The name is none of the table's, and not `mx(...)`.
    #[error(
        "unknown group format `{0}`: expected mxfp8e4m3, mxfp8e5m2, mxfp6e2m3, mxfp6e3m2, mxfp4, mxint8, nvfp4, hif4 or \
         mx(<element>,<scale>,<size>[,zero-point][,coupled<N>])"
    )]
    Unknown(Excerpt),
    /// `mx(...)` without an element, a scale and a size.
    #[error(
        "`{0}` is not mx(<element>,<scale>,<size>[,zero-point][,coupled<N>]), such as mx(int4,e8m0fnu,64) or \
         mx(e2m1fn,e4m3fn*f32,16)"
    )]
    Parts(Excerpt),
    /// An element or a scale that is no format.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A group of no elements, or of more than 2^24.
    #[error("`{0}` is not a group size: expected 1 to 16777216 elements")]
    Size(Excerpt),
    /// An outer scale shared by no group.
    #[error("`{0}` is not a number of groups that share an outer scale: expected 1 to 16777216")]
    Count(Excerpt),
    /// A scale format without positive values to scale by.
    #[error(
        "{0} cannot hold scales: expected a format with positive numbers, such as e8m0fnu or f16"
    )]
    Scale(Format),
    /// An element format with nothing to scale to.
    #[error("{0} cannot be scaled to: it has no value above zero")]
    Element(Format),
    /// An outer scale above scales that need none.
    #[error(
        "block scales in {0} reach beyond 2^64: an outer scale is for formats that do not cover the range of f32 \
         themselves"
    )]
    OuterRange(Format),
    /// Coupled scales of no group.
    #[error("`{0}` is not a number of groups whose scales are coupled: expected 1 to 65535")]
    Coupled(Excerpt),
    /// Scales that cannot be coupled.
    #[error(
        "scales in {0} cannot be coupled: expected powers of two alone, such as ue2m0 or e8m0fnu, no zero point, and \
         under an outer scale a multiple of the groups that are coupled"
    )]
    Coupling(Format),
    /// A zero point in a format that has no place for one.
    #[error(
        "{0} has no place for a zero point: expected an integer of full range of at most 16 bits, such as uint4"
    )]
    ZeroPoint(Format),
}

/// A group that cannot be encoded under the policy given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// A NaN under [`NanBlock::Error`](crate::NanBlock::Error).
    #[error("a block holds a NaN: choose another NaN block policy to allow it")]
    Nan,
    /// An infinity under [`InfiniteBlock::Error`](crate::InfiniteBlock::Error).
    #[error("a block holds an infinity: choose another infinite block policy to allow it")]
    Infinite,
    /// A scale that its format refuses.
    #[error("the scale of a block: {0}")]
    Scale(EncodeError),
    /// An element that the format refuses.
    #[error("element {index}: {source}")]
    Element {
        /// Its index within the block.
        index: usize,
        /// Why.
        source: EncodeError,
    },
    /// A block maximum where scales are powers of two alone, or codes are shifted.
    #[error(
        "the block maximum `{0}` has no meaning for {1}: expected scales that are not powers of two alone and no zero \
         point, or static-6"
    )]
    Maximum(BlockMaximum, Format),
    /// Scales that would be rounded at random.
    #[error("scales are not rounded at random: expected another rounding of scales than `{0}`")]
    Rounding(Rounding),
    /// As many scales as there are no blocks of, or more blocks than are coupled.
    #[error(
        "{scales} scales for a run of {blocks} blocks: expected as many, and no more than are coupled"
    )]
    Scales {
        /// Blocks of the values given.
        blocks: usize,
        /// Scales given.
        scales: usize,
    },
    /// Scales that one exponent bit for both and one for each do not say.
    #[error("scale codes {scales:?} of eight {eight}: expected 0 to 2, at most one apart")]
    Uncoupled {
        /// Which pair of scales.
        eight: usize,
        /// Their codes.
        scales: [u32; 2],
    },
    /// Slices that do not belong together.
    #[error("{values} values and {codes} codes: a block has as many of both")]
    Length {
        /// Values given.
        values: usize,
        /// Codes given.
        codes: usize,
    },
}
