//! The vectors of x86-64. A type holds the token of its instruction set, which only detection can make.

use std::arch::x86_64::*;

use super::RealLanes;
use crate::simd::avx2::Avx2;
use crate::simd::avx512::Avx512;

/// A type of vector: the token it holds, what a lane is, how many there are, and the set's instructions.
macro_rules! x86 {
    ($(#[$doc:meta])* $lanes:ident($token:ident), $number:ident, $v:ident, $n:literal, $set1:ident, $load:ident, $store:ident,
     $add:ident, $sub:ident, $mul:ident, $max:ident, $round:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $lanes(pub(in crate::simd) $token);

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
                // SAFETY: `from` has as many numbers as the vector, and the token in `self` proves its instruction set.
                unsafe { $load(from.as_ptr()) }
            }

            #[inline(always)]
            fn store(self, v: $v, to: &mut [$number]) {
                let to = &mut to[..$n];
                // SAFETY: `to` has as many numbers as the vector, and the token in `self` proves its instruction set.
                unsafe { $store(to.as_mut_ptr(), v) }
            }

            #[inline(always)]
            fn splat(self, x: $number) -> $v {
                // SAFETY: the token in `self` proves its instruction set.
                unsafe { $set1(x) }
            }

            #[inline(always)]
            fn add(self, a: $v, b: $v) -> $v {
                // SAFETY: the token in `self` proves its instruction set.
                unsafe { $add(a, b) }
            }

            #[inline(always)]
            fn sub(self, a: $v, b: $v) -> $v {
                // SAFETY: the token in `self` proves its instruction set.
                unsafe { $sub(a, b) }
            }

            #[inline(always)]
            fn mul(self, a: $v, b: $v) -> $v {
                // SAFETY: the token in `self` proves its instruction set.
                unsafe { $mul(a, b) }
            }

            #[inline(always)]
            fn greater(self, a: $v, b: $v) -> $v {
                // SAFETY: the token in `self` proves its instruction set.
                unsafe { $max(a, b) }
            }

            #[inline(always)]
            fn truncated(self, v: $v) -> $v {
                // SAFETY: the token in `self` proves its instruction set.
                unsafe { $round::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(v) }
            }
        }
    };
}

x86!(
    /// AVX2: 8 lanes of `f32`.
    Avx2Single(Avx2),
    f32,
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_max_ps,
    _mm256_round_ps
);

x86!(
    /// AVX2: 4 lanes of `f64`.
    Avx2Double(Avx2),
    f64,
    __m256d,
    4,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_max_pd,
    _mm256_round_pd
);

x86!(
    /// AVX-512: 16 lanes of `f32`.
    Avx512Single(Avx512),
    f32,
    __m512,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_max_ps,
    _mm512_roundscale_ps
);

x86!(
    /// AVX-512: 8 lanes of `f64`.
    Avx512Double(Avx512),
    f64,
    __m512d,
    8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_max_pd,
    _mm512_roundscale_pd
);
