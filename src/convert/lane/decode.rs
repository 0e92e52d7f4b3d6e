//! From codes to the bits of an `f32`.

use super::{INFINITY, MAGNITUDE};

/// From a code to the bits of an `f32`; bits above the format's width are ignored.
pub(crate) trait DecodeLane: Copy + Send + Sync {
    /// The value.
    fn value(self, code: u32) -> u32;
}

/// The quiet NaN without payload.
pub(crate) const NAN: u32 = INFINITY | 0x0040_0000;
/// The sign of an `f32`.
pub(crate) const SIGN: u32 = !MAGNITUDE;

/// A float whose values are all `f32`, normal ones unless the format has the exponents of `f32`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FloatValue {
    /// The bits of a magnitude.
    pub(crate) magnitude_mask: u32,
    /// Brings the sign bit to that of `f32`.
    pub(crate) sign_shift: u32,
    /// The sign of `f32` where the format has one.
    pub(crate) sign_mask: u32,
    /// Fraction bits of `f32` that the format lacks.
    pub(crate) cut: u32,
    /// From a magnitude of the format to one of `f32`: the difference of the biases, aligned.
    pub(crate) rebias: u32,
    /// Magnitudes below are subnormal; 0 where `f32` has the same subnormal values.
    pub(crate) normal: u32,
    /// The magnitude of the smallest normal value, as an `f32`.
    pub(crate) least: u32,
    /// The largest finite magnitude.
    pub(crate) most: u32,
    /// What the magnitude after it is: infinity or NaN.
    pub(crate) after: u32,
    /// What negative zero's code stands for: itself or NaN.
    pub(crate) negative_zero: u32,
}

impl DecodeLane for FloatValue {
    #[inline(always)]
    fn value(self, code: u32) -> u32 {
        let magnitude = code & self.magnitude_mask;
        let sign = code << self.sign_shift & self.sign_mask;
        let fraction = magnitude << self.cut;

        // A subnormal value is what it adds to the smallest normal one; the difference is exact.
        let sum = f32::from_bits(fraction.wrapping_add(self.least));
        let subnormal = (sum - f32::from_bits(self.least)).to_bits();
        let normal = fraction.wrapping_add(self.rebias);
        let finite = if magnitude < self.normal { subnormal } else { normal };

        let special = if magnitude == self.most.wrapping_add(1) { self.after } else { NAN };
        let value = if magnitude > self.most { special } else { finite };
        if magnitude == 0 && sign != 0 { self.negative_zero } else { value | sign }
    }
}

/// A float with infinities, NaN and the exponents of `f32`, such as bf16: its codes are the upper bits of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SameValue {
    /// Brings them there.
    pub(crate) up: u32,
}

impl DecodeLane for SameValue {
    #[inline(always)]
    fn value(self, code: u32) -> u32 {
        let bits = code << self.up;
        if bits & MAGNITUDE > INFINITY { bits & SIGN | NAN } else { bits }
    }
}

/// An integer of at most 24 significant bits in units of a power of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IntValue {
    /// Brings the top bit of a code to the top of the word.
    pub(crate) up: u32,
    /// All ones where the top bit is a sign.
    pub(crate) signed: u32,
    /// One unit.
    pub(crate) unit: f32,
    /// The number that the format leaves out; else one that no code is.
    pub(crate) missing: i32,
}

impl DecodeLane for IntValue {
    #[inline(always)]
    fn value(self, code: u32) -> u32 {
        let aligned = code << self.up;
        let unsigned = aligned >> self.up;
        let signed = ((aligned as i32) >> self.up) as u32;
        let number = (unsigned ^ (self.signed & (unsigned ^ signed))) as i32;
        let value = (number as f32 * self.unit).to_bits();
        if number == self.missing { NAN } else { value }
    }
}
