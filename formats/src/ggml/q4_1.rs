//! `Q4_1`.

use super::{half, nibbles};

/// 32 integers from 0 to 15, a scale, and the value of code 0.
///
/// ```text
/// d    = (max - min) / 15
/// code = min(15, trunc((x - min) * (1 / d) + 0.5))
/// x    = code * d + m    with d and m = min as f16; two roundings
/// ```
///
/// ```
/// use fewbit_formats::ggml::BlockQ4_1;
/// let x = core::array::from_fn(|i| 2.0 + (i % 16) as f32);
/// let block = BlockQ4_1::quantize(&x);
/// assert_eq!((block.d, block.m), ([0x00, 0x3c], [0x00, 0x40])); // 1 and 2
/// assert_eq!(block.qs[5], 0x55);
/// assert_eq!(block.dequantize(), x);
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockQ4_1 {
    /// The scale, an `f16`.
    pub d: [u8; 2],
    /// The minimum, an `f16`.
    pub m: [u8; 2],
    /// The codes, the first half of the block in the low halves.
    pub qs: [u8; 16],
}

const _: () = assert!(size_of::<BlockQ4_1>() == 20);

impl BlockQ4_1 {
    /// The block of these elements.
    #[must_use]
    pub fn quantize(x: &[f32; 32]) -> Self {
        let (mut min, mut max) = (f32::MAX, f32::MIN);
        for &x in x {
            min = if x < min { x } else { min };
            max = if x > max { x } else { max };
        }
        let d = (max - min) / 15.0;
        let inverse = half::reciprocal(d);
        let codes = x.map(|x| nibbles::truncated((x - min) * inverse + 0.5));
        Self { d: half::from_f32(d), m: half::from_f32(min), qs: nibbles::pack(&codes) }
    }

    /// The elements.
    #[must_use]
    pub fn dequantize(&self) -> [f32; 32] {
        let (d, m) = (half::to_f32(self.d), half::to_f32(self.m));
        nibbles::unpack(&self.qs).map(|code| f32::from(code) * d + m)
    }

    /// The bytes as a file holds them.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 20] {
        core::array::from_fn(|i| match i {
            0..2 => self.d[i],
            2..4 => self.m[i - 2],
            _ => self.qs[i - 4],
        })
    }

    /// The block that a file holds.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 20]) -> Self {
        let qs = core::array::from_fn(|i| bytes[i + 4]);
        Self { d: [bytes[0], bytes[1]], m: [bytes[2], bytes[3]], qs }
    }
}
