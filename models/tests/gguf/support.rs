//! Golden files and digests.

use std::io::Read;

/// What a compressed file holds.
pub(crate) fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    bytes
}

/// The digest of `models/tests/golden/gguf`: every value's bits, those of every NaN as 0x7fc00000, times 1, 3, 5, ..., added up.
pub(crate) fn digest<'a>(values: impl IntoIterator<Item = &'a f32>) -> u64 {
    let bits = |x: &f32| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() };
    let terms =
        values.into_iter().zip(0u64..).map(|(x, i)| u64::from(bits(x)).wrapping_mul(2 * i + 1));
    terms.fold(0, u64::wrapping_add)
}

/// The word `splitmix64(i)`.
pub(crate) fn splitmix64(i: u64) -> u64 {
    let z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
