//! Exact arithmetic on `f64` without `std`.

/// `significand * 2^exponent`, which the caller knows to be an `f64`.
#[inline]
pub(crate) const fn scale_by_power_of_two(significand: u32, exponent: i32) -> f64 {
    let power = if exponent >= -1022 {
        f64::from_bits(((exponent + 1023) as u64) << 52)
    } else {
        f64::from_bits(1 << (exponent + 1074))
    };
    significand as f64 * power
}
