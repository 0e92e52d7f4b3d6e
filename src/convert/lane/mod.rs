//! What one lane of a vector does: plain integer arithmetic without branches, compiled for every instruction set.
//!
//! A lane sees the bits of one `f32` and 32 random bits. `a` is always the magnitude of the value, its bits without the
//! sign; magnitudes of `f32` count upward through all binades, as those of every format do, so rounding is an addition
//! and a shift wherever the format has as many exponents below as `f32`.

mod decode;
mod end;
mod even;
mod fixed;
mod general;
mod integer;
mod random;

pub(crate) use decode::{DecodeLane, FloatValue, IntValue, NAN, SIGN, SameValue};
pub(crate) use end::{BySign, End, Ends, OneZero, Symmetric};
pub(crate) use even::{EvenNarrow, EvenSame};
pub(crate) use fixed::{FixedNarrow, FixedSame, ZeroNarrow};
pub(crate) use general::{Constants, FIXED, General, RANDOM, RANDOM_EXACT, Threshold};
pub(crate) use integer::EvenInt;
pub(crate) use random::{Addend, RandomNarrow, RandomSame, RandomWide};

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

/// A magnitude of `f32` as a format with fewer exponents counts it, still with all fraction bits.
struct Magnified {
    magnitude: u32,
    /// Whether bits of the significand were lost below; wrong for zero, which has no leading one.
    lost: bool,
}

/// In the binades of the format the difference of the exponents' biases is subtracted, below them the significand is
/// shifted. Values that are subnormal as `f32` have no leading one, but all their bits are lost either way.
#[inline(always)]
fn magnified(a: u32, least_field: u32, rebias: u32) -> Magnified {
    let depth = least_field.saturating_sub(a >> 23);
    let significand = a & FRACTION | LEADING;
    let subnormal = shift_right(significand, depth);
    let lost = shift_left(subnormal, depth) != significand;
    // The greater of the two is the right one: a binade too low makes the difference smaller.
    let magnitude = (a as i32).wrapping_sub(rebias as i32).max(subnormal as i32) as u32;
    Magnified { magnitude, lost }
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
