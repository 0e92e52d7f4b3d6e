//! Lanes of floating-point numbers.

use bytemuck::Pod;

use super::Lanes;

/// Lanes of `f32` that multiply and add with one rounding, for registers that are rounded at every product.
///
/// Every method follows IEEE 754, infinities, NaN, signed zeros, subnormal values and overflow included.
pub(crate) trait FmaLanes: Lanes<Element = f32> {
    /// `a * b + c`, rounded once, ties to even.
    fn fma_even(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// `a * b + c`, rounded once, toward zero.
    fn fma_zero(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// `a * b + c`, rounded once, to odd: what lies between two numbers becomes the one whose last bit is set. Rounding
    /// the result to a format of at most 22 digits is then the same as rounding the exact sum.
    fn fma_odd(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// The nearest half-precision number, ties to even.
    fn half_even(self, v: Self::V) -> Self::V;

    /// Half precision, rounded toward zero.
    fn half_zero(self, v: Self::V) -> Self::V;

    /// `cut` fraction bits less, `1 <= cut <= 22`, ties to even. The fraction of a NaN must not be all ones.
    fn cut_even(self, v: Self::V, cut: u32) -> Self::V;

    /// `cut` fraction bits less, `1 <= cut <= 22`, toward zero.
    fn cut_zero(self, v: Self::V, cut: u32) -> Self::V;
}

/// Lanes of `f32` that also tell what a step lost: for the reports of registers that are rounded at every product.
///
/// A count is a number; it goes up by one in each lane where what it counts is so.
pub(crate) trait StepLanes: FmaLanes {
    /// `a * b + c` rounded down and up: the same number where it is exact; zeros may differ in sign.
    fn fma_around(self, a: Self::V, b: Self::V, c: Self::V) -> [Self::V; 2];

    /// Of what [`Self::fma_around`] gives, what [`FmaLanes::fma_odd`] is.
    fn odd_of(self, around: [Self::V; 2]) -> Self::V;

    /// Counts numbers that differ.
    fn count_different(self, count: Self::V, pair: [Self::V; 2]) -> Self::V;

    /// Counts `a` that equal `b` beside numbers that differ.
    fn count_same(self, count: Self::V, a: Self::V, b: Self::V, pair: [Self::V; 2]) -> Self::V;

    /// Counts magnitudes below `limit` beside numbers that differ.
    fn count_below(self, count: Self::V, v: Self::V, limit: Self::V, pair: [Self::V; 2])
    -> Self::V;

    /// Counts finite magnitudes of at least `limit`.
    fn count_from(self, count: Self::V, v: Self::V, limit: Self::V) -> Self::V;

    /// The lesser and the greater of `v` and what was so far, which stays where `v` is NaN.
    fn extend(self, so_far: [Self::V; 2], v: Self::V) -> [Self::V; 2];

    /// [`Self::extend`] by finite numbers alone.
    fn extend_finite(self, so_far: [Self::V; 2], v: Self::V) -> [Self::V; 2];
}

/// A floating-point number that fills one lane.
pub(crate) trait Float: Pod + Send + Sync + PartialOrd + Into<f64> {
    /// The nearest number.
    fn nearest(x: f64) -> Self;
}

impl Float for f32 {
    #[inline(always)]
    fn nearest(x: f64) -> Self {
        x as Self
    }
}

impl Float for f64 {
    #[inline(always)]
    fn nearest(x: f64) -> Self {
        x
    }
}

/// Lanes of `f32` or `f64`; each method is one operation of IEEE 754, to nearest even. For aligned registers.
pub(crate) trait FloatLanes: Lanes<Element: Float> {
    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a - b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a * b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;

    /// The greater of two numbers that are not NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;

    /// The whole number next to zero.
    fn trunc(self, v: Self::V) -> Self::V;
}
