//! Lanes of floats for registers that are aligned, and of formats that no instruction rounds to.

use std::arch::x86_64::*;

use super::{Avx512Token, INFINITE, NO_EXC};
use crate::simd::{AlignLanes, FloatLanes, LanesOf, NarrowFloat};

/// The magnitude of a number, and what added to it and taken off again leaves digits of the narrower float alone.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn magnitude_and_magic_ps(v: __m512, to: NarrowFloat<f32>) -> (__m512, __m512) {
    let own = _mm512_and_ps(v, _mm512_set1_ps(f32::INFINITY));
    let power = _mm512_max_ps(own, _mm512_set1_ps(to.least));
    let power = _mm512_min_ps(power, _mm512_set1_ps(to.power));
    (_mm512_abs_ps(v), _mm512_mul_ps(power, _mm512_set1_ps(to.magic)))
}

/// The magnitude of a number, and what added to it and taken off again leaves digits of the narrower float alone.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn magnitude_and_magic_pd(v: __m512d, to: NarrowFloat<f64>) -> (__m512d, __m512d) {
    let own = _mm512_and_pd(v, _mm512_set1_pd(f64::INFINITY));
    let power = _mm512_max_pd(own, _mm512_set1_pd(to.least));
    let power = _mm512_min_pd(power, _mm512_set1_pd(to.power));
    (_mm512_abs_pd(v), _mm512_mul_pd(power, _mm512_set1_pd(to.magic)))
}

impl<T: Avx512Token> FloatLanes for LanesOf<T, f32> {
    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn mul_add_exact(self, a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmadd_ps(a, b, c) }
        fn narrow_even(self, v: __m512, to: NarrowFloat<f32>) -> __m512 {
            let (magnitude, magic) = magnitude_and_magic_ps(v, to);
            let nearest = _mm512_sub_ps(_mm512_add_ps(magnitude, magic), magic);
            let beyond = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(nearest, _mm512_set1_ps(to.most));
            let bounded = _mm512_mask_mov_ps(nearest, beyond, _mm512_set1_ps(f32::INFINITY));
            _mm512_or_ps(bounded, _mm512_and_ps(v, _mm512_set1_ps(-0.0)))
        }
        fn narrow_zero(self, v: __m512, to: NarrowFloat<f32>) -> __m512 {
            let (magnitude, magic) = magnitude_and_magic_ps(v, to);
            let sum = _mm512_add_round_ps::<{ _MM_FROUND_TO_ZERO | NO_EXC }>(magnitude, magic);
            // The second operand where one is NaN.
            let bounded = _mm512_min_ps(_mm512_set1_ps(to.most), _mm512_sub_ps(sum, magic));
            let special = _mm512_fpclass_ps_mask::<INFINITE>(v);
            let bounded = _mm512_mask_mov_ps(bounded, special, magnitude);
            _mm512_or_ps(bounded, _mm512_and_ps(v, _mm512_set1_ps(-0.0)))
        }
        fn add_whole(self, sum: __m512, v: __m512) -> __m512 {
            _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(sum), _mm512_cvttps_epi32(v)))
        }
        fn add(self, a: __m512, b: __m512) -> __m512 { _mm512_add_ps(a, b) }
        fn sub(self, a: __m512, b: __m512) -> __m512 { _mm512_sub_ps(a, b) }
        fn mul(self, a: __m512, b: __m512) -> __m512 { _mm512_mul_ps(a, b) }
        fn max(self, a: __m512, b: __m512) -> __m512 { _mm512_max_ps(a, b) }
        fn trunc(self, v: __m512) -> __m512 {
            _mm512_roundscale_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(v)
        }
    }
}

/// `a` where it has the bits of `b`, else `c`, bit by bit: `(a & b) | (c & (a ^ b))`.
const MAJORITY: i32 = (0b1111_0000 & 0b1100_1100) | (0b1010_1010 & (0b1111_0000 ^ 0b1100_1100));
/// `a | (b & c)` likewise.
const OR_AND: i32 = 0b1111_0000 | (0b1100_1100 & 0b1010_1010);
const TO_ZERO: i32 = _MM_FROUND_TO_ZERO | NO_EXC;

/// `2^e` of sixteen integers.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn powers_ps(exponents: __m128i) -> __m512 {
    let fields = _mm512_slli_epi32::<23>(_mm512_cvtepi8_epi32(exponents));
    _mm512_castsi512_ps(_mm512_add_epi32(fields, _mm512_set1_epi32(127 << 23)))
}

impl<T: Avx512Token> AlignLanes for LanesOf<T, f32> {
    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn greatest_sums(self, so_far: __m512, a: __m512, b: __m512) -> __m512 {
            let sums = _mm512_adds_epi8(_mm512_castps_si512(a), _mm512_castps_si512(b));
            _mm512_castsi512_ps(_mm512_max_epi8(_mm512_castps_si512(so_far), sums))
        }
        fn powers(self, exponents: __m512) -> [__m512; 4] {
            let exponents = _mm512_castps_si512(exponents);
            [
                powers_ps(_mm512_castsi512_si128(exponents)),
                powers_ps(_mm512_extracti32x4_epi32::<1>(exponents)),
                powers_ps(_mm512_extracti32x4_epi32::<2>(exponents)),
                powers_ps(_mm512_extracti32x4_epi32::<3>(exponents)),
            ]
        }
        fn and(self, a: __m512, b: __m512) -> __m512 { _mm512_and_ps(a, b) }
        fn sub_bits(self, a: __m512, b: __m512) -> __m512 {
            let bits = _mm512_sub_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b));
            _mm512_castsi512_ps(bits)
        }
        fn whole_zero(self, sum: __m512, v: __m512) -> __m512 {
            let total = _mm512_add_epi32(_mm512_castps_si512(sum), _mm512_cvttps_epi32(v));
            _mm512_cvt_roundepi32_ps::<TO_ZERO>(total)
        }
        fn wider_zero(self, sum: __m512, v: __m512) -> __m512 {
            let (sum, own) = (_mm512_castps_si512(sum), _mm512_cvttps_epi32(v));
            let total = _mm512_add_epi32(sum, own);
            // Where both have one sign, it is the total's; where they do not, the total fits.
            let negative = _mm512_ternarylogic_epi32::<MAJORITY>(sum, own, total);
            let negative = _mm512_srai_epi32::<31>(negative);
            let magnitude = _mm512_sub_epi32(_mm512_xor_si512(total, negative), negative);
            let nearer = _mm512_castps_si512(_mm512_cvt_roundepu32_ps::<TO_ZERO>(magnitude));
            let sign = _mm512_set1_epi32(i32::MIN);
            _mm512_castsi512_ps(_mm512_ternarylogic_epi32::<OR_AND>(nearer, negative, sign))
        }
    }
}

impl<T: Avx512Token> FloatLanes for LanesOf<T, f64> {
    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn mul_add_exact(self, a: __m512d, b: __m512d, c: __m512d) -> __m512d { _mm512_fmadd_pd(a, b, c) }
        fn narrow_even(self, v: __m512d, to: NarrowFloat<f64>) -> __m512d {
            let (magnitude, magic) = magnitude_and_magic_pd(v, to);
            let nearest = _mm512_sub_pd(_mm512_add_pd(magnitude, magic), magic);
            let beyond = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(nearest, _mm512_set1_pd(to.most));
            let bounded = _mm512_mask_mov_pd(nearest, beyond, _mm512_set1_pd(f64::INFINITY));
            _mm512_or_pd(bounded, _mm512_and_pd(v, _mm512_set1_pd(-0.0)))
        }
        fn narrow_zero(self, v: __m512d, to: NarrowFloat<f64>) -> __m512d {
            let (magnitude, magic) = magnitude_and_magic_pd(v, to);
            let sum = _mm512_add_round_pd::<{ _MM_FROUND_TO_ZERO | NO_EXC }>(magnitude, magic);
            // The second operand where one is NaN.
            let bounded = _mm512_min_pd(_mm512_set1_pd(to.most), _mm512_sub_pd(sum, magic));
            let special = _mm512_fpclass_pd_mask::<INFINITE>(v);
            let bounded = _mm512_mask_mov_pd(bounded, special, magnitude);
            _mm512_or_pd(bounded, _mm512_and_pd(v, _mm512_set1_pd(-0.0)))
        }
        fn add(self, a: __m512d, b: __m512d) -> __m512d { _mm512_add_pd(a, b) }
        fn sub(self, a: __m512d, b: __m512d) -> __m512d { _mm512_sub_pd(a, b) }
        fn mul(self, a: __m512d, b: __m512d) -> __m512d { _mm512_mul_pd(a, b) }
        fn max(self, a: __m512d, b: __m512d) -> __m512d { _mm512_max_pd(a, b) }
        fn trunc(self, v: __m512d) -> __m512d {
            _mm512_roundscale_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(v)
        }
    }
}
