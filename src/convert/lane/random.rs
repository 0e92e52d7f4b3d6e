//! Stochastic rounding that compares no more bits than `f32` has beyond the format's.

use super::{
    EncodeLane, End, Ends, FRACTION, LEADING, MAGNITUDE, Symmetric, magnified, shift_left,
    shift_right,
};

/// The random number added to the part cut off, as a fraction of one unit in 32 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addend {
    /// `32 - n`, at most 31: brings the low `n` bits to the top.
    pub(crate) up: u32,
    /// Half a step of the random number where it is taken at the middle of its step, else 0.
    pub(crate) middle: u32,
    /// `32 - cut`: brings the fraction of a unit to the bits that are cut off.
    pub(crate) down: u32,
}

impl Addend {
    #[inline(always)]
    fn of(self, random: u32) -> u32 {
        (random << self.up | self.middle) >> self.down
    }
}

/// As [`EvenSame`](super::EvenSame), rounded stochastically.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RandomSame {
    /// Fraction bits of `f32` that the format lacks; the random number has no more.
    pub(crate) cut: u32,
    /// What is added.
    pub(crate) addend: Addend,
    /// The end.
    pub(crate) end: Symmetric,
}

impl EncodeLane for RandomSame {
    const RANDOM: bool = true;

    #[inline(always)]
    fn code(self, bits: u32, random: u32) -> u32 {
        let a = bits & MAGNITUDE;
        self.end.finish(bits, (a + self.addend.of(random)) >> self.cut)
    }
}

/// As [`EvenNarrow`](super::EvenNarrow), rounded stochastically.
///
/// The magnitude is brought to the format's range with all fraction bits of `f32`: in the binades of the format by
/// subtracting the difference of the exponents' biases, below them by shifting the significand. Bits lost by that shift
/// lie below those that the random number is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RandomNarrow {
    /// The exponent field of the smallest normal value.
    pub(crate) least_field: u32,
    /// From a magnitude of `f32` to one of the format: `(least_field - 1) << 23`.
    pub(crate) rebias: u32,
    /// Fraction bits of `f32` that the format lacks; the random number has no more.
    pub(crate) cut: u32,
    /// What is added.
    pub(crate) addend: Addend,
    /// The end.
    pub(crate) end: Symmetric,
}

impl EncodeLane for RandomNarrow {
    const RANDOM: bool = true;

    #[inline(always)]
    fn code(self, bits: u32, random: u32) -> u32 {
        let exact = magnified(bits & MAGNITUDE, self.least_field, self.rebias).magnitude;
        self.end.finish(bits, (exact + self.addend.of(random)) >> self.cut)
    }
}

/// As [`RandomNarrow`], where the random number has more bits than `f32` has beyond the format's, or the special codes
/// of the two signs are not alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RandomWide {
    /// The exponent field of the smallest normal value.
    pub(crate) least_field: u32,
    /// From a magnitude of `f32` to one of the format: `(least_field - 1) << 23`.
    pub(crate) rebias: u32,
    /// Fraction bits of `f32` that the format lacks.
    pub(crate) cut: u32,
    /// Brings the random bits to the top.
    pub(crate) up: u32,
    /// Half a step of the random number where it is taken at the middle of its step, else 0.
    pub(crate) middle: u32,
    /// The end.
    pub(crate) end: Ends,
}

impl EncodeLane for RandomWide {
    const RANDOM: bool = true;

    #[inline(always)]
    fn code(self, bits: u32, random: u32) -> u32 {
        let a = bits & MAGNITUDE;
        let exact = magnified(a, self.least_field, self.rebias).magnitude;
        // The first 32 bits of the part cut off: of the significand, as far down as its binade lies.
        let shift = self.cut + self.least_field.saturating_sub(a >> 23);
        let significand = a & FRACTION | LEADING;
        let lost = shift_left(significand, 32u32.wrapping_sub(shift))
            | shift_right(significand, shift.wrapping_sub(32));
        let up = lost > !(random << self.up | self.middle);
        self.end.finish(bits, (exact >> self.cut) + u32::from(up))
    }
}
