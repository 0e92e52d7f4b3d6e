//! Codes in the place of sums.

/// What makes codes of the sums of a convolution.
pub trait Finish: Sync {
    /// Writes the codes of sums of an output channel, such as those at all positions of an image, row by row; `false` where it
    /// cannot.
    fn finish(&self, channel: usize, sums: &[i32], codes: &mut [u8]) -> bool;

    /// The same as one product for most sums, where it is.
    fn linear(&self) -> Option<&LinearCodes> {
        None
    }
}

/// Codes that are nearly linear in sums: of a sum `s` of channel `c`, with `n = max(s + plus[c], least)`, the whole number next to
///
/// ```text
/// x = clamp(n * factor[c] + zero_point, low, high)
/// ```
///
/// in `f32`, unless `x` is further than `sure` from it: the code is then what [`Finish::finish`] says. So whoever knows how far `x`
/// may be from what the code is defined by has exact codes at the price of a product.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearCodes {
    /// Of every output channel: what is added to its sums, at most [`Self::GREATEST_PLUS`] in magnitude, and the factor.
    pub channels: Vec<(i32, f32)>,
    /// The least number: 0 behind ReLU.
    pub least: i32,
    /// The code of zero.
    pub zero_point: f32,
    /// The least code, at least -128.
    pub low: f32,
    /// The greatest code, at most 255.
    pub high: f32,
    /// How far from a whole number `x` may lie, at most 1/2.
    pub sure: f32,
}

impl LinearCodes {
    /// With a sum below `2^30`, what is added at most leaves it in 32 bits.
    pub const GREATEST_PLUS: u32 = 1 << 30;

    /// Whether all summands leave room for the sums.
    pub(super) fn has_room(&self) -> bool {
        self.channels.iter().all(|(plus, _)| plus.unsigned_abs() <= Self::GREATEST_PLUS)
    }
}
