//! What one lane of a vector does: plain integer arithmetic without branches, compiled for every instruction set.
//!
//! A lane sees the bits of one `f32` and 32 random bits. `a` is always the magnitude of the value, its bits without the
//! sign; magnitudes of `f32` count upward through all binades, as those of every format do, so rounding is an addition
//! and a shift wherever the format has as many exponents below as `f32`.

mod decode;
mod even;
mod general;
mod random;

pub(crate) use decode::{DecodeLane, FloatValue, IntValue, NAN, SIGN};
pub(crate) use even::{EvenNarrow, EvenSame};
pub(crate) use general::{BySign, Constants, FIXED, General, RANDOM, RANDOM_EXACT, Threshold};
pub(crate) use random::{Addend, RandomNarrow, RandomSame};

/// Set in a code where the policy refuses the value. No code that goes through lanes is that wide.
pub(crate) const REFUSED: u32 = 1 << 31;

/// The magnitude of an `f32`'s bits.
pub(crate) const MAGNITUDE: u32 = 0x7fff_ffff;
/// The magnitude of infinity; NaN is above.
pub(crate) const INFINITY: u32 = 0x7f80_0000;
/// The fraction of an `f32`'s bits.
const FRACTION: u32 = 0x007f_ffff;
/// The leading one of a significand, next to the fraction.
pub(crate) const LEADING: u32 = 0x0080_0000;

/// From the bits of an `f32` and 32 random bits to a code.
pub(crate) trait EncodeLane: Copy + Send + Sync {
    /// Whether it looks at the random bits.
    const RANDOM: bool;

    /// The code, with [`REFUSED`] set where the policy refuses the value.
    fn code(self, bits: u32, random: u32) -> u32;
}

/// The end of an encoder whose special codes are alike for both signs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Symmetric {
    /// Magnitudes beyond the largest become this: the largest, or the one above it.
    pub(crate) over: u32,
    /// The code of a positive NaN; that of a negative one has the sign bit inverted.
    pub(crate) nan: u32,
    /// The sign bit.
    pub(crate) sign_mask: u32,
    /// Brings the sign of an `f32` there.
    pub(crate) sign_shift: u32,
}

impl Symmetric {
    /// The code of a rounded magnitude.
    #[inline(always)]
    fn finish(self, bits: u32, magnitude: u32) -> u32 {
        let magnitude = magnitude.min(self.over);
        let code = if bits & MAGNITUDE > INFINITY { self.nan } else { magnitude };
        code ^ (bits >> self.sign_shift & self.sign_mask)
    }
}

/// `x / 2^shift`, also where nothing is left.
#[inline(always)]
fn shift_right(x: u32, shift: u32) -> u32 {
    if shift < 32 { x >> shift } else { 0 }
}

/// `x * 2^shift` modulo 2^32.
#[inline(always)]
fn shift_left(x: u32, shift: u32) -> u32 {
    if shift < 32 { x << shift } else { 0 }
}
