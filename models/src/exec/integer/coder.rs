//! Codes of whole numbers times a scale, without a division for most.
//!
//! The quantizer divides `n s` by its scale `t`, and rounds three times on the way: of the product, the quotient and the sum with
//! the zero point. The product of `n` with `s / t` and the same sum differ from it by less than `2^-12` wherever the code is
//! not an end of the range: four roundings of at most `2^-24` of a number below `2^9`, and two sums of half a last place, which is
//! `2^-16` below `2^8`. Without a zero point the number is below `2^8` and the sums are exact: less than `2^-13`. So the
//! code is the same unless what is rounded lies that near to the middle of two whole numbers; there, the quantizer is asked.

use fewbit::LinearCodes;

use crate::ops::static_integer::StaticInteger;

/// The codes that `plan` gives to sums with a summand and a scale of each channel, which are at least `least`; `None` where that is
/// no product for most.
pub(super) fn linear(
    plan: &StaticInteger,
    scales: impl Iterator<Item = f32>,
    plus: &[i32],
    least: i32,
) -> Option<LinearCodes> {
    let (zero_point, (low, high)) = (plan.zero_point(), plan.ends());
    // Far from where products and quotients lose digits.
    let far = |x: f32| (2f32.powi(-100)..2f32.powi(100)).contains(&x.abs());
    let channel = |(&plus, scale): (&i32, f32)| {
        let factor = scale / plan.scale();
        let fits =
            far(factor) && scale.is_normal() && plus.unsigned_abs() <= LinearCodes::GREATEST_PLUS;
        fits.then_some((plus, factor))
    };
    let channels = plus.iter().zip(scales).map(channel).collect::<Option<Vec<_>>>()?;
    let is_byte = low >= -128.0 && high <= 255.0 && zero_point.abs() <= 256.0;
    let error = 2f32.powi(if zero_point == 0.0 { -13 } else { -12 });
    is_byte.then_some(LinearCodes { channels, least, zero_point, low, high, sure: 0.5 - error })
}
