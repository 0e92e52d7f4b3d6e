//! `TQ2_0`.

use super::half;

/// 256 integers from -1 to 1, each stored in two bits with 1 added, and a scale.
///
/// ```text
/// d    = amax
/// code = round(x * (1 / d)) + 1    ties away from zero
/// x    = (code - 1) * d            with d as f16
/// ```
///
/// ```
/// use fewbit_formats::ggml::BlockTq2_0;
/// let mut x = [0.0; 256];
/// (x[0], x[32], x[200]) = (2.0, -2.0, 0.9);
/// let block = BlockTq2_0::quantize(&x);
/// assert_eq!(block.qs[0], 0b01_01_00_10); // elements 96, 64, 32 and 0
/// assert_eq!((block.dequantize()[32], block.dequantize()[200]), (-2.0, 0.0));
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockTq2_0 {
    /// The codes: element `128 h + i + 32 n` in bits `2 n` of byte `32 h + i`.
    pub qs: [u8; 64],
    /// The scale, an `f16`.
    pub d: [u8; 2],
}

const _: () = assert!(size_of::<BlockTq2_0>() == 66);

/// The element whose code is in bits `2 n` of a byte.
fn element(byte: usize, n: usize) -> usize {
    byte / 32 * 128 + byte % 32 + 32 * n
}

impl BlockTq2_0 {
    /// The block of these elements.
    #[must_use]
    pub fn quantize(x: &[f32; 256]) -> Self {
        let d = x.iter().fold(0f32, |amax, x| if x.abs() > amax { x.abs() } else { amax });
        let inverse = half::reciprocal(d);
        let code = |x: f32| (half::round(x * inverse).clamp(-1, 1) + 1) as u8;
        let qs = core::array::from_fn(|byte| {
            (0..4).fold(0, |bits, n| bits | code(x[element(byte, n)]) << (2 * n))
        });
        Self { qs, d: half::from_f32(d) }
    }

    /// The elements.
    #[must_use]
    pub fn dequantize(&self) -> [f32; 256] {
        let d = half::to_f32(self.d);
        let mut x = [0.0; 256];
        for (byte, bits) in self.qs.iter().enumerate() {
            for n in 0..4 {
                x[element(byte, n)] = (f32::from(bits >> (2 * n) & 3) - 1.0) * d;
            }
        }
        x
    }

    /// The bytes as a file holds them.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 66] {
        core::array::from_fn(|i| if i < 64 { self.qs[i] } else { self.d[i - 64] })
    }

    /// The block that a file holds.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 66]) -> Self {
        Self { qs: core::array::from_fn(|i| bytes[i]), d: [bytes[64], bytes[65]] }
    }
}
