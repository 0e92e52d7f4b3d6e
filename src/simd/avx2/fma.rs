//! Lanes of `f32` that multiply and add with one rounding.

use std::arch::x86_64::*;

use super::Avx2;
use super::rest::Cut;
use crate::simd::{FmaLanes, LanesOf, StepLanes};

impl FmaLanes for LanesOf<Avx2, f32> {
    const CONVERTS_HALVES: bool = true;

    const SINGLES: bool = true;

    instructions! {
        "avx2,fma,f16c";
        fn fma_even(self, a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fmadd_ps(a, b, c) }
        fn fma_zero(self, a: __m256, b: __m256, c: __m256) -> __m256 { Cut::of_any(a, b, c).zero() }
        fn fma_odd(self, a: __m256, b: __m256, c: __m256) -> __m256 { Cut::of_any(a, b, c).odd() }
        fn fma_zero_of_single(self, a: __m256, b: __m256, c: __m256) -> __m256 {
            Cut::of_single(a, b, c).zero()
        }
        fn fma_odd_of_single(self, a: __m256, b: __m256, c: __m256) -> __m256 {
            Cut::of_single(a, b, c).odd()
        }
        fn div_odd(self, a: __m256, b: __m256) -> __m256 { Cut::of_quotient(a, b).odd() }
        fn div(self, a: __m256, b: __m256) -> __m256 { _mm256_div_ps(a, b) }
        fn to_halves(self, v: __m256) -> [u16; 16] {
            let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v);
            bytemuck::cast([halves, _mm_setzero_si128()])
        }
        fn of_halves(self, halves: [u16; 16]) -> __m256 {
            let [halves, _]: [__m128i; 2] = bytemuck::cast(halves);
            _mm256_cvtph_ps(halves)
        }
        fn half_even(self, v: __m256) -> __m256 {
            _mm256_cvtph_ps(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v))
        }
        fn half_zero(self, v: __m256) -> __m256 {
            _mm256_cvtph_ps(_mm256_cvtps_ph::<_MM_FROUND_TO_ZERO>(v))
        }
        fn cut_even(self, v: __m256, cut: u32) -> __m256 {
            let bits = _mm256_castps_si256(v);
            let last = _mm256_and_si256(
                _mm256_srlv_epi32(bits, _mm256_set1_epi32(cut as i32)),
                _mm256_set1_epi32(1),
            );
            let below = _mm256_set1_epi32((1 << (cut - 1)) - 1);
            let rounded = _mm256_add_epi32(bits, _mm256_add_epi32(below, last));
            let mask = _mm256_set1_epi32((u32::MAX << cut) as i32);
            _mm256_castsi256_ps(_mm256_and_si256(rounded, mask))
        }
        fn cut_zero(self, v: __m256, cut: u32) -> __m256 {
            _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32((u32::MAX << cut) as i32)))
        }
    }
}

impl StepLanes for LanesOf<Avx2, f32> {
    #[inline(always)]
    fn count_same(self, count: __m256, a: __m256, b: __m256, pair: [__m256; 2]) -> __m256 {
        self.count_where(count, self.equal(a, b), pair)
    }

    #[inline(always)]
    fn count_below(self, count: __m256, v: __m256, limit: __m256, pair: [__m256; 2]) -> __m256 {
        self.count_where(count, self.below(v, limit), pair)
    }

    instructions! {
        "avx2,fma,f16c";
        fn fma_around(self, a: __m256, b: __m256, c: __m256) -> [__m256; 2] {
            Cut::of_any(a, b, c).around()
        }
        fn fma_around_of_single(self, a: __m256, b: __m256, c: __m256) -> [__m256; 2] {
            Cut::of_single(a, b, c).around()
        }
        fn odd_of(self, around: [__m256; 2]) -> __m256 {
            // The last bit as the sign, which chooses.
            let odd = _mm256_slli_epi32::<31>(_mm256_castps_si256(around[0]));
            _mm256_blendv_ps(around[1], around[0], _mm256_castsi256_ps(odd))
        }
        fn count_different(self, count: __m256, pair: [__m256; 2]) -> __m256 {
            let different = _mm256_cmp_ps::<_CMP_NEQ_OQ>(pair[0], pair[1]);
            _mm256_add_ps(count, _mm256_and_ps(different, _mm256_set1_ps(1.0)))
        }
        fn count_from(self, count: __m256, v: __m256, limit: __m256) -> __m256 {
            let magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0), v);
            let from = _mm256_cmp_ps::<_CMP_GE_OQ>(magnitude, limit);
            let finite = _mm256_cmp_ps::<_CMP_LT_OQ>(magnitude, _mm256_set1_ps(f32::INFINITY));
            let one = _mm256_and_ps(finite, _mm256_set1_ps(1.0));
            _mm256_add_ps(count, _mm256_and_ps(from, one))
        }
        fn extend(self, so_far: [__m256; 2], v: __m256) -> [__m256; 2] {
            // The second operand where one is NaN.
            [_mm256_min_ps(v, so_far[0]), _mm256_max_ps(v, so_far[1])]
        }
        fn extend_finite(self, so_far: [__m256; 2], v: __m256) -> [__m256; 2] {
            let magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0), v);
            let finite = _mm256_cmp_ps::<_CMP_LT_OQ>(magnitude, _mm256_set1_ps(f32::INFINITY));
            [
                _mm256_min_ps(_mm256_blendv_ps(so_far[0], v, finite), so_far[0]),
                _mm256_max_ps(_mm256_blendv_ps(so_far[1], v, finite), so_far[1]),
            ]
        }
    }
}

impl LanesOf<Avx2, f32> {
    instructions! {
        "avx2,fma,f16c";
        fn equal(self, a: __m256, b: __m256) -> __m256 { _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b) }
        fn below(self, v: __m256, limit: __m256) -> __m256 {
            _mm256_cmp_ps::<_CMP_LT_OQ>(_mm256_andnot_ps(_mm256_set1_ps(-0.0), v), limit)
        }
        // Counts where `mask` is set beside numbers that differ.
        fn count_where(self, count: __m256, mask: __m256, pair: [__m256; 2]) -> __m256 {
            let different = _mm256_cmp_ps::<_CMP_NEQ_OQ>(pair[0], pair[1]);
            let one = _mm256_and_ps(different, _mm256_set1_ps(1.0));
            _mm256_add_ps(count, _mm256_and_ps(mask, one))
        }
    }
}
