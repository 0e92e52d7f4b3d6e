//! `Q5_0` and `Q5_1`: 32 integers of five bits.
//!
//! The fifth bits are a number of 32 bits, that of element `i` in bit `i`; the low four are in 16 bytes, those of element
//! `i` in the low half of byte `i` and of element `i + 16` in its high half.

use super::half_at;

/// The codes, 0 to 31.
fn codes(fifth: &[u8], low: &[u8]) -> [u8; 32] {
    std::array::from_fn(|i| {
        let four = if i < 16 { low[i] & 0xf } else { low[i - 16] >> 4 };
        four | (fifth[i / 8] >> (i % 8) & 1) << 4
    })
}

/// `(code - 16) d`: `d` as `f16`, fifth bits, low bits.
pub(in super::super) fn q5_0(bytes: &[u8; 22]) -> [f32; 32] {
    let d = half_at(bytes, 0);
    codes(&bytes[2..6], &bytes[6..]).map(|code| (f32::from(code) - 16.0) * d)
}

/// `code d + m`: `d` and `m` as `f16`, fifth bits, low bits.
pub(in super::super) fn q5_1(bytes: &[u8; 24]) -> [f32; 32] {
    let (d, m) = (half_at(bytes, 0), half_at(bytes, 2));
    codes(&bytes[4..8], &bytes[8..]).map(|code| f32::from(code) * d + m)
}
