//! AVX-512 with VNNI: vectors of 512 bits.

use std::arch::x86_64::*;

use super::fused::Avx512Fused;
use super::real::{Avx512Double, Avx512Single};
use super::{Call, Lanes, Simd};

/// This CPU has AVX-512 F, BW, DQ, VL and VNNI: made by [`Avx512::detect`] alone.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// The token, where the CPU has the instructions.
    pub(super) fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni");
        all.then_some(Self(()))
    }

    /// Runs `call` compiled with its instructions.
    #[inline(always)]
    pub(super) fn vectorize<C: Call>(self, call: C) -> C::Output {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
        #[inline(never)]
        fn inner<C: Call>(call: C) -> C::Output {
            call.call()
        }
        // SAFETY: `self` exists, so the CPU has all five extensions.
        unsafe { inner(call) }
    }
}

impl Simd for Avx512 {
    type L32 = Avx512Lanes32;
    type L64 = Avx512Lanes64;
    type Fused = Avx512Fused;
    type Single = Avx512Single;
    type Double = Avx512Double;

    #[inline(always)]
    fn lanes32(self) -> Avx512Lanes32 {
        Avx512Lanes32(self)
    }

    #[inline(always)]
    fn lanes64(self) -> Avx512Lanes64 {
        Avx512Lanes64(self)
    }

    #[inline(always)]
    fn fused(self) -> Avx512Fused {
        Avx512Fused(self)
    }

    #[inline(always)]
    fn single(self) -> Avx512Single {
        Avx512Single(self)
    }

    #[inline(always)]
    fn double(self) -> Avx512Double {
        Avx512Double(self)
    }
}

/// 16 lanes of 32 bits.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Lanes32(Avx512);

/// 8 lanes of 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Lanes64(Avx512);

/// `(a & b) ^ c` as the truth table of a ternary logic instruction.
const AND_XOR: i32 = (0b1111_0000 & 0b1100_1100) ^ 0b1010_1010;

/// Methods whose body is one expression of AVX-512 instructions.
macro_rules! avx512 {
    ($($(#[$attr:meta])* fn $name:ident($self:ident $(, $arg:ident: $type:ty)*) -> $out:ty { $body:expr })*) => {
        $(
            $(#[$attr])*
            #[inline(always)]
            fn $name($self $(, $arg: $type)*) -> $out {
                // SAFETY: the token in `self` proves AVX-512 F, BW, DQ, VL and VNNI.
                unsafe { $body }
            }
        )*
    };
}

impl Lanes for Avx512Lanes32 {
    type Word = i32;
    type V = __m512i;

    const N: usize = 16;
    const K_TILE: usize = 2;

    #[inline(always)]
    fn vectorize<C: Call>(self, call: C) -> C::Output {
        self.0.vectorize(call)
    }

    #[inline(always)]
    fn load(self, from: &[i32]) -> __m512i {
        let from = &from[..Self::N];
        // SAFETY: `from` has 16 words, and `self` proves AVX-512 F.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, v: __m512i, to: &mut [i32]) {
        let to = &mut to[..Self::N];
        // SAFETY: `to` has 16 words, and `self` proves AVX-512 F.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), v) }
    }

    avx512! {
        fn splat(self, x: i32) -> __m512i { _mm512_set1_epi32(x) }
        fn dot(self, acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
            _mm512_dpwssd_epi32(acc, a, b)
        }
        fn add(self, a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi32(a, b) }
        fn min(self, a: __m512i, b: __m512i) -> __m512i { _mm512_min_epi32(a, b) }
        fn max(self, a: __m512i, b: __m512i) -> __m512i { _mm512_max_epi32(a, b) }
        fn wrap(self, v: __m512i, mask: __m512i, sign: __m512i) -> __m512i {
            _mm512_sub_epi32(_mm512_ternarylogic_epi32::<AND_XOR>(v, mask, sign), sign)
        }
        fn count_changed(self, count: __m512i, a: __m512i, b: __m512i) -> __m512i {
            _mm512_mask_add_epi32(
                count,
                _mm512_cmpneq_epi32_mask(a, b),
                count,
                _mm512_set1_epi32(1),
            )
        }
    }
}

impl Lanes for Avx512Lanes64 {
    type Word = i64;
    type V = __m512i;

    const N: usize = 8;
    const K_TILE: usize = 1;

    #[inline(always)]
    fn vectorize<C: Call>(self, call: C) -> C::Output {
        self.0.vectorize(call)
    }

    #[inline(always)]
    fn load(self, from: &[i64]) -> __m512i {
        let from = &from[..Self::N];
        // SAFETY: `from` has 8 words, and `self` proves AVX-512 F.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, v: __m512i, to: &mut [i64]) {
        let to = &mut to[..Self::N];
        // SAFETY: `to` has 8 words, and `self` proves AVX-512 F.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), v) }
    }

    avx512! {
        fn splat(self, x: i64) -> __m512i { _mm512_set1_epi64(x) }
        fn dot(self, acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
            _mm512_add_epi64(acc, _mm512_mul_epi32(a, b))
        }
        fn add(self, a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi64(a, b) }
        fn min(self, a: __m512i, b: __m512i) -> __m512i { _mm512_min_epi64(a, b) }
        fn max(self, a: __m512i, b: __m512i) -> __m512i { _mm512_max_epi64(a, b) }
        fn wrap(self, v: __m512i, mask: __m512i, sign: __m512i) -> __m512i {
            _mm512_sub_epi64(_mm512_ternarylogic_epi64::<AND_XOR>(v, mask, sign), sign)
        }
        fn count_changed(self, count: __m512i, a: __m512i, b: __m512i) -> __m512i {
            _mm512_mask_add_epi64(
                count,
                _mm512_cmpneq_epi64_mask(a, b),
                count,
                _mm512_set1_epi64(1),
            )
        }
    }
}
