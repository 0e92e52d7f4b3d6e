//! Lanes of floating-point numbers.

use bytemuck::Pod;

use super::Lanes;

/// Lanes of `f32` that multiply and add with one rounding, for registers that are rounded at every product.
///
/// Every method follows IEEE 754, infinities, NaN, signed zeros, subnormal values and overflow included.
pub(crate) trait FmaLanes: FloatLanes<Element = f32> {
    /// `a * b + c`, rounded once, ties to even.
    fn fma_even(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// `a * b + c`, rounded once, toward zero.
    fn fma_zero(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// `a * b + c`, rounded once, to odd: what lies between two numbers becomes the one whose last bit is set. Rounding
    /// the result to a format of at most 22 digits is then the same as rounding the exact sum.
    fn fma_odd(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// Whether sums are rounded toward zero and to odd sooner where the product is an `f32`, having no instruction for it.
    const SINGLES: bool = false;

    /// [`Self::fma_zero`] where the product is an `f32`, infinite or NaN.
    #[inline(always)]
    fn fma_zero_of_single(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        self.fma_zero(a, b, c)
    }

    /// [`Self::fma_odd`] likewise.
    #[inline(always)]
    fn fma_odd_of_single(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        self.fma_odd(a, b, c)
    }

    /// `a / b`, rounded once, ties to even.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a / b`, rounded once, to odd, as [`Self::fma_odd`]; beyond the largest number it is that one. `a` is finite, `b`
    /// positive and finite.
    fn div_odd(self, a: Self::V, b: Self::V) -> Self::V;

    /// The nearest half-precision number, ties to even.
    fn half_even(self, v: Self::V) -> Self::V;

    /// Whether [`Self::to_halves`] and [`Self::of_halves`] are instructions.
    const CONVERTS_HALVES: bool = false;

    /// The bits of the nearest half-precision numbers, ties to even, as many as there are lanes; NaN stays one, whatever its
    /// fraction.
    fn to_halves(self, v: Self::V) -> [u16; 16];

    /// The numbers of as many halves as there are lanes; NaN stays one, whatever its fraction.
    fn of_halves(self, halves: [u16; 16]) -> Self::V;

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

    /// The same where the product is an `f32`, infinite or NaN.
    #[inline(always)]
    fn fma_around_of_single(self, a: Self::V, b: Self::V, c: Self::V) -> [Self::V; 2] {
        self.fma_around(a, b, c)
    }

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

    /// What a sum of [`FloatLanes::add_whole`] is.
    fn whole(self) -> f64;
}

impl Float for f32 {
    #[inline(always)]
    fn nearest(x: f64) -> Self {
        x as Self
    }

    #[inline(always)]
    fn whole(self) -> f64 {
        self.to_bits().cast_signed().into()
    }
}

impl Float for f64 {
    #[inline(always)]
    fn nearest(x: f64) -> Self {
        x
    }

    #[inline(always)]
    fn whole(self) -> f64 {
        self
    }
}

/// A float with fewer digits than a lane's, and exponents well within its: one with infinities, NaN and subnormal values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NarrowFloat<E> {
    /// The smallest normal value.
    pub(crate) least: E,
    /// The largest value.
    pub(crate) most: E,
    /// Its power of two.
    pub(crate) power: E,
    /// From the power of two of a value to a number of the lane whose last digit is the value's last digit in the narrower
    /// float.
    pub(crate) magic: E,
}

impl<E: Float> NarrowFloat<E> {
    /// With so many fraction bits, and these least and greatest exponents; `lane_bits` are the fraction bits of a lane.
    pub(crate) fn new(
        fraction_bits: u32,
        exponents: (i32, i32),
        most: f64,
        lane_bits: u32,
    ) -> Self {
        let power = |exponent: i32| E::nearest(2f64.powi(exponent));
        Self {
            least: power(exponents.0),
            most: E::nearest(most),
            power: power(exponents.1),
            magic: power((lane_bits - fraction_bits) as i32),
        }
    }
}

/// Lanes of `f32` or `f64`; each method is one operation of IEEE 754, to nearest even, if nothing else is said. For
/// registers that are aligned, and of formats that no instruction rounds to.
pub(crate) trait FloatLanes: Lanes<Element: Float> {
    /// `a * b + c`, rounded once by every set but the portable one, which rounds product and sum.
    fn mul_add_exact(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// The nearest number of a narrower float, ties to even; what is beyond becomes infinity.
    fn narrow_even(self, v: Self::V, to: NarrowFloat<Self::Element>) -> Self::V;

    /// The next number of a narrower float toward zero.
    fn narrow_zero(self, v: Self::V, to: NarrowFloat<Self::Element>) -> Self::V;

    /// `sum + trunc(v)`: in lanes of `f32`, `sum` is the bits of a 32-bit integer, and `v` is below 2^31; in others it is a
    /// number.
    #[inline(always)]
    fn add_whole(self, sum: Self::V, v: Self::V) -> Self::V {
        self.add(sum, self.trunc(v))
    }

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

/// Lanes of `f32` for registers that are aligned by exponents and cut toward zero.
pub(crate) trait AlignLanes: FloatLanes<Element = f32> {
    /// The greater of `so_far` and `a + b`, which saturates, as four times as many integers of 8 bits as there are lanes.
    fn greatest_sums(self, so_far: Self::V, a: Self::V, b: Self::V) -> Self::V;

    /// `2^e` for the integers `e` of 8 bits that `exponents` has: the first fourth of them, and the others. For -128 and -127
    /// it is nothing that is greater than 0.
    fn powers(self, exponents: Self::V) -> [Self::V; 4];

    /// The bits that both have.
    fn and(self, a: Self::V, b: Self::V) -> Self::V;

    /// The difference of the bits as integers, which wraps.
    fn sub_bits(self, a: Self::V, b: Self::V) -> Self::V;

    /// `sum + trunc(v)`, which fits a 32-bit integer as `sum`, the bits of one, does: the next `f32` toward zero.
    fn whole_zero(self, sum: Self::V, v: Self::V) -> Self::V;

    /// The same where the total is of 33 bits; `v` is below 2^31.
    fn wider_zero(self, sum: Self::V, v: Self::V) -> Self::V;
}
