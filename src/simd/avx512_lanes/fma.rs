//! Lanes of `f32` that multiply and add with one rounding.

use std::arch::x86_64::*;

use super::{Avx512Token, INFINITE, NO_EXC};
use crate::simd::{FmaLanes, LanesOf, StepLanes};

impl<T: Avx512Token> FmaLanes for LanesOf<T, f32> {
    const CONVERTS_HALVES: bool = true;

    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn to_halves(self, v: __m512) -> [u16; 16] {
            bytemuck::cast(_mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | NO_EXC }>(v))
        }
        fn of_halves(self, halves: [u16; 16]) -> __m512 {
            _mm512_cvtph_ps(bytemuck::cast(halves))
        }
        fn fma_even(self, a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmadd_ps(a, b, c) }
        fn fma_zero(self, a: __m512, b: __m512, c: __m512) -> __m512 {
            _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_ZERO | NO_EXC }>(a, b, c)
        }
        fn fma_odd(self, a: __m512, b: __m512, c: __m512) -> __m512 {
            // The two numbers around the sum; one of them is odd, unless they are the same.
            let down = _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_NEG_INF | NO_EXC }>(a, b, c);
            let up = _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_POS_INF | NO_EXC }>(a, b, c);
            let odd = _mm512_test_epi32_mask(_mm512_castps_si512(down), _mm512_set1_epi32(1));
            _mm512_mask_blend_ps(odd, up, down)
        }
        fn div(self, a: __m512, b: __m512) -> __m512 { _mm512_div_ps(a, b) }
        fn div_odd(self, a: __m512, b: __m512) -> __m512 {
            let magnitude = _mm512_abs_ps(a);
            let down = _mm512_div_round_ps::<{ _MM_FROUND_TO_ZERO | NO_EXC }>(magnitude, b);
            // What is left over, rounded up: not zero where anything is, however small.
            let rest = _mm512_fnmadd_round_ps::<{ _MM_FROUND_TO_POS_INF | NO_EXC }>(
                down, b, magnitude,
            );
            let rest = _mm512_castps_si512(rest);
            let down = _mm512_castps_si512(down);
            let inexact = _mm512_test_epi32_mask(rest, rest);
            let odd = _mm512_mask_or_epi32(down, inexact, down, _mm512_set1_epi32(1));
            let sign = _mm512_and_ps(a, _mm512_set1_ps(-0.0));
            _mm512_or_ps(_mm512_castsi512_ps(odd), sign)
        }
        fn half_even(self, v: __m512) -> __m512 {
            _mm512_cvtph_ps(_mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | NO_EXC }>(v))
        }
        fn half_zero(self, v: __m512) -> __m512 {
            _mm512_cvtph_ps(_mm512_cvtps_ph::<{ _MM_FROUND_TO_ZERO | NO_EXC }>(v))
        }
        fn cut_even(self, v: __m512, cut: u32) -> __m512 {
            let bits = _mm512_castps_si512(v);
            let last = _mm512_and_si512(
                _mm512_srlv_epi32(bits, _mm512_set1_epi32(cut as i32)),
                _mm512_set1_epi32(1),
            );
            let below = _mm512_set1_epi32((1 << (cut - 1)) - 1);
            let rounded = _mm512_add_epi32(bits, _mm512_add_epi32(below, last));
            let mask = _mm512_set1_epi32((u32::MAX << cut) as i32);
            _mm512_castsi512_ps(_mm512_and_si512(rounded, mask))
        }
        fn cut_zero(self, v: __m512, cut: u32) -> __m512 {
            _mm512_and_ps(v, _mm512_castsi512_ps(_mm512_set1_epi32((u32::MAX << cut) as i32)))
        }
    }
}

impl<T: Avx512Token> StepLanes for LanesOf<T, f32> {
    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn fma_around(self, a: __m512, b: __m512, c: __m512) -> [__m512; 2] {
            [
                _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_NEG_INF | NO_EXC }>(a, b, c),
                _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_POS_INF | NO_EXC }>(a, b, c),
            ]
        }
        fn odd_of(self, around: [__m512; 2]) -> __m512 {
            let one = _mm512_set1_epi32(1);
            let odd = _mm512_test_epi32_mask(_mm512_castps_si512(around[0]), one);
            _mm512_mask_blend_ps(odd, around[1], around[0])
        }
        fn count_different(self, count: __m512, pair: [__m512; 2]) -> __m512 {
            let different = _mm512_cmp_ps_mask::<_CMP_NEQ_OQ>(pair[0], pair[1]);
            _mm512_mask_add_ps(count, different, count, _mm512_set1_ps(1.0))
        }
        fn count_same(self, count: __m512, a: __m512, b: __m512, pair: [__m512; 2]) -> __m512 {
            let different = _mm512_cmp_ps_mask::<_CMP_NEQ_OQ>(pair[0], pair[1]);
            let both = _mm512_mask_cmp_ps_mask::<_CMP_EQ_OQ>(different, a, b);
            _mm512_mask_add_ps(count, both, count, _mm512_set1_ps(1.0))
        }
        fn count_below(self, count: __m512, v: __m512, limit: __m512, pair: [__m512; 2]) -> __m512 {
            let different = _mm512_cmp_ps_mask::<_CMP_NEQ_OQ>(pair[0], pair[1]);
            let both = _mm512_mask_cmp_ps_mask::<_CMP_LT_OQ>(different, _mm512_abs_ps(v), limit);
            _mm512_mask_add_ps(count, both, count, _mm512_set1_ps(1.0))
        }
        fn count_from(self, count: __m512, v: __m512, limit: __m512) -> __m512 {
            let finite = !_mm512_fpclass_ps_mask::<INFINITE>(v);
            let both = _mm512_mask_cmp_ps_mask::<_CMP_GE_OQ>(finite, _mm512_abs_ps(v), limit);
            _mm512_mask_add_ps(count, both, count, _mm512_set1_ps(1.0))
        }
        fn extend(self, so_far: [__m512; 2], v: __m512) -> [__m512; 2] {
            // The second operand where one is NaN.
            [_mm512_min_ps(v, so_far[0]), _mm512_max_ps(v, so_far[1])]
        }
        fn extend_finite(self, so_far: [__m512; 2], v: __m512) -> [__m512; 2] {
            let finite = !_mm512_fpclass_ps_mask::<INFINITE>(v);
            [
                _mm512_mask_min_ps(so_far[0], finite, v, so_far[0]),
                _mm512_mask_max_ps(so_far[1], finite, v, so_far[1]),
            ]
        }
    }
}
