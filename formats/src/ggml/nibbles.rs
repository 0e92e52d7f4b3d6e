//! Two codes of four bits in a byte.

/// Codes `i` and `i + 16` in byte `i`, the first one low.
pub(super) fn pack(codes: &[u8; 32]) -> [u8; 16] {
    core::array::from_fn(|i| codes[i] & 0xf | codes[i + 16] << 4)
}

/// The inverse of [`pack`].
pub(super) fn unpack(bytes: &[u8; 16]) -> [u8; 32] {
    core::array::from_fn(|i| if i < 16 { bytes[i] & 0xf } else { bytes[i - 16] >> 4 })
}

/// `x` without its fraction, within 0 to 15; 0 for NaN.
pub(super) fn truncated(x: f32) -> u8 {
    (x as i32).clamp(0, 15) as u8
}
