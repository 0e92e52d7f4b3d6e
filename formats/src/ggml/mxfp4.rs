//! `MXFP4`.

use super::nibbles;
use crate::format::Format;
use crate::real::Real;

/// 32 `e2m1fn` elements and an `e8m0fnu` scale.
///
/// ```text
/// e    = floor(log2f(amax)) - 2 + 127, at least 0; 0 for a block of zeros
/// code = the first with the least |value * 2^(e - 127) - x| in f32: of a tie the one of lesser magnitude, never -0
/// x    = value * 2^(e - 127)
/// ```
///
/// This is not [`GroupFormat::MXFP4`](crate::GroupFormat::MXFP4) under the OCP rules, which rounds ties to even and
/// keeps the sign of zero. `log2f` is taken as correctly rounded.
///
/// ```
/// use fewbit_formats::ggml::BlockMxfp4;
/// let mut x = [0.0; 32];
/// (x[0], x[1], x[16]) = (6.0, -0.25, -1.5);
/// let block = BlockMxfp4::quantize(&x);
/// assert_eq!((block.e, &block.qs[..2]), (127, &[0xb7, 0x00][..])); // 6 and -1.5; -0.25 is a tie
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockMxfp4 {
    /// The scale, an `e8m0fnu`.
    pub e: u8,
    /// The codes, the first half of the block in the low halves.
    pub qs: [u8; 16],
}

const _: () = assert!(size_of::<BlockMxfp4>() == 17);

impl BlockMxfp4 {
    /// The block of these elements.
    #[must_use]
    pub fn quantize(x: &[f32; 32]) -> Self {
        let amax = x.iter().fold(0f32, |amax, x| if amax < x.abs() { x.abs() } else { amax });
        let e = if amax > 0.0 { (floor_log2f(amax) - 2 + 127).clamp(0, 255) as u8 } else { 0 };
        let values = values(e);
        let codes = x.map(|x| nearest(x, &values));
        Self { e, qs: nibbles::pack(&codes) }
    }

    /// The elements.
    #[must_use]
    pub fn dequantize(&self) -> [f32; 32] {
        let values = values(self.e);
        nibbles::unpack(&self.qs).map(|code| values[usize::from(code)])
    }

    /// The bytes as a file holds them.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 17] {
        core::array::from_fn(|i| if i == 0 { self.e } else { self.qs[i - 1] })
    }

    /// The block that a file holds.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 17]) -> Self {
        Self { e: bytes[0], qs: core::array::from_fn(|i| bytes[i + 1]) }
    }
}

/// The value of every code under a scale: twice the element, a whole number, times half the scale.
fn values(e: u8) -> [f32; 16] {
    let half_scale = match e {
        0 | 1 => f32::from_bits(0x0020_0000 << e),
        _ => f32::from_bits((u32::from(e) - 1) << 23),
    };
    core::array::from_fn(|code| {
        let doubled = Format::E2M1FN.decode(code as u32) as f32 * 2.0;
        // ggml's table of elements has no negative zero.
        if doubled == 0.0 { 0.0 * half_scale } else { doubled * half_scale }
    })
}

/// The first code whose value is nearest.
fn nearest(x: f32, values: &[f32; 16]) -> u8 {
    let mut best = (0, (values[0] - x).abs());
    for (code, value) in (0u8..).zip(values) {
        let distance = (value - x).abs();
        if distance < best.1 {
            best = (code, distance);
        }
    }
    best.0
}

/// `floor(log2f(x))` of a positive value, with the logarithm rounded to the nearest `f32` first.
///
/// That matters just below 2^k: with `x = 2^k (1 - m 2^-24)` the logarithm is `k - m 2^-24 log2(e)`, and is rounded to
/// `k` where that is nearer than the next `f32` toward `x`.
fn floor_log2f(x: f32) -> i32 {
    let x = Real::from_f32(x);
    let k = x.exponent() + 1;
    let steps = (1u64 << 24) - (x.significand() >> 40);
    let near = k.unsigned_abs();
    if near == 0 {
        return k - 1;
    }
    // Half the distance of f32 values on the side of `x`, in units of 2^-24.
    let inward = k > 0 && near.is_power_of_two();
    let half_step = f64::from(1u32 << near.ilog2()) * if inward { 0.5 } else { 1.0 };
    if steps as f64 * core::f64::consts::LOG2_E < half_step { k } else { k - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_rounded_before_it_is_cut() {
        assert_eq!(floor_log2f(8f32.next_down()), 3);
        assert_eq!(floor_log2f(4f32.next_down()), 1);
        assert_eq!(floor_log2f(2f32.next_down()), 0);
        assert_eq!(floor_log2f(1f32.next_down()), -1);
        assert_eq!(floor_log2f(8.0), 3);
        // 2^100: half a step is 2^-18, so 44 values below are rounded up.
        let top = 2f32.powi(100);
        assert_eq!(floor_log2f(f32::from_bits(top.to_bits() - 44)), 100);
        assert_eq!(floor_log2f(f32::from_bits(top.to_bits() - 45)), 99);
    }
}
