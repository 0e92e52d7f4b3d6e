//! Integers to the nearest, ties to even, saturated.

use super::end::negative;
use super::{BySign, EncodeLane, INFINITY, MAGNITUDE};

/// An integer of at most 16 bits in units of a power of two.
///
/// The value in units, clamped to the range, is added to 1.5 * 2^23, whose last bit is one unit: the addition of `f32`
/// is the one rounding. The ends are integers, so clamping first is the same as clamping last; a product with the power
/// of two that is not exact lies far below half a unit or beyond the ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EvenInt {
    /// Units of a value of 1.
    pub(crate) unit: f32,
    /// The least integer.
    pub(crate) least: f32,
    /// The greatest integer.
    pub(crate) most: f32,
    /// The bits of a code.
    pub(crate) mask: u32,
    /// The codes of NaN.
    pub(crate) nan: BySign,
}

impl EncodeLane for EvenInt {
    const RANDOM: bool = false;

    #[inline(always)]
    fn code(self, bits: u32, _: u32) -> u32 {
        const SHIFT: f32 = 12_582_912.0;
        let units = f32::from_bits(bits) * self.unit;
        let units = if units < self.least { self.least } else { units };
        let units = if units > self.most { self.most } else { units };
        let number = (units + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits());
        let is_nan = bits & MAGNITUDE > INFINITY;
        if is_nan { self.nan.of(negative(bits)) } else { number & self.mask }
    }
}
