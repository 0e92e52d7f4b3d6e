//! Lanes of floating-point numbers.

use std::array::from_fn;

use bytemuck::cast;
use wide::{f32x8, f64x4, i8x32, i32x8};

use super::Portable;
use crate::simd::{AlignLanes, FloatLanes, FmaLanes, LanesOf, NarrowFloat, StepLanes, scalar};

impl FmaLanes for LanesOf<Portable, f32> {
    #[inline(never)]
    fn fma_even(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        scalar::each([a, b, c], scalar::fma_even)
    }

    #[inline(never)]
    fn fma_zero(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        scalar::each([a, b, c], scalar::fma_zero)
    }

    #[inline(never)]
    fn fma_odd(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        scalar::each([a, b, c], scalar::fma_odd)
    }

    #[inline(always)]
    fn div(self, a: f32x8, b: f32x8) -> f32x8 {
        a / b
    }

    #[inline(never)]
    fn to_halves(self, v: f32x8) -> [u16; 16] {
        let mut halves = [0; 16];
        for (half, x) in halves.iter_mut().zip(self.half_even(v).to_array()) {
            *half = scalar::half_bits(x);
        }
        halves
    }

    #[inline(never)]
    fn of_halves(self, halves: [u16; 16]) -> f32x8 {
        let mut lanes = [0.0; 8];
        for (x, half) in lanes.iter_mut().zip(halves) {
            *x = scalar::of_half(half);
        }
        f32x8::from(lanes)
    }

    #[inline(never)]
    fn div_odd(self, a: f32x8, b: f32x8) -> f32x8 {
        scalar::each([a, b, b], |a, b, _| scalar::div_odd(a, b))
    }

    #[inline(never)]
    fn half_even(self, v: f32x8) -> f32x8 {
        scalar::each([v; 3], |x, _, _| scalar::half_even(x))
    }

    #[inline(never)]
    fn half_zero(self, v: f32x8) -> f32x8 {
        scalar::each([v; 3], |x, _, _| scalar::half_zero(x))
    }

    #[inline(never)]
    fn cut_even(self, v: f32x8, cut: u32) -> f32x8 {
        scalar::each([v; 3], |x, _, _| scalar::cut_even(x, cut))
    }

    #[inline(never)]
    fn cut_zero(self, v: f32x8, cut: u32) -> f32x8 {
        scalar::each([v; 3], |x, _, _| scalar::cut_zero(x, cut))
    }
}

/// `count`, and one more where `more` says so.
#[inline(always)]
fn counted(count: f32, more: bool) -> f32 {
    count + if more { 1.0 } else { 0.0 }
}

impl StepLanes for LanesOf<Portable, f32> {
    #[inline(never)]
    fn fma_around(self, a: f32x8, b: f32x8, c: f32x8) -> [f32x8; 2] {
        [
            scalar::each([a, b, c], scalar::fma_toward::<false>),
            scalar::each([a, b, c], scalar::fma_toward::<true>),
        ]
    }

    #[inline(never)]
    fn odd_of(self, [down, up]: [f32x8; 2]) -> f32x8 {
        scalar::each([down, up, up], |down, up, _| scalar::odd_of(down, up))
    }

    #[inline(never)]
    fn count_different(self, count: f32x8, [x, y]: [f32x8; 2]) -> f32x8 {
        scalar::each([count, x, y], |count, x, y| counted(count, scalar::differ(x, y)))
    }

    #[inline(never)]
    fn count_same(self, count: f32x8, a: f32x8, b: f32x8, pair: [f32x8; 2]) -> f32x8 {
        let same = scalar::each([a, b, b], |a, b, _| counted(0.0, a == b));
        let different = self.count_different(f32x8::default(), pair);
        count + same * different
    }

    #[inline(never)]
    fn count_below(self, count: f32x8, v: f32x8, limit: f32x8, pair: [f32x8; 2]) -> f32x8 {
        let below = scalar::each([v, limit, v], |v, limit, _| counted(0.0, v.abs() < limit));
        let different = self.count_different(f32x8::default(), pair);
        count + below * different
    }

    #[inline(never)]
    fn count_from(self, count: f32x8, v: f32x8, limit: f32x8) -> f32x8 {
        scalar::each([count, v, limit], |count, v, limit| {
            counted(count, (v.abs() >= limit) & (v.abs() < f32::INFINITY))
        })
    }

    #[inline(always)]
    fn extend(self, [least, greatest]: [f32x8; 2], v: f32x8) -> [f32x8; 2] {
        [v.simd_lt(least).select(v, least), v.simd_gt(greatest).select(v, greatest)]
    }

    #[inline(never)]
    fn extend_finite(self, [least, greatest]: [f32x8; 2], v: f32x8) -> [f32x8; 2] {
        let finite = v.abs().simd_lt(f32x8::splat(f32::INFINITY));
        let extended = self.extend([least, greatest], v);
        [finite.select(extended[0], least), finite.select(extended[1], greatest)]
    }
}

impl FloatLanes for LanesOf<Portable, f32> {
    #[inline(always)]
    fn mul_add_exact(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        a * b + c
    }

    #[inline(never)]
    fn narrow_even(self, v: f32x8, to: NarrowFloat<f32>) -> f32x8 {
        scalar::map(v, |x: f32| scalar::narrow_even(x, to))
    }

    #[inline(never)]
    fn narrow_zero(self, v: f32x8, to: NarrowFloat<f32>) -> f32x8 {
        scalar::map(v, |x: f32| scalar::narrow_zero(x, to))
    }

    #[inline(always)]
    fn add_whole(self, sum: f32x8, v: f32x8) -> f32x8 {
        cast(cast::<f32x8, i32x8>(sum) + v.fast_trunc_int())
    }

    #[inline(always)]
    fn add(self, a: f32x8, b: f32x8) -> f32x8 {
        a + b
    }

    #[inline(always)]
    fn sub(self, a: f32x8, b: f32x8) -> f32x8 {
        a - b
    }

    #[inline(always)]
    fn mul(self, a: f32x8, b: f32x8) -> f32x8 {
        a * b
    }

    #[inline(always)]
    fn max(self, a: f32x8, b: f32x8) -> f32x8 {
        a.simd_gt(b).select(a, b)
    }

    #[inline(never)]
    fn trunc(self, v: f32x8) -> f32x8 {
        let whole = f32x8::splat((1u64 << 23) as f32);
        let magnitude = v.abs();
        // The nearest whole number; one less where that is beyond.
        let nearest = (magnitude + whole) - whole;
        let one = f32x8::splat(1.0);
        let below = nearest.simd_gt(magnitude).select(nearest - one, nearest);
        magnitude.simd_gt(whole).select(v, below.copysign(v))
    }
}

impl AlignLanes for LanesOf<Portable, f32> {
    #[inline(always)]
    fn greatest_sums(self, so_far: f32x8, a: f32x8, b: f32x8) -> f32x8 {
        let bytes = |v: f32x8| -> i8x32 { cast(v) };
        cast(bytes(so_far).max(bytes(a).saturating_add(bytes(b))))
    }

    #[inline(never)]
    fn powers(self, exponents: f32x8) -> [f32x8; 4] {
        let exponents: [i8; 32] = cast(exponents);
        let part = |first: usize| from_fn::<i32, 8, _>(|i| exponents[first + i].into());
        from_fn(|index| cast((i32x8::from(part(index * 8)) << 23) + i32x8::splat(127 << 23)))
    }

    #[inline(always)]
    fn and(self, a: f32x8, b: f32x8) -> f32x8 {
        a & b
    }

    #[inline(always)]
    fn sub_bits(self, a: f32x8, b: f32x8) -> f32x8 {
        cast(cast::<f32x8, i32x8>(a) - cast::<f32x8, i32x8>(b))
    }

    #[inline(never)]
    fn whole_zero(self, sum: f32x8, v: f32x8) -> f32x8 {
        scalar::each([sum, v, v], |sum, v, _| scalar::whole_zero(sum, v))
    }

    #[inline(always)]
    fn wider_zero(self, sum: f32x8, v: f32x8) -> f32x8 {
        self.whole_zero(sum, v)
    }
}

impl FloatLanes for LanesOf<Portable, f64> {
    #[inline(always)]
    fn mul_add_exact(self, a: f64x4, b: f64x4, c: f64x4) -> f64x4 {
        a * b + c
    }

    #[inline(never)]
    fn narrow_even(self, v: f64x4, to: NarrowFloat<f64>) -> f64x4 {
        scalar::map(v, |x: f64| scalar::narrow_even(x, to))
    }

    #[inline(never)]
    fn narrow_zero(self, v: f64x4, to: NarrowFloat<f64>) -> f64x4 {
        scalar::map(v, |x: f64| scalar::narrow_zero(x, to))
    }

    #[inline(always)]
    fn add(self, a: f64x4, b: f64x4) -> f64x4 {
        a + b
    }

    #[inline(always)]
    fn sub(self, a: f64x4, b: f64x4) -> f64x4 {
        a - b
    }

    #[inline(always)]
    fn mul(self, a: f64x4, b: f64x4) -> f64x4 {
        a * b
    }

    #[inline(always)]
    fn max(self, a: f64x4, b: f64x4) -> f64x4 {
        a.simd_gt(b).select(a, b)
    }

    #[inline(never)]
    fn trunc(self, v: f64x4) -> f64x4 {
        let whole = f64x4::splat((1u64 << 52) as f64);
        let magnitude = v.abs();
        // The nearest whole number; one less where that is beyond.
        let nearest = (magnitude + whole) - whole;
        let one = f64x4::splat(1.0);
        let below = nearest.simd_gt(magnitude).select(nearest - one, nearest);
        magnitude.simd_gt(whole).select(v, below.copysign(v))
    }
}
