//! Any mode without random bits, by adding to the part cut off what takes it to one unit where it is rounded up.

use super::end::negative;
use super::{BySign, EncodeLane, End, Ends, MAGNITUDE, magnified};

/// As [`EvenSame`](super::EvenSame).
#[derive(Clone, Copy, Debug)]
pub(crate) struct FixedSame {
    /// Fraction bits of `f32` that the format lacks, at least 2.
    pub(crate) cut: u32,
    /// What is added to an even magnitude.
    pub(crate) even: BySign,
    /// What is added to an odd magnitude.
    pub(crate) odd: BySign,
    /// The end.
    pub(crate) end: Ends,
}

/// The whole units of `exact`, which has `cut` bits below them, rounded.
#[inline(always)]
fn rounded(exact: u32, cut: u32, even: BySign, odd: BySign, negative: u32) -> u32 {
    let (even, by_odd) = (even.of(negative), odd.of(negative));
    let is_odd = (exact >> cut & 1).wrapping_neg();
    (exact + (even ^ is_odd & (even ^ by_odd))) >> cut
}

impl EncodeLane for FixedSame {
    const RANDOM: bool = false;

    #[inline(always)]
    fn code(self, bits: u32, _: u32) -> u32 {
        let exact = bits & MAGNITUDE;
        let magnitude = rounded(exact, self.cut, self.even, self.odd, negative(bits));
        self.end.finish(bits, magnitude)
    }
}

/// As [`EvenNarrow`](super::EvenNarrow). Bits that the shift of a subnormal value loses are kept as a one in the last
/// place, below half a unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FixedNarrow {
    /// The exponent field of the smallest normal value.
    pub(crate) least_field: u32,
    /// From a magnitude of `f32` to one of the format: `(least_field - 1) << 23`.
    pub(crate) rebias: u32,
    /// Fraction bits of `f32` that the format lacks, at least 2.
    pub(crate) cut: u32,
    /// What is added to an even magnitude.
    pub(crate) even: BySign,
    /// What is added to an odd magnitude.
    pub(crate) odd: BySign,
    /// The end.
    pub(crate) end: Ends,
}

impl EncodeLane for FixedNarrow {
    const RANDOM: bool = false;

    #[inline(always)]
    fn code(self, bits: u32, _: u32) -> u32 {
        let a = bits & MAGNITUDE;
        let exact = magnified(a, self.least_field, self.rebias);
        // Zero has no leading one.
        let lost = u32::from(exact.lost && a != 0);
        let magnitude =
            rounded(exact.magnitude | lost, self.cut, self.even, self.odd, negative(bits));
        self.end.finish(bits, magnitude)
    }
}

/// As [`EvenNarrow`](super::EvenNarrow), toward zero: whatever is cut off is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ZeroNarrow<E> {
    /// The exponent field of the smallest normal value.
    pub(crate) least_field: u32,
    /// From a magnitude of `f32` to one of the format: `(least_field - 1) << 23`.
    pub(crate) rebias: u32,
    /// Fraction bits of `f32` that the format lacks, at least 2.
    pub(crate) cut: u32,
    /// The end.
    pub(crate) end: E,
}

impl<E: End> EncodeLane for ZeroNarrow<E> {
    const RANDOM: bool = false;

    #[inline(always)]
    fn code(self, bits: u32, _: u32) -> u32 {
        let exact = magnified(bits & MAGNITUDE, self.least_field, self.rebias).magnitude;
        self.end.finish(bits, exact >> self.cut)
    }
}
