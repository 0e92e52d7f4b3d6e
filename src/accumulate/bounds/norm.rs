//! Bounds from the norm of the weights, and from data types alone.
//!
//! They know less than the exact worst case and are here to stand beside it. Each is stated in its paper over
//! logarithms; here in integers, which is the same without rounding error: `a + log2(1 + 2^-a) = log2(2^a + 1)`.

use super::range::{DataType, Sign};

/// The weight bound of A2Q: `P >= b + log2(1 + 2^-b) + 1` with `b = log2(norm) + N - signed(x)`.
///
/// That is `ceil(log2(norm * 2^(N - signed(x)) + 1)) + 1`. `norm` is the sum of the magnitudes of the integer weights.
/// It holds for every input that its type can hold. Source: Colbert, Pappalardo and Petri-Koenig, "A2Q:
/// Accumulator-Aware Quantization with Guaranteed Overflow Avoidance", ICCV 2023.
///
/// ```
/// use fewbit::accumulate::bounds::{DataType, Sign, a2q_bits};
/// // 10 * 2^8 + 1 = 2561 <= 2^12
/// assert_eq!(a2q_bits(10, DataType { bits: 8, sign: Sign::Unsigned }), 13);
/// ```
pub fn a2q_bits(norm: u128, input: DataType) -> u32 {
    let shift = input.bits.saturating_sub(u32::from(input.sign == Sign::Signed));
    ceil_log2(shifted(norm, shift).saturating_add(1)) + 1
}

/// The bound of A2Q+: the least `P` with `norm <= (2^P - 2) / (2^N - 1)`.
///
/// That is `ceil(log2(norm * (2^N - 1) + 2))`. It presumes zero-centred weights: that the positive weights and the
/// negative ones each sum to at most half of the norm's limit. **For other weights it can be too small**; the exact
/// worst case tells. Source: Colbert, Pappalardo, Petri-Koenig and Umuroglu, "A2Q+: Improving Accumulator-Aware Weight
/// Quantization", ICML 2024.
///
/// ```
/// use fewbit::accumulate::bounds::{DataType, Sign, a2q_plus_bits};
/// // 10 * 255 + 2 = 2552 <= 2^12
/// assert_eq!(a2q_plus_bits(10, DataType { bits: 8, sign: Sign::Unsigned }), 12);
/// ```
pub fn a2q_plus_bits(norm: u128, input: DataType) -> u32 {
    if norm == 0 {
        return 1;
    }
    ceil_log2((shifted(norm, input.bits) - norm).saturating_add(2))
}

/// The data-type bound of A2Q: `P >= a + log2(1 + 2^-a) + 1` with `a = log2(K) + N + M - 1 - signed(x)`.
///
/// It knows nothing but the depth `K`, the weights' `M` bits (two's complement) and the inputs' type.
///
/// ```
/// use fewbit::accumulate::bounds::{DataType, Sign, data_type_bits};
/// // 4096 * 2^(8 + 4 - 1) + 1 = 2^23 + 1 <= 2^24
/// assert_eq!(data_type_bits(4096, 4, DataType { bits: 8, sign: Sign::Unsigned }), 25);
/// ```
pub fn data_type_bits(depth: u64, weight_bits: u32, input: DataType) -> u32 {
    a2q_bits(shifted(depth.into(), weight_bits.saturating_sub(1)), input)
}

/// `value * 2^shift`, or the greatest number where that is beyond 128 bits.
fn shifted(value: u128, shift: u32) -> u128 {
    if value == 0 || value.leading_zeros() > shift { value << shift } else { u128::MAX }
}

/// The least `n` with `2^n >= value`; 0 for 0.
const fn ceil_log2(value: u128) -> u32 {
    u128::BITS - value.saturating_sub(1).leading_zeros()
}
