//! Two's complement widths and ranges.

/// The range `[-2^(bits-1), 2^(bits-1) - 1]` of a two's complement register of `bits` bits.
///
/// `bits` must lie in `1..=127`.
///
/// ```
/// assert_eq!(fewbit::accumulate::int_range(16), (-32768, 32767));
/// ```
pub const fn int_range(bits: u32) -> (i128, i128) {
    let half = 1i128 << (bits - 1);
    (-half, half - 1)
}

/// The smallest two's complement width that holds `value`; 1 for 0 and for -1.
///
/// ```
/// use fewbit::accumulate::required_bits;
/// assert_eq!([0, -1, 1, 127, 128, -128, -129].map(required_bits), [1, 1, 2, 8, 9, 8, 9]);
/// ```
pub const fn required_bits(value: i128) -> u32 {
    let magnitude = if value < 0 { !value } else { value };
    i128::BITS - magnitude.leading_zeros() + 1
}

/// The smallest two's complement width that holds every value of `min..=max`.
pub const fn required_bits_of_range(min: i128, max: i128) -> u32 {
    let (low, high) = (required_bits(min), required_bits(max));
    if low > high { low } else { high }
}
