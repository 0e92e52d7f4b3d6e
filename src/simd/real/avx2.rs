//! AVX2: vectors of 8 and 4.

use std::arch::x86_64::*;

use super::super::avx2::Avx2;
use super::RealLanes;

/// 8 lanes of `f32`.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Single(pub(in crate::simd) Avx2);

/// 4 lanes of `f64`.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Double(pub(in crate::simd) Avx2);

macro_rules! avx2 {
    ($lanes:ident, $number:ident, $v:ident, $n:literal, $set1:ident, $load:ident, $store:ident,
     $add:ident, $mul:ident, $max:ident, $round:ident) => {
        impl RealLanes for $lanes {
            type Number = $number;
            type V = $v;

            const N: usize = $n;

            #[inline(always)]
            fn narrow(x: f64) -> $number {
                x as $number
            }

            #[inline(always)]
            fn load(self, from: &[$number]) -> $v {
                let from = &from[..$n];
                // SAFETY: `from` has as many numbers as the vector, and `self` proves AVX2.
                unsafe { $load(from.as_ptr()) }
            }

            #[inline(always)]
            fn store(self, v: $v, to: &mut [$number]) {
                let to = &mut to[..$n];
                // SAFETY: `to` has as many numbers as the vector, and `self` proves AVX2.
                unsafe { $store(to.as_mut_ptr(), v) }
            }

            #[inline(always)]
            fn splat(self, x: $number) -> $v {
                // SAFETY: `self` proves AVX2.
                unsafe { $set1(x) }
            }

            #[inline(always)]
            fn add(self, a: $v, b: $v) -> $v {
                // SAFETY: `self` proves AVX2.
                unsafe { $add(a, b) }
            }

            #[inline(always)]
            fn mul(self, a: $v, b: $v) -> $v {
                // SAFETY: `self` proves AVX2.
                unsafe { $mul(a, b) }
            }

            #[inline(always)]
            fn greater(self, a: $v, b: $v) -> $v {
                // SAFETY: `self` proves AVX2.
                unsafe { $max(a, b) }
            }

            #[inline(always)]
            fn truncated(self, v: $v) -> $v {
                // SAFETY: `self` proves AVX2.
                unsafe { $round::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(v) }
            }
        }
    };
}

avx2!(
    Avx2Single,
    f32,
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_mul_ps,
    _mm256_max_ps,
    _mm256_round_ps
);
avx2!(
    Avx2Double,
    f64,
    __m256d,
    4,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_add_pd,
    _mm256_mul_pd,
    _mm256_max_pd,
    _mm256_round_pd
);
