//! Lanes of 64 bits, each bit a product: what counts bits in a vector.

use super::Lanes;

/// Lanes of 64-bit words that are sets of bits.
pub(crate) trait BitLanes: Lanes<Element = u64> {
    /// The bits that differ.
    fn xor(self, a: Self::V, b: Self::V) -> Self::V;

    /// The bits that both have.
    fn and(self, a: Self::V, b: Self::V) -> Self::V;

    /// `(a ^ b) & mask`
    fn differ(self, a: Self::V, b: Self::V, mask: Self::V) -> Self::V;

    /// `a + b` modulo 2^64.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a - b` modulo 2^64.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;

    /// How many bits each word has.
    fn count(self, v: Self::V) -> Self::V;
}
