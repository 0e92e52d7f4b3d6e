//! To the nearest, ties to even: the common case.

use super::{EncodeLane, End, INFINITY, MAGNITUDE, Symmetric};

/// A format whose smallest normal value is that of `f32` and whose values are below 2^128, such as bf16: its magnitude is
/// that of `f32`, cut short.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EvenSame {
    /// Fraction bits of `f32` that the format lacks, at least 2.
    pub(crate) cut: u32,
    /// One less than half a unit: `2^(cut - 1) - 1`.
    pub(crate) below_half: u32,
    /// The end.
    pub(crate) end: Symmetric,
}

impl EncodeLane for EvenSame {
    const RANDOM: bool = false;

    #[inline(always)]
    fn code(self, bits: u32, _: u32) -> u32 {
        let a = bits & MAGNITUDE;
        let odd = a >> self.cut & 1;
        // At most 2^31 + 2^22: the sum does not wrap.
        self.end.finish(bits, (a + self.below_half + odd) >> self.cut)
    }
}

/// A format with a fraction whose exponents all lie well inside those of `f32`, such as e4m3fn or f16.
///
/// The unit of a value is one step of the format in the value's binade, or of the subnormal values below them. Adding
/// the power of two that is 2^23 units leaves, in a sum whose last bit is one unit, the value rounded to whole units:
/// the addition of `f32` is the one rounding, to nearest and ties to even. The sum is normal and finite, and values
/// that are subnormal `f32` lie far below half a unit, so the result does not depend on a flush-to-zero mode.
///
/// The even one of two sums is the even one of two codes, since a binade begins at an even code. Without fraction bits
/// every second binade begins at an odd one: such formats go through [`FixedNarrow`](super::FixedNarrow).
#[derive(Clone, Copy, Debug)]
pub(crate) struct EvenNarrow<E> {
    /// The magnitude of twice the largest binade: what lies above overflows as this does.
    pub(crate) clamp: u32,
    /// The magnitude of the smallest normal value of the format.
    pub(crate) least: u32,
    /// From a binade to 2^23 of its units: `cut << 23`.
    pub(crate) lift: u32,
    /// Fraction bits of `f32` that the format lacks.
    pub(crate) cut: u32,
    /// `least >> cut`.
    pub(crate) base: u32,
    /// The end.
    pub(crate) end: E,
}

impl EvenNarrow<Symmetric> {
    /// The end, where the lane is that of half precision, and no value is refused.
    pub(crate) fn end_of_half(&self) -> Option<Symmetric> {
        let Symmetric { over, nan, sign_mask, sign_shift } = self.end;
        let is_half = self.cut == 13
            && self.least == 0x3880_0000
            && self.clamp == 0x4780_0000
            && (sign_mask, sign_shift) == (0x8000, 16);
        (is_half && over <= 0x7c00 && nan <= 0xffff).then_some(self.end)
    }
}

impl<E: End> EncodeLane for EvenNarrow<E> {
    const RANDOM: bool = false;

    #[inline(always)]
    fn code(self, bits: u32, _: u32) -> u32 {
        let a = (bits & MAGNITUDE).min(self.clamp);
        let binade = (a & INFINITY).max(self.least);
        let lifted = binade + self.lift;
        let sum = (f32::from_bits(a) + f32::from_bits(lifted)).to_bits();
        let units = sum.wrapping_sub(lifted);
        let magnitude = units.wrapping_add(binade >> self.cut).wrapping_sub(self.base);
        self.end.finish(bits, magnitude)
    }
}
