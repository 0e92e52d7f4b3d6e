//! AVX-512: vectors of 16 and 8.

use std::arch::x86_64::*;

use super::super::avx512::Avx512;
use super::RealLanes;

/// 16 lanes of `f32`.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Single(pub(in crate::simd) Avx512);

/// 8 lanes of `f64`.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Double(pub(in crate::simd) Avx512);

macro_rules! avx512 {
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
                // SAFETY: `from` has as many numbers as the vector, and `self` proves AVX-512 F.
                unsafe { $load(from.as_ptr()) }
            }

            #[inline(always)]
            fn store(self, v: $v, to: &mut [$number]) {
                let to = &mut to[..$n];
                // SAFETY: `to` has as many numbers as the vector, and `self` proves AVX-512 F.
                unsafe { $store(to.as_mut_ptr(), v) }
            }

            #[inline(always)]
            fn splat(self, x: $number) -> $v {
                // SAFETY: `self` proves AVX-512 F.
                unsafe { $set1(x) }
            }

            #[inline(always)]
            fn add(self, a: $v, b: $v) -> $v {
                // SAFETY: `self` proves AVX-512 F.
                unsafe { $add(a, b) }
            }

            #[inline(always)]
            fn mul(self, a: $v, b: $v) -> $v {
                // SAFETY: `self` proves AVX-512 F.
                unsafe { $mul(a, b) }
            }

            #[inline(always)]
            fn greater(self, a: $v, b: $v) -> $v {
                // SAFETY: `self` proves AVX-512 F.
                unsafe { $max(a, b) }
            }

            #[inline(always)]
            fn truncated(self, v: $v) -> $v {
                // SAFETY: `self` proves AVX-512 F.
                unsafe { $round::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(v) }
            }
        }
    };
}

avx512!(
    Avx512Single,
    f32,
    __m512,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_mul_ps,
    _mm512_max_ps,
    _mm512_roundscale_ps
);
avx512!(
    Avx512Double,
    f64,
    __m512d,
    8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_add_pd,
    _mm512_mul_pd,
    _mm512_max_pd,
    _mm512_roundscale_pd
);
