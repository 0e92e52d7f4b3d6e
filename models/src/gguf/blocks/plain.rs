//! Elements of their own.

/// An `f32`.
pub(in super::super) fn f32(bytes: &[u8; 4]) -> [f32; 1] {
    [f32::from_le_bytes(*bytes)]
}

/// An `f16`.
pub(in super::super) fn f16(bytes: &[u8; 2]) -> [f32; 1] {
    [half::f16::from_le_bytes(*bytes).to_f32()]
}

/// A `bf16`: the upper half of an `f32`.
pub(in super::super) fn bf16(bytes: &[u8; 2]) -> [f32; 1] {
    [f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16)]
}
