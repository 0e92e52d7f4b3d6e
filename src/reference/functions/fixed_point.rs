//! gemmlowp's functions on fixed point of 32 bits (`fixedpoint/fixedpoint.h`, google/gemmlowp at 032a599).
//!
//! A number of `m` integer bits is an i32 in units of 2^(m-31). What C leaves undefined, an overflow of a sum, does not occur
//! on the domains stated; elsewhere it wraps here.

use super::super::gemmlowp::{divided_ties_away, high_product};

/// 1 of no integer bits: the greatest number, 1 - 2^-31.
const ONE: i32 = i32::MAX;

/// `exp(a)` for `a <= 0` of `integer_bits` integer bits, 0 to 29; the result has none.
///
/// ```text
/// a = r - s,  -1/4 <= r < 0,  s a multiple of 1/4
/// exp(r) by Taylor's series of degree 4 about -1/8
/// times exp(-1/4), exp(-1/2), exp(-1), ... exp(-16) for the bits of s
/// ```
///
/// 0 gives 1 - 2^-31. With more than 5 integer bits numbers below -32 give 0.
///
/// ```
/// use fewbit::reference::functions::gemmlowp_exp;
/// let a = -1 << 26; // -1 in units of 2^-26
/// let expected = (-1f64).exp() * 2f64.powi(31);
/// assert!((f64::from(gemmlowp_exp(a, 5)) - expected).abs() < 600.0); // the error of the series
/// ```
#[must_use]
pub fn gemmlowp_exp(a: i32, integer_bits: u32) -> i32 {
    /// exp(-2^e) in units of 2^-31, from e = -2 on.
    const FACTORS: [i32; 7] = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242];
    let integer_bits = integer_bits.min(29);
    let fraction_bits = 31 - integer_bits;
    let quarter = 1 << (fraction_bits - 2);
    let part = (a & (quarter - 1)) - quarter;
    let mut result = exp_between_minus_quarter_and_0(shifted_left(part, integer_bits));
    let rest = part.wrapping_sub(a);
    for (place, factor) in (0..).zip(FACTORS) {
        // The bit of 2^(place - 2), where the format has it.
        if place < integer_bits + 2 && rest & 1 << (fraction_bits + place - 2) != 0 {
            result = product(result, factor);
        }
    }
    if integer_bits > 5 && a < -(1 << (36 - integer_bits)) {
        result = 0;
    }
    if a == 0 { ONE } else { result }
}

/// `exp(a)` on [-1/4, 0), no integer bits.
fn exp_between_minus_quarter_and_0(a: i32) -> i32 {
    const EXP_MINUS_EIGHTH: i32 = 1895147668;
    const THIRD: i32 = 715827883;
    let x = a.wrapping_add(1 << 28);
    let x2 = product(x, x);
    let x3 = product(x2, x);
    let x4 = product(x2, x2);
    // x^2 / 2 + x^3 / 6 + x^4 / 24
    let beyond = divided(product(divided(x4, 2).wrapping_add(x3), THIRD).wrapping_add(x2), 1);
    EXP_MINUS_EIGHTH.wrapping_add(product(EXP_MINUS_EIGHTH, x.wrapping_add(beyond)))
}

/// `1 / (1 + a)` for `a` in [0, 1), no integer bits: three steps of Newton's division.
///
/// ```
/// use fewbit::reference::functions::gemmlowp_reciprocal;
/// let half = gemmlowp_reciprocal(i32::MAX); // 1 / (1 + 1)
/// assert!((half - (1 << 30)).abs() < 100);
/// ```
#[must_use]
pub fn gemmlowp_reciprocal(a: i32) -> i32 {
    // In [1/2, 1] of 2 integer bits; half of it has 1 of them.
    shifted_left(twice_reciprocal(a), 1)
}

/// `2 / (1 + a)` of 2 integer bits.
fn twice_reciprocal(a: i32) -> i32 {
    const FORTY_EIGHT_17THS: i32 = 1515870810;
    const MINUS_THIRTY_TWO_17THS: i32 = -1010580540;
    let half_denominator = half_sum(a, ONE);
    let mut x = FORTY_EIGHT_17THS.wrapping_add(product(half_denominator, MINUS_THIRTY_TWO_17THS));
    for _ in 0..3 {
        let rest = (1i32 << 29).wrapping_sub(product(half_denominator, x));
        // A product of 4 integer bits, brought to 2.
        x = x.wrapping_add(shifted_left(product(x, rest), 2));
    }
    x
}

/// `tanh(a)` of `integer_bits` integer bits, 0 to 28; the result has none.
///
/// `-(1 - e) / (1 + e)` with `e = exp(2 a)` for negative numbers; odd.
///
/// ```
/// use fewbit::reference::functions::gemmlowp_tanh;
/// assert_eq!(gemmlowp_tanh(0, 4), 0);
/// let a = 1 << 27; // 1 in units of 2^-27
/// assert_eq!(gemmlowp_tanh(a, 4), -gemmlowp_tanh(-a, 4));
/// assert!((f64::from(gemmlowp_tanh(a, 4)) - 1f64.tanh() * 2f64.powi(31)).abs() < 200.0);
/// ```
#[must_use]
pub fn gemmlowp_tanh(a: i32, integer_bits: u32) -> i32 {
    let negative = if a < 0 { a } else { -a };
    let e = gemmlowp_exp(negative, integer_bits.min(28) + 1);
    let tanh = shifted_left(twice_reciprocal(e).wrapping_sub(1 << 29), 2);
    match a {
        0 => 0,
        ..0 => tanh.wrapping_neg(),
        _ => tanh,
    }
}

/// `1 / (1 + exp(-a))` of `integer_bits` integer bits, 0 to 29; the result has none.
///
/// Negative numbers have 1 - 2^-31 less the result of their magnitude; 0 has 2^30.
///
/// ```
/// use fewbit::reference::functions::gemmlowp_logistic;
/// assert_eq!(gemmlowp_logistic(0, 4), 1 << 30);
/// let a = 1 << 27; // 1 in units of 2^-27
/// assert_eq!(gemmlowp_logistic(-a, 4), i32::MAX - gemmlowp_logistic(a, 4));
/// ```
#[must_use]
pub fn gemmlowp_logistic(a: i32, integer_bits: u32) -> i32 {
    let negative = if a < 0 { a } else { -a };
    let of_magnitude = gemmlowp_reciprocal(gemmlowp_exp(negative, integer_bits));
    match a {
        0 => 1 << 30,
        ..0 => ONE - of_magnitude,
        _ => of_magnitude,
    }
}

/// `SaturatingRoundingDoublingHighMul`.
pub(super) fn product(a: i32, b: i32) -> i32 {
    // The one product that 32 bits do not hold is (-2^31)^2.
    high_product(a.into(), b.into()).min(ONE.into()) as i32
}

/// `RoundingDivideByPOT`.
pub(super) fn divided(a: i32, bits: u32) -> i32 {
    // No larger than `a`.
    divided_ties_away(a.into(), bits as i32) as i32
}

/// `SaturatingRoundingMultiplyByPOT` to the left.
fn shifted_left(a: i32, bits: u32) -> i32 {
    (i64::from(a) << bits).clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

/// `RoundingHalfSum`: `(a + b) / 2` to the nearest, ties away from zero.
fn half_sum(a: i32, b: i32) -> i32 {
    let sum = i64::from(a) + i64::from(b);
    // C's division truncates.
    ((sum + if sum >= 0 { 1 } else { -1 }) / 2) as i32
}
