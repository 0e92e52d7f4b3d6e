//! Logarithms rounded to f32, and powers of two.

use fewbit_formats::Rounding;

/// `log2 x`, rounded to f32.
pub(crate) fn log2(x: f32) -> f32 {
    f64::from(x).log2() as f32
}

/// `round(log2 x)` with the logarithm rounded to f32 first.
pub(crate) fn round_log2(x: f32, rounding: Rounding) -> f32 {
    let log = log2(x);
    match rounding {
        Rounding::Down => log.floor(),
        Rounding::Up => log.ceil(),
        _ => log.round_ties_even(),
    }
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
