//! `Q4_0`.

use super::{half, nibbles};

/// 32 integers from -8 to 7, each stored with 8 added, and a scale that gives the element of the largest magnitude -8.
///
/// ```text
/// d    = m / -8            m: the first element of the largest magnitude
/// code = min(15, trunc(x * (1 / d) + 8.5))
/// x    = (code - 8) * d    with d as f16
/// ```
///
/// ```
/// use fewbit_formats::ggml::BlockQ4_0;
/// let mut x = [0.0; 32];
/// (x[0], x[1], x[16]) = (-4.0, 1.0, 3.5);
/// let block = BlockQ4_0::quantize(&x);
/// assert_eq!(block.d, [0x00, 0x38]); // 0.5
/// assert_eq!(block.qs[..2], [0xf0, 0x8a]); // -8 and 7, then 2 and 0
/// assert_eq!(block.dequantize(), x);
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockQ4_0 {
    /// The scale, an `f16`.
    pub d: [u8; 2],
    /// The codes, the first half of the block in the low halves.
    pub qs: [u8; 16],
}

const _: () = assert!(size_of::<BlockQ4_0>() == 18);

impl BlockQ4_0 {
    /// The block of these elements.
    #[must_use]
    pub fn quantize(x: &[f32; 32]) -> Self {
        let (mut magnitude, mut most) = (0f32, 0f32);
        for &x in x {
            if magnitude < x.abs() {
                (magnitude, most) = (x.abs(), x);
            }
        }
        let d = most / -8.0;
        let inverse = half::reciprocal(d);
        let codes = x.map(|x| match x * inverse {
            scaled if scaled.is_nan() => 8,
            scaled => nibbles::truncated(scaled + 8.5),
        });
        Self { d: half::from_f32(d), qs: nibbles::pack(&codes) }
    }

    /// The elements.
    #[must_use]
    pub fn dequantize(&self) -> [f32; 32] {
        let d = half::to_f32(self.d);
        nibbles::unpack(&self.qs).map(|code| (f32::from(code) - 8.0) * d)
    }

    /// The bytes as a file holds them.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 18] {
        core::array::from_fn(|i| if i < 2 { self.d[i] } else { self.qs[i - 2] })
    }

    /// The block that a file holds.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 18]) -> Self {
        Self { d: [bytes[0], bytes[1]], qs: core::array::from_fn(|i| bytes[i + 2]) }
    }
}
