//! AVX-512: vectors of 16, and a rounding of its own for every instruction.

use std::arch::x86_64::*;

use super::super::Call;
use super::super::avx512::Avx512;
use super::FusedLanes;

/// 16 lanes.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Fused(pub(in crate::simd) Avx512);

const NO_EXC: i32 = _MM_FROUND_NO_EXC;

/// Methods whose body is one expression of AVX-512 instructions.
macro_rules! avx512 {
    ($(fn $name:ident($self:ident $(, $arg:ident: $type:ty)*) -> $out:ty { $body:expr })*) => {
        $(
            #[inline(always)]
            fn $name($self $(, $arg: $type)*) -> $out {
                // SAFETY: the token in `self` proves AVX-512 F and DQ.
                unsafe { $body }
            }
        )*
    };
}

impl FusedLanes for Avx512Fused {
    type V = __m512;

    const N: usize = 16;

    #[inline(always)]
    fn vectorize<C: Call>(self, call: C) -> C::Output {
        self.0.vectorize(call)
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m512 {
        let from = &from[..Self::N];
        // SAFETY: `from` has 16 numbers, and `self` proves AVX-512 F.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, v: __m512, to: &mut [f32]) {
        let to = &mut to[..Self::N];
        // SAFETY: `to` has 16 numbers, and `self` proves AVX-512 F.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
    }

    avx512! {
        fn splat(self, x: f32) -> __m512 { _mm512_set1_ps(x) }
        fn even(self, a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmadd_ps(a, b, c) }
        fn zero(self, a: __m512, b: __m512, c: __m512) -> __m512 {
            _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_ZERO | NO_EXC }>(a, b, c)
        }
        fn odd(self, a: __m512, b: __m512, c: __m512) -> __m512 {
            {
                // The two numbers around the sum; one of them is odd, unless they are the same.
                let down = _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_NEG_INF | NO_EXC }>(a, b, c);
                let up = _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_POS_INF | NO_EXC }>(a, b, c);
                let odd = _mm512_test_epi32_mask(_mm512_castps_si512(down), _mm512_set1_epi32(1));
                _mm512_mask_blend_ps(odd, up, down)
            }
        }
        fn half_even(self, v: __m512) -> __m512 {
            _mm512_cvtph_ps(_mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | NO_EXC }>(v))
        }
        fn half_zero(self, v: __m512) -> __m512 {
            _mm512_cvtph_ps(_mm512_cvtps_ph::<{ _MM_FROUND_TO_ZERO | NO_EXC }>(v))
        }
        fn cut_even(self, v: __m512, cut: u32) -> __m512 {
            {
                let bits = _mm512_castps_si512(v);
                let last = _mm512_and_si512(
                    _mm512_srlv_epi32(bits, _mm512_set1_epi32(cut as i32)),
                    _mm512_set1_epi32(1),
                );
                let below = _mm512_set1_epi32((1 << (cut - 1)) - 1);
                let rounded = _mm512_add_epi32(bits, _mm512_add_epi32(below, last));
                self.cut_zero(_mm512_castsi512_ps(rounded), cut)
            }
        }
        fn cut_zero(self, v: __m512, cut: u32) -> __m512 {
            _mm512_and_ps(v, _mm512_castsi512_ps(_mm512_set1_epi32((u32::MAX << cut) as i32)))
        }
    }
}
