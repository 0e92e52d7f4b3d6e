//! AVX2 with FMA and F16C: vectors of 256 bits.

use std::arch::x86_64::*;

use super::fused::Avx2Fused;
use super::real::{Avx2Double, Avx2Single};
use super::{Call, Lanes, Simd};

/// This CPU has AVX2, FMA and F16C: made by [`Avx2::detect`] alone.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The token, where the CPU has the instructions.
    pub(super) fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        all.then_some(Self(()))
    }

    /// Runs `call` compiled with its instructions.
    #[inline(always)]
    pub(super) fn vectorize<C: Call>(self, call: C) -> C::Output {
        #[target_feature(enable = "avx2,fma,f16c")]
        #[inline(never)]
        fn inner<C: Call>(call: C) -> C::Output {
            call.call()
        }
        // SAFETY: `self` exists, so the CPU has all three extensions.
        unsafe { inner(call) }
    }
}

impl Simd for Avx2 {
    type L32 = Avx2Lanes32;
    type L64 = Avx2Lanes64;
    type Fused = Avx2Fused;
    type Single = Avx2Single;
    type Double = Avx2Double;

    #[inline(always)]
    fn lanes32(self) -> Avx2Lanes32 {
        Avx2Lanes32(self)
    }

    #[inline(always)]
    fn lanes64(self) -> Avx2Lanes64 {
        Avx2Lanes64(self)
    }

    #[inline(always)]
    fn fused(self) -> Avx2Fused {
        Avx2Fused(self)
    }

    #[inline(always)]
    fn single(self) -> Avx2Single {
        Avx2Single(self)
    }

    #[inline(always)]
    fn double(self) -> Avx2Double {
        Avx2Double(self)
    }
}

/// 8 lanes of 32 bits.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Lanes32(Avx2);

/// 4 lanes of 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Lanes64(Avx2);

/// Methods whose body is one expression of AVX2 instructions.
macro_rules! avx2 {
    ($($(#[$attr:meta])* fn $name:ident($self:ident $(, $arg:ident: $type:ty)*) -> $out:ty { $body:expr })*) => {
        $(
            $(#[$attr])*
            #[inline(always)]
            fn $name($self $(, $arg: $type)*) -> $out {
                // SAFETY: the token in `self` proves AVX2.
                unsafe { $body }
            }
        )*
    };
}

impl Lanes for Avx2Lanes32 {
    type Word = i32;
    type V = __m256i;

    const N: usize = 8;
    const K_TILE: usize = 2;

    #[inline(always)]
    fn vectorize<C: Call>(self, call: C) -> C::Output {
        self.0.vectorize(call)
    }

    #[inline(always)]
    fn load(self, from: &[i32]) -> __m256i {
        let from = &from[..Self::N];
        // SAFETY: `from` has 8 words, and `self` proves AVX2.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, v: __m256i, to: &mut [i32]) {
        let to = &mut to[..Self::N];
        // SAFETY: `to` has 8 words, and `self` proves AVX2.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), v) }
    }

    avx2! {
        fn splat(self, x: i32) -> __m256i { _mm256_set1_epi32(x) }
        fn dot(self, acc: __m256i, a: __m256i, b: __m256i) -> __m256i {
            _mm256_add_epi32(acc, _mm256_madd_epi16(a, b))
        }
        fn add(self, a: __m256i, b: __m256i) -> __m256i { _mm256_add_epi32(a, b) }
        fn min(self, a: __m256i, b: __m256i) -> __m256i { _mm256_min_epi32(a, b) }
        fn max(self, a: __m256i, b: __m256i) -> __m256i { _mm256_max_epi32(a, b) }
        fn wrap(self, v: __m256i, mask: __m256i, sign: __m256i) -> __m256i {
            _mm256_sub_epi32(_mm256_xor_si256(_mm256_and_si256(v, mask), sign), sign)
        }
        fn count_changed(self, count: __m256i, a: __m256i, b: __m256i) -> __m256i {
            // Equal lanes compare to -1, so every lane first gets its 1 back.
            _mm256_add_epi32(
                _mm256_add_epi32(count, _mm256_set1_epi32(1)),
                _mm256_cmpeq_epi32(a, b),
            )
        }
    }
}

impl Lanes for Avx2Lanes64 {
    type Word = i64;
    type V = __m256i;

    const N: usize = 4;
    const K_TILE: usize = 1;

    #[inline(always)]
    fn vectorize<C: Call>(self, call: C) -> C::Output {
        self.0.vectorize(call)
    }

    #[inline(always)]
    fn load(self, from: &[i64]) -> __m256i {
        let from = &from[..Self::N];
        // SAFETY: `from` has 4 words, and `self` proves AVX2.
        unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, v: __m256i, to: &mut [i64]) {
        let to = &mut to[..Self::N];
        // SAFETY: `to` has 4 words, and `self` proves AVX2.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), v) }
    }

    avx2! {
        fn splat(self, x: i64) -> __m256i { _mm256_set1_epi64x(x) }
        fn dot(self, acc: __m256i, a: __m256i, b: __m256i) -> __m256i {
            _mm256_add_epi64(acc, _mm256_mul_epi32(a, b))
        }
        fn add(self, a: __m256i, b: __m256i) -> __m256i { _mm256_add_epi64(a, b) }
        fn min(self, a: __m256i, b: __m256i) -> __m256i {
            _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b))
        }
        fn max(self, a: __m256i, b: __m256i) -> __m256i {
            _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b))
        }
        fn wrap(self, v: __m256i, mask: __m256i, sign: __m256i) -> __m256i {
            _mm256_sub_epi64(_mm256_xor_si256(_mm256_and_si256(v, mask), sign), sign)
        }
        fn count_changed(self, count: __m256i, a: __m256i, b: __m256i) -> __m256i {
            _mm256_add_epi64(
                _mm256_add_epi64(count, _mm256_set1_epi64x(1)),
                _mm256_cmpeq_epi64(a, b),
            )
        }
    }
}
