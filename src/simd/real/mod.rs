//! Vectors of `f32` and `f64` for aligned registers.

mod portable;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use bytemuck::Pod;
pub(crate) use portable::{PortableDouble, PortableSingle};
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2Double, Avx2Single, Avx512Double, Avx512Single};

/// Lanes of floating-point numbers, compiled as [`FusedLanes::vectorize`](super::fused::FusedLanes::vectorize) of the
/// same set does; each method is one operation of IEEE 754, to nearest even.
pub(crate) trait RealLanes: Copy + Send + Sync {
    /// What a lane holds.
    type Number: Pod + Send + Sync + PartialOrd + Into<f64>;
    /// The vector.
    type V: Copy + Send + Sync;

    /// Lanes in a vector.
    const N: usize;

    /// The nearest number.
    fn narrow(x: f64) -> Self::Number;

    /// `x` in every lane.
    fn splat(self, x: Self::Number) -> Self::V;

    /// The first `N` numbers of `from`, which has at least as many.
    fn load(self, from: &[Self::Number]) -> Self::V;

    /// Writes the lanes to the first `N` numbers of `to`, which has at least as many.
    fn store(self, v: Self::V, to: &mut [Self::Number]);

    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a - b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a * b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;

    /// The greater of two numbers that are not NaN.
    fn greater(self, a: Self::V, b: Self::V) -> Self::V;

    /// The whole number next to zero.
    fn truncated(self, v: Self::V) -> Self::V;
}
