//! Values with their bias, within what a lane takes.

use super::chunk::OddBlocks;
use super::columns::{BLOCK, Blocks, OfBlock};
use crate::simd::Vectorized;

/// Adds the bias, the last of the constants, to a chunk.
pub(super) struct Sums<'a, X, C> {
    pub(super) x: &'a [X],
    pub(super) sums: &'a mut [i64],
    pub(super) bias: C,
    /// The first block's number in the row.
    pub(super) first: usize,
    /// The least and the greatest sum that the lane takes, at most 2^62 in magnitude.
    pub(super) least: i64,
    pub(super) most: i64,
}

impl<X: Copy + Into<i64>, C: Blocks> Vectorized for Sums<'_, X, C> {
    type Output = OddBlocks;

    /// The blocks with a sum beyond the limits.
    #[inline(always)]
    fn call(self) -> OddBlocks {
        let Self { x, sums, bias, first, least, most } = self;
        let mut all = 0;
        for (number, (x, sums)) in x.chunks(BLOCK).zip(sums.chunks_mut(BLOCK)).enumerate() {
            let bias = bias.block(first + number);
            let mut odd = 0;
            for (element, (&x, sum)) in x.iter().zip(sums).enumerate() {
                let x: i64 = x.into();
                let [.., bias] = bias.at(element);
                // Values and biases below 2^62 have a sum; what is beyond has its two leading bits differ.
                let exact = x.wrapping_add(bias);
                odd |= x ^ (x << 1);
                // Where one of these leaves 64 bits, the other is negative.
                odd |= exact.wrapping_sub(least) | most.wrapping_sub(exact);
                *sum = exact.max(least).min(most);
            }
            all |= OddBlocks::from(odd < 0) << number;
        }
        all
    }
}
