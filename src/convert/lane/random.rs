//! Stochastic rounding that compares no more bits than `f32` has beyond the format's.

use super::{EncodeLane, FRACTION, LEADING, MAGNITUDE, Symmetric};

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
        let a = bits & MAGNITUDE;
        let depth = self.least_field.saturating_sub(a >> 23).min(31);
        let subnormal = (a & FRACTION | LEADING) >> depth;
        // The greater of the two is the right one: a binade too low makes the difference smaller.
        let exact = (a as i32).wrapping_sub(self.rebias as i32).max(subnormal as i32) as u32;
        self.end.finish(bits, (exact + self.addend.of(random)) >> self.cut)
    }
}
