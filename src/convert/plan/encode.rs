//! The lane of an encoder.

use crate::convert::lane::{
    EvenInt, EvenNarrow, EvenSame, FIXED, FixedNarrow, FixedSame, General, OneZero, RANDOM,
    RANDOM_EXACT, RandomNarrow, RandomSame, RandomWide, Symmetric, ZeroNarrow,
};

/// The lane of an encoder.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EncodePlan {
    EvenNarrow(EvenNarrow<Symmetric>),
    EvenOneZero(EvenNarrow<OneZero>),
    EvenSame(EvenSame),
    EvenInt(EvenInt),
    ZeroNarrow(ZeroNarrow<Symmetric>),
    ZeroOneZero(ZeroNarrow<OneZero>),
    FixedNarrow(FixedNarrow),
    FixedSame(FixedSame),
    RandomNarrow(RandomNarrow),
    RandomSame(RandomSame),
    RandomWide(RandomWide),
    Fixed(General<FIXED, false>),
    FixedWrap(General<FIXED, true>),
    Random(General<RANDOM, false>),
    RandomWrap(General<RANDOM, true>),
    RandomExact(General<RANDOM_EXACT, false>),
    RandomExactWrap(General<RANDOM_EXACT, true>),
    /// The specification itself.
    Specification,
}
