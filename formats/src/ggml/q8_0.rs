//! `Q8_0`.

use super::half;

/// 32 integers from -127 to 127 and a scale.
///
/// ```text
/// d    = amax / 127
/// code = round(x * (1 / d))    ties away from zero
/// x    = code * d              with d as f16
/// ```
///
/// ```
/// use fewbit_formats::ggml::BlockQ8_0;
/// let x = core::array::from_fn(|i| if i == 3 { -127.0 } else { i as f32 });
/// let block = BlockQ8_0::quantize(&x);
/// assert_eq!(block.d, [0x00, 0x3c]); // 1
/// assert_eq!(block.qs[3..5], [-127, 4]);
/// assert_eq!(block.dequantize(), x);
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockQ8_0 {
    /// The scale, an `f16`.
    pub d: [u8; 2],
    /// The codes.
    pub qs: [i8; 32],
}

const _: () = assert!(size_of::<BlockQ8_0>() == 34);

impl BlockQ8_0 {
    /// The block of these elements.
    #[must_use]
    pub fn quantize(x: &[f32; 32]) -> Self {
        let amax = x.iter().fold(0f32, |amax, x| if x.abs() > amax { x.abs() } else { amax });
        let d = amax / 127.0;
        let inverse = half::reciprocal(d);
        let qs = x.map(|x| half::round(x * inverse).clamp(-128, 127) as i8);
        Self { d: half::from_f32(d), qs }
    }

    /// The elements.
    #[must_use]
    pub fn dequantize(&self) -> [f32; 32] {
        let d = half::to_f32(self.d);
        self.qs.map(|code| f32::from(code) * d)
    }

    /// The bytes as a file holds them.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 34] {
        core::array::from_fn(|i| if i < 2 { self.d[i] } else { self.qs[i - 2].cast_unsigned() })
    }

    /// The block that a file holds.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 34]) -> Self {
        let qs = core::array::from_fn(|i| bytes[i + 2].cast_signed());
        Self { d: [bytes[0], bytes[1]], qs }
    }
}
