//! Lanes of floats for registers that are aligned, and of formats that no instruction rounds to.

use std::arch::x86_64::*;

use super::Avx2;
use crate::simd::{AlignLanes, FloatLanes, LanesOf, NarrowFloat, scalar};

impl FloatLanes for LanesOf<Avx2, f32> {
    #[inline(always)]
    fn narrow_even(self, v: __m256, to: NarrowFloat<f32>) -> __m256 {
        scalar::map(v, |x: f32| scalar::narrow_even(x, to))
    }

    #[inline(always)]
    fn narrow_zero(self, v: __m256, to: NarrowFloat<f32>) -> __m256 {
        scalar::map(v, |x: f32| scalar::narrow_zero(x, to))
    }

    instructions! {
        "avx2,fma,f16c";
        fn mul_add_exact(self, a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fmadd_ps(a, b, c) }
        fn add_whole(self, sum: __m256, v: __m256) -> __m256 {
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), _mm256_cvttps_epi32(v)))
        }
        fn add(self, a: __m256, b: __m256) -> __m256 { _mm256_add_ps(a, b) }
        fn sub(self, a: __m256, b: __m256) -> __m256 { _mm256_sub_ps(a, b) }
        fn mul(self, a: __m256, b: __m256) -> __m256 { _mm256_mul_ps(a, b) }
        fn max(self, a: __m256, b: __m256) -> __m256 { _mm256_max_ps(a, b) }
        fn trunc(self, v: __m256) -> __m256 {
            _mm256_round_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(v)
        }
    }
}

impl FloatLanes for LanesOf<Avx2, f64> {
    #[inline(always)]
    fn narrow_even(self, v: __m256d, to: NarrowFloat<f64>) -> __m256d {
        scalar::map(v, |x: f64| scalar::narrow_even(x, to))
    }

    #[inline(always)]
    fn narrow_zero(self, v: __m256d, to: NarrowFloat<f64>) -> __m256d {
        scalar::map(v, |x: f64| scalar::narrow_zero(x, to))
    }

    instructions! {
        "avx2,fma,f16c";
        fn mul_add_exact(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d { _mm256_fmadd_pd(a, b, c) }
        fn add(self, a: __m256d, b: __m256d) -> __m256d { _mm256_add_pd(a, b) }
        fn sub(self, a: __m256d, b: __m256d) -> __m256d { _mm256_sub_pd(a, b) }
        fn mul(self, a: __m256d, b: __m256d) -> __m256d { _mm256_mul_pd(a, b) }
        fn max(self, a: __m256d, b: __m256d) -> __m256d { _mm256_max_pd(a, b) }
        fn trunc(self, v: __m256d) -> __m256d {
            _mm256_round_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(v)
        }
    }
}

/// `2^e` of the first eight integers.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn powers_ps(exponents: __m128i) -> __m256 {
    let fields = _mm256_slli_epi32::<23>(_mm256_cvtepi8_epi32(exponents));
    _mm256_castsi256_ps(_mm256_add_epi32(fields, _mm256_set1_epi32(127 << 23)))
}

/// The bits of the next `f32` toward zero of integers that are not negative.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn below_ps(v: __m256i) -> __m256i {
    // 2^31 is no integer of 32 bits; its neighbour is below all that would become it.
    let nearest = _mm256_min_ps(_mm256_cvtepi32_ps(v), _mm256_set1_ps(2_147_483_520.0));
    let beyond = _mm256_cmpgt_epi32(_mm256_cvttps_epi32(nearest), v);
    _mm256_add_epi32(_mm256_castps_si256(nearest), beyond)
}

impl AlignLanes for LanesOf<Avx2, f32> {
    instructions! {
        "avx2,fma,f16c";
        fn greatest_sums(self, so_far: __m256, a: __m256, b: __m256) -> __m256 {
            let sums = _mm256_adds_epi8(_mm256_castps_si256(a), _mm256_castps_si256(b));
            _mm256_castsi256_ps(_mm256_max_epi8(_mm256_castps_si256(so_far), sums))
        }
        fn powers(self, exponents: __m256) -> [__m256; 4] {
            let exponents = _mm256_castps_si256(exponents);
            let (low, high) =
                (_mm256_castsi256_si128(exponents), _mm256_extracti128_si256::<1>(exponents));
            [
                powers_ps(low),
                powers_ps(_mm_srli_si128::<8>(low)),
                powers_ps(high),
                powers_ps(_mm_srli_si128::<8>(high)),
            ]
        }
        fn whole_zero(self, sum: __m256, v: __m256) -> __m256 {
            let total = _mm256_add_epi32(_mm256_castps_si256(sum), _mm256_cvttps_epi32(v));
            let magnitude = _mm256_castsi256_ps(below_ps(_mm256_abs_epi32(total)));
            let sign = _mm256_and_ps(_mm256_castsi256_ps(total), _mm256_set1_ps(-0.0));
            _mm256_or_ps(magnitude, sign)
        }
        fn wider_zero(self, sum: __m256, v: __m256) -> __m256 {
            let (sum, own) = (_mm256_castps_si256(sum), _mm256_cvttps_epi32(v));
            let total = _mm256_add_epi32(sum, own);
            // Where both have one sign, it is the total's; where they do not, the total fits.
            let differ = _mm256_and_si256(_mm256_xor_si256(sum, own), total);
            let negative = _mm256_or_si256(_mm256_and_si256(sum, own), differ);
            let negative = _mm256_srai_epi32::<31>(negative);
            let magnitude = _mm256_sub_epi32(_mm256_xor_si256(total, negative), negative);
            // With its highest bit, half of it, and then twice as much.
            let twice = _mm256_srli_epi32::<31>(magnitude);
            let half = below_ps(_mm256_srlv_epi32(magnitude, twice));
            let magnitude = _mm256_add_epi32(half, _mm256_slli_epi32::<23>(twice));
            let sign = _mm256_and_ps(_mm256_castsi256_ps(negative), _mm256_set1_ps(-0.0));
            _mm256_or_ps(_mm256_castsi256_ps(magnitude), sign)
        }
        fn and(self, a: __m256, b: __m256) -> __m256 { _mm256_and_ps(a, b) }
        fn sub_bits(self, a: __m256, b: __m256) -> __m256 {
            let bits = _mm256_sub_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b));
            _mm256_castsi256_ps(bits)
        }
    }
}
