//! Rounded logarithms and powers of two.

use fewbit_formats::Rounding;

/// `round(log2 x)` with the logarithm rounded to f32 first.
pub(crate) fn round_log2(x: f32, rounding: Rounding) -> f32 {
    let log = f64::from(x).log2() as f32;
    match rounding {
        Rounding::Down => log.floor(),
        Rounding::Up => log.ceil(),
        _ => log.round_ties_even(),
    }
}

/// `round(log2 x)` of the exact logarithm, for a positive finite `x`; as [`round_log2`] for all others.
pub(crate) fn round_log2_exact(x: f32, rounding: Rounding) -> f32 {
    if !(x > 0.0 && x.is_finite()) {
        return round_log2(x, rounding);
    }
    // Exact in f64, where every f32 is a normal number.
    let bits = f64::from(x).to_bits();
    let (exponent, fraction) = ((bits >> 52) as i32 - 1023, bits & ((1 << 52) - 1));
    // Of sqrt(2), whose fraction no f32 has.
    const SQRT_2: u64 = 0x6_a09e_667f_3bcd;
    let up = match rounding {
        Rounding::Down => false,
        Rounding::Up => fraction != 0,
        _ => fraction > SQRT_2,
    };
    (exponent + i32::from(up)) as f32
}

/// `2^exponent` for a whole number, infinity, or NaN; 0 and infinity beyond the range of f32.
pub(crate) fn exp2_integer(exponent: f32) -> f32 {
    if exponent.is_nan() {
        return exponent;
    }
    // Within the normal range of f64; rounding to f32 is exact down to 2^-149.
    let exponent = exponent.clamp(-200.0, 200.0) as i64;
    f64::from_bits(((1023 + exponent) as u64) << 52) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_exact() {
        for exponent in -149..=127 {
            let x = exp2_integer(exponent as f32);
            assert_eq!(f64::from(x), 2f64.powi(exponent));
        }
    }

    #[test]
    fn beyond_the_range_are_zero_and_infinity() {
        assert_eq!(exp2_integer(-150.0), 0.0);
        assert_eq!(exp2_integer(128.0), f32::INFINITY);
        assert_eq!(exp2_integer(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp2_integer(f32::NEG_INFINITY), 0.0);
        assert!(exp2_integer(f32::NAN).is_nan());
    }
}
