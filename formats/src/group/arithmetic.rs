//! Products, sums and quotients of [`Real`]s that are exact, or cut as [`Real::from_scaled`] cuts.

use crate::real::{Class, Real};
use crate::scale::{ScaleArithmetic, exact_quotient, to_f32};

/// `x * y` of finite values, not negative.
pub(super) fn product(x: Real, y: Real) -> Real {
    let significand = u128::from(x.significand()) * u128::from(y.significand());
    Real::from_scaled(false, significand, x.exponent() + y.exponent() - 126)
}

/// `x + y` of finite values, not negative.
pub(super) fn sum(x: Real, y: Real) -> Real {
    let (larger, smaller) =
        if is_zero(x) || !is_zero(y) && x.exponent() < y.exponent() { (y, x) } else { (x, y) };
    if is_zero(smaller) {
        return larger;
    }
    // The leading one of the larger in bit 126: there is room for a carry, and 63 bits below.
    let aligned = u128::from(larger.significand()) << 63;
    let addend = shifted_right(
        u128::from(smaller.significand()) << 63,
        larger.exponent() - smaller.exponent(),
    );
    Real::from_scaled(false, aligned + addend, larger.exponent() - 126)
}

/// `x + n` of a finite value and an integer of at most 17 bits.
pub(super) fn plus_integer(x: Real, n: i64) -> Real {
    /// Fraction bits of the sum; the last one stands for everything below.
    const FRACTION: i32 = 64;
    if is_zero(x) {
        return if n == 0 { x } else { Real::from(n) };
    }
    if x.exponent() >= 40 {
        // So far beyond every code that the integer makes no difference.
        return x;
    }
    // x = significand * 2^(exponent - 63), in units of 2^-64.
    let up = x.exponent() - 63 + FRACTION;
    let significand = u128::from(x.significand());
    let magnitude = if up >= 0 { significand << up } else { shifted_right(significand, -up) };
    let signed = if x.is_negative() { -(magnitude as i128) } else { magnitude as i128 };
    let total = signed + (i128::from(n) << FRACTION);
    if total == 0 {
        Real::zero(false)
    } else {
        Real::from_scaled(total < 0, total.unsigned_abs(), -FRACTION)
    }
}

/// `x / 2^shift`, the last bit set if a one was cut off.
fn shifted_right(x: u128, shift: i32) -> u128 {
    match shift {
        ..128 => x >> shift | u128::from(x & ((1 << shift) - 1) != 0),
        128.. => u128::from(x != 0),
    }
}

pub(super) fn is_zero(x: Real) -> bool {
    x.class() == Class::Zero
}

impl ScaleArithmetic {
    /// `amax / (largest * outer)`, where `inverse` is what stands for `1 / outer`.
    ///
    /// ```text
    /// exact            amax / (largest * outer)
    /// f32-divide       f32(f32(amax / largest) / outer)
    /// f32-reciprocal   f32(amax * f32(inverse * f32(1 / largest)))
    /// ```
    pub(super) fn ratio(self, amax: Real, largest: Real, outer: f32, inverse: f32) -> Real {
        match self {
            Self::Exact => exact_quotient(amax, product(largest, Real::from_f32(outer))),
            Self::F32Divide => Real::from_f32(to_f32(amax) / to_f32(largest) / outer),
            Self::F32Reciprocal => {
                Real::from_f32(to_f32(amax) * (inverse * (1.0 / to_f32(largest))))
            }
        }
    }

    /// `high - low`, where zero lies between them.
    pub(super) fn extent(self, low: f32, high: f32) -> Real {
        match self {
            Self::Exact => sum(Real::from_f32(high), Real::from_f32(-low)),
            Self::F32Divide | Self::F32Reciprocal => Real::from_f32(high - low),
        }
    }

    /// `x + n`.
    pub(super) fn shift(self, x: Real, n: i64) -> Real {
        match self {
            Self::Exact => plus_integer(x, n),
            Self::F32Divide | Self::F32Reciprocal => Real::from_f32(to_f32(x) + n as f32),
        }
    }
}
