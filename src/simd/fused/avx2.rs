//! AVX2 with FMA and F16C: vectors of 8.

use std::arch::x86_64::*;
use std::array::from_fn;

use super::super::Call;
use super::super::avx2::Avx2;
use super::{FusedLanes, scalar};

/// 8 lanes.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Fused(pub(in crate::simd) Avx2);

/// Methods whose body is one expression of AVX2, FMA and F16C instructions.
macro_rules! avx2 {
    ($(fn $name:ident($self:ident $(, $arg:ident: $type:ty)*) -> $out:ty { $body:expr })*) => {
        $(
            #[inline(always)]
            fn $name($self $(, $arg: $type)*) -> $out {
                // SAFETY: the token in `self` proves AVX2, FMA and F16C.
                unsafe { $body }
            }
        )*
    };
}

impl Avx2Fused {
    #[inline(always)]
    fn numbers(self, v: __m256) -> [f32; 8] {
        let mut lanes = [0.0; 8];
        self.store(v, &mut lanes);
        lanes
    }

    /// `f` of each lane: this set has no rounding of its own per instruction.
    #[inline(always)]
    fn each(self, v: [__m256; 3], f: impl Fn(f32, f32, f32) -> f32) -> __m256 {
        let [a, b, c] = v.map(|v| self.numbers(v));
        self.load(&from_fn::<f32, 8, _>(|i| f(a[i], b[i], c[i])))
    }
}

impl FusedLanes for Avx2Fused {
    type V = __m256;

    const N: usize = 8;

    #[inline(always)]
    fn vectorize<C: Call>(self, call: C) -> C::Output {
        self.0.vectorize(call)
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m256 {
        let from = &from[..Self::N];
        // SAFETY: `from` has 8 numbers, and `self` proves AVX2.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, v: __m256, to: &mut [f32]) {
        let to = &mut to[..Self::N];
        // SAFETY: `to` has 8 numbers, and `self` proves AVX2.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn zero(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        self.each([a, b, c], scalar::zero)
    }

    #[inline(always)]
    fn odd(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        self.each([a, b, c], scalar::odd)
    }

    avx2! {
        fn splat(self, x: f32) -> __m256 { _mm256_set1_ps(x) }
        fn even(self, a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fmadd_ps(a, b, c) }
        fn half_even(self, v: __m256) -> __m256 {
            _mm256_cvtph_ps(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v))
        }
        fn half_zero(self, v: __m256) -> __m256 {
            _mm256_cvtph_ps(_mm256_cvtps_ph::<_MM_FROUND_TO_ZERO>(v))
        }
        fn cut_even(self, v: __m256, cut: u32) -> __m256 {
            {
                let bits = _mm256_castps_si256(v);
                let last = _mm256_and_si256(
                    _mm256_srlv_epi32(bits, _mm256_set1_epi32(cut as i32)),
                    _mm256_set1_epi32(1),
                );
                let below = _mm256_set1_epi32((1 << (cut - 1)) - 1);
                let rounded = _mm256_add_epi32(bits, _mm256_add_epi32(below, last));
                self.cut_zero(_mm256_castsi256_ps(rounded), cut)
            }
        }
        fn cut_zero(self, v: __m256, cut: u32) -> __m256 {
            _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32((u32::MAX << cut) as i32)))
        }
    }
}
