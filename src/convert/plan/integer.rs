//! The lane for integers and fixed point, rounded to nearest even and saturated.

use fewbit_formats::{
    Excerpt, Format, IntFormat, IntRange, Policy, Real, Rounding, Signedness, SubnormalInput,
};

use super::EncodePlan;
use super::asked::{LANE_BITS, asked_by_sign, by_sign, huge};
use crate::convert::lane::EvenInt;

/// Beyond this many fraction bits, values that are subnormal as `f32` could matter.
const FRACTION_BITS: i32 = 100;

/// The integers that a format's codes are, and their fraction bits.
pub(super) fn integers(format: Format) -> Option<(IntFormat, i32)> {
    match format {
        Format::Int(int) => Some((int, 0)),
        Format::Fixed(fixed) => Some((fixed.integer(), fixed.fraction_bits())),
        Format::Ternary => {
            let name = Excerpt::new("ternary");
            Some((IntFormat::new(2, Signedness::Signed, IntRange::Narrow, name).ok()?, 0))
        }
        _ => None,
    }
}

/// The lane of an integer or fixed-point format, where the policy saturates.
pub(super) fn plan(format: Format, policy: &Policy) -> Option<EncodePlan> {
    let (int, fraction_bits) = integers(format)?;
    let over = asked_by_sign(format, policy, huge);
    let values = over.map(|code| int.value(code));
    let [Some(most), Some(least)] = values else { return None };
    // Everything beyond the ends becomes the ends; both are integers of at most 16 bits.
    let saturates = most == int.max() && (least == int.min() || least == -int.max());
    let fits = int.bits() <= LANE_BITS
        && fraction_bits.abs() <= FRACTION_BITS
        && policy.rounding == Rounding::TiesEven
        && policy.subnormal_input == SubnormalInput::Keep
        && saturates
        && most > least
        && asked_by_sign(format, policy, Real::infinity) == over;
    fits.then(|| {
        EncodePlan::EvenInt(EvenInt {
            unit: 2f32.powi(fraction_bits),
            least: least as f32,
            most: most as f32,
            mask: ((1u64 << int.bits()) - 1) as u32,
            nan: by_sign(asked_by_sign(format, policy, Real::nan)),
        })
    })
}
