//! Any float, integer or fixed-point format of at most 16 bits, any policy.

use super::end::negative;
use super::{BySign, EncodeLane, FRACTION, INFINITY, LEADING, MAGNITUDE, shift_left, shift_right};

/// The part cut off rounds a magnitude up where it exceeds a threshold; fractions of one unit in 32 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Threshold {
    /// Fixed by sign and parity.
    Fixed,
    /// Taken from random bits.
    Random,
    /// Taken from random bits, and ties must be told from what lies just above.
    RandomExact,
}

/// The constants of [`General`].
///
/// A value is `significand * 2^(field - 150)` with a significand of 24 bits. Shifted right by `unit - field` it counts
/// units of the smallest step of the format; a float's values above have at least `least_shift`, and count on from
/// `base`, the magnitude of their binade.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constants {
    /// The exponent field at which one unit is bit 0 of the significand.
    pub(crate) unit: i32,
    /// No shift is less: the fraction bits of `f32` that a float lacks; 0 for integers.
    pub(crate) least_shift: i32,
    /// No shift is more: from there on nothing changes.
    pub(crate) most_shift: i32,
    /// The exponent field of the smallest normal value; above every field for integers.
    pub(crate) least_field: i32,
    /// Fraction bits.
    pub(crate) fraction_bits: u32,
    /// Added to every magnitude: minus the magnitudes of a binade in a format without zero, 0 in one with it.
    pub(crate) offset: i32,
    /// Thresholds of an even magnitude.
    pub(crate) even: BySign,
    /// Thresholds of an odd magnitude.
    pub(crate) odd: BySign,
    /// Random bits to the top.
    pub(crate) random_up: u32,
    /// Half a step of the random number, or 0.
    pub(crate) random_middle: u32,
    /// Half a step of the random number where the part cut off is rounded to such steps, or 0.
    pub(crate) random_tie: u32,
    /// 1 where the part cut off is rounded to such steps, or 0.
    pub(crate) random_odd: u32,
    /// 1 where ties of that rounding go to odd, 0 where they go to even.
    pub(crate) random_flip: u32,
    /// Magnitudes of `f32` below count as zero; at least 1.
    pub(crate) zero_below: BySign,
    /// Rounded magnitudes below are zero: 1, or the least integer in a format without zero.
    pub(crate) least: i32,
    /// Rounded magnitudes above overflow, as signed integers.
    pub(crate) most: BySign,
    /// The codes of zero, overflow, infinity, NaN.
    pub(crate) zero: BySign,
    pub(crate) over: BySign,
    pub(crate) infinity: BySign,
    pub(crate) nan: BySign,
    /// The bits of a NaN's payload that are kept.
    pub(crate) payload: u32,
    /// All ones where a negative code is the two's complement of the magnitude, 0 where it has a sign bit.
    pub(crate) complement: u32,
    /// The bits of a code.
    pub(crate) mask: u32,
    /// The sign bit of a float.
    pub(crate) sign_mask: u32,
    /// Brings the sign of an `f32` there.
    pub(crate) sign_shift: u32,
    /// Where integers wrap by folding back: the shift to the sign bit.
    pub(crate) fold_shift: u32,
    /// All ones where they do.
    pub(crate) fold: u32,
}

/// The lane for every format of at most 16 bits; `WRAP` where overflow keeps the low bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct General<const THRESHOLD: u8, const WRAP: bool>(pub(crate) Constants);

pub(crate) const FIXED: u8 = Threshold::Fixed as u8;
pub(crate) const RANDOM: u8 = Threshold::Random as u8;
pub(crate) const RANDOM_EXACT: u8 = Threshold::RandomExact as u8;

impl<const THRESHOLD: u8, const WRAP: bool> EncodeLane for General<THRESHOLD, WRAP> {
    const RANDOM: bool = THRESHOLD != FIXED;

    #[inline(always)]
    fn code(self, bits: u32, random: u32) -> u32 {
        let c = self.0;
        let a = bits & MAGNITUDE;
        let negative = negative(bits);

        // 1. Exponent field and significand; a subnormal value is normalised by the exact conversion of its fraction.
        let normalised = (a as i32 as f32).to_bits() as i32 - (149 << 23);
        let value = if a < LEADING { normalised } else { a as i32 };
        let field = value >> 23;
        let significand = value as u32 & FRACTION | LEADING;

        // 2. Whole units, and the first 32 bits of the part cut off.
        let distance = c.unit - field;
        let shift = distance.max(c.least_shift).min(c.most_shift) as u32;
        let below = shift.wrapping_sub(32);
        let whole = shift_right(significand, shift);
        let mut lost =
            shift_left(significand, 32u32.wrapping_sub(shift)) | shift_right(significand, below);
        if THRESHOLD == RANDOM_EXACT {
            let rest = shift < 32 || shift_left(lost, below) == significand;
            lost |= u32::from(!rest);
        }

        // 3. Count on from the binade, round.
        let base = ((field - c.least_field).max(0) << c.fraction_bits) + c.offset;
        let floor = base + whole as i32;
        let threshold = if THRESHOLD == FIXED {
            let odd = (floor & 1).wrapping_neg() as u32;
            let (even, by_odd) = (c.even.of(negative), c.odd.of(negative));
            even ^ (odd & (even ^ by_odd))
        } else {
            (!(random << c.random_up | c.random_middle))
                .wrapping_sub(c.random_tie)
                .wrapping_add((random ^ c.random_flip) & c.random_odd)
        };
        let mut magnitude = floor + i32::from(lost > threshold);

        // 4. The code.
        if WRAP {
            // A value of 2^24 units or more has nothing cut off.
            magnitude = shift_left(magnitude as u32, (-distance).max(0) as u32) as i32;
        }
        let complement = negative & c.complement;
        let counted = if WRAP { magnitude } else { magnitude.max(0) } as u32;
        let mut number = (counted ^ complement).wrapping_sub(complement);
        if WRAP {
            let bent = ((number >> 1 ^ number) >> c.fold_shift & 1).wrapping_neg();
            number ^= bent & c.fold;
        }
        let mut code = number & c.mask | bits >> c.sign_shift & c.sign_mask;

        // 5. What the policy says where the magnitude stands for nothing.
        if !WRAP {
            code = if magnitude > c.most.of(negative) as i32 { c.over.of(negative) } else { code };
        }
        let zero = magnitude < c.least || a < c.zero_below.of(negative);
        code = if zero { c.zero.of(negative) } else { code };
        code = if a == INFINITY { c.infinity.of(negative) } else { code };
        let payload = (a & FRACTION) >> (23 - c.fraction_bits) & c.payload;
        if a > INFINITY { c.nan.of(negative) | payload } else { code }
    }
}
