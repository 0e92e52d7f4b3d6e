//! Vectors of `f32` for registers that are rounded at every product.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
mod scalar;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2Fused;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512Fused;
pub(crate) use portable::PortableFused;
pub(crate) use scalar::odd_sum;

use super::Call;

/// Lanes of `f32` that multiply and add with one rounding.
///
/// Every method follows IEEE 754, infinities, NaN, signed zeros, subnormal values and overflow included.
pub(crate) trait FusedLanes: Copy + Send + Sync {
    /// The vector.
    type V: Copy + Send + Sync;

    /// Lanes in a vector.
    const N: usize;

    /// Runs `call` compiled with the instructions that these lanes stand for.
    fn vectorize<C: Call>(self, call: C) -> C::Output;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::V;

    /// The first `N` numbers of `from`, which has at least as many.
    fn load(self, from: &[f32]) -> Self::V;

    /// Writes the lanes to the first `N` numbers of `to`, which has at least as many.
    fn store(self, v: Self::V, to: &mut [f32]);

    /// `a * b + c`, rounded once, ties to even.
    fn even(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// `a * b + c`, rounded once, toward zero.
    fn zero(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// `a * b + c`, rounded once, to odd: what lies between two numbers becomes the one whose last bit is set. Rounding
    /// the result to a format of at most 22 digits is then the same as rounding the exact sum.
    fn odd(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// The nearest half-precision number, ties to even.
    fn half_even(self, v: Self::V) -> Self::V;

    /// Half precision, rounded toward zero.
    fn half_zero(self, v: Self::V) -> Self::V;

    /// `cut` fraction bits less, `1 <= cut <= 22`, ties to even. The fraction of a NaN must not be all ones.
    fn cut_even(self, v: Self::V, cut: u32) -> Self::V;

    /// `cut` fraction bits less, `1 <= cut <= 22`, toward zero.
    fn cut_zero(self, v: Self::V, cut: u32) -> Self::V;
}
