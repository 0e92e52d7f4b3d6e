//! `Q4_K`, `Q5_K`, `Q6_K`: 256 elements under scales that are integers themselves.

use super::half_at;

/// Scales and minima of eight groups of 32, each a number of six bits, in 12 bytes.
///
/// Scale `j` and minimum `j` of the first four groups are the low six bits of bytes `j` and `4 + j`. Those of group `4 + j`
/// have their low four bits in the low and the high half of byte `8 + j`, and their upper two in the upper two of bytes `j`
/// and `4 + j`.
fn scales_and_minima(bytes: &[u8]) -> [(u8, u8); 8] {
    std::array::from_fn(|group| {
        let j = group % 4;
        let (scale, minimum, shared) = (bytes[j], bytes[4 + j], bytes[8 + j]);
        if group < 4 {
            (scale & 0x3f, minimum & 0x3f)
        } else {
            (shared & 0xf | scale >> 6 << 4, shared >> 4 | minimum >> 6 << 4)
        }
    })
}

/// Four bits of element `i`: groups of 64 elements in 32 bytes, the first half of a group in the low halves.
fn low_bits(bytes: &[u8], i: usize) -> u8 {
    bytes[i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4) & 0xf
}

/// `(d scale) code - (dmin minimum)`.
fn scaled(d: f32, dmin: f32, scales: &[u8], code: impl Fn(usize) -> u8) -> [f32; 256] {
    let groups = scales_and_minima(scales)
        .map(|(scale, minimum)| (d * f32::from(scale), dmin * f32::from(minimum)));
    std::array::from_fn(|i| {
        let (scale, minimum) = groups[i / 32];
        scale * f32::from(code(i)) - minimum
    })
}

/// `d` and `dmin` as `f16`, scales and minima in 12 bytes, codes of four bits in 128.
pub(in super::super) fn q4_k(bytes: &[u8; 144]) -> [f32; 256] {
    let codes = &bytes[16..];
    scaled(half_at(bytes, 0), half_at(bytes, 2), &bytes[4..16], |i| low_bits(codes, i))
}

/// As [`q4_k`], with the fifth bits in 32 bytes before the codes: that of element `i` is bit `i / 32` of byte `i % 32`.
pub(in super::super) fn q5_k(bytes: &[u8; 176]) -> [f32; 256] {
    let (fifth, codes) = (&bytes[16..48], &bytes[48..]);
    scaled(half_at(bytes, 0), half_at(bytes, 2), &bytes[4..16], |i| {
        low_bits(codes, i) | (fifth[i % 32] >> (i / 32) & 1) << 4
    })
}

/// `(d scale) (code - 32)`: low four bits in 128 bytes, upper two in 64, 16 scales as `i8`, `d` as `f16`.
///
/// In each half of 128 elements, element `i` has its low bits in byte `i % 64` of 64, the first 64 elements in the low
/// halves, and its upper bits in bits `i / 32 * 2` of byte `i % 32` of 32.
pub(in super::super) fn q6_k(bytes: &[u8; 210]) -> [f32; 256] {
    let (low, upper, scales) = (&bytes[..128], &bytes[128..192], &bytes[192..208]);
    let d = half_at(bytes, 208);
    std::array::from_fn(|element| {
        let (half, i) = (element / 128, element % 128);
        let four = low[half * 64 + i % 64] >> (i / 64 * 4) & 0xf;
        let two = upper[half * 32 + i % 32] >> (i / 32 * 2) & 3;
        let scale = d * f32::from(scales[element / 16].cast_signed());
        scale * (f32::from(four | two << 4) - 32.0)
    })
}
