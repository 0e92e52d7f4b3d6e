//! Lanes of 32 bits as registers, set by set.

use bytemuck::cast;

use super::{LanesOf, RegisterLanes, portable::Portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512_lanes::Avx512Token};

impl RegisterLanes for LanesOf<Portable, i32> {
    #[inline(always)]
    fn any_greater16(self, a: Self::V, b: Self::V) -> bool {
        let (a, b): ([i16; 16], [i16; 16]) = (cast(a), cast(b));
        a.iter().zip(&b).fold(false, |any, (a, b)| any | (a > b))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::*;

    impl RegisterLanes for LanesOf<Avx2, i32> {
        instructions! {
            "avx2,fma,f16c";
            fn shift_left(self, v: __m256i, bits: u32) -> __m256i {
                _mm256_sll_epi32(v, _mm_cvtsi32_si128(bits.cast_signed()))
            }
            fn shift_right(self, v: __m256i, bits: u32) -> __m256i {
                _mm256_sra_epi32(v, _mm_cvtsi32_si128(bits.cast_signed()))
            }
            fn add_same(self, sum: __m256i, x: __m256i, a: __m256i, b: __m256i) -> __m256i {
                _mm256_add_epi32(sum, _mm256_and_si256(_mm256_cmpeq_epi32(a, b), x))
            }
            fn any_greater16(self, a: __m256i, b: __m256i) -> bool {
                _mm256_movemask_epi8(_mm256_cmpgt_epi16(a, b)) != 0
            }
        }
    }

    impl<T: Avx512Token> RegisterLanes for LanesOf<T, i32> {
        const DOTS_SATURATING: bool = T::DOTS_BYTES;

        #[inline(always)]
        fn dot_saturating(self, acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
            self.token.dot_saturating(acc, a, b)
        }

        instructions! {
            "avx512f,avx512bw,avx512dq,avx512vl";
            fn shift_left(self, v: __m512i, bits: u32) -> __m512i {
                _mm512_sll_epi32(v, _mm_cvtsi32_si128(bits.cast_signed()))
            }
            fn shift_right(self, v: __m512i, bits: u32) -> __m512i {
                _mm512_sra_epi32(v, _mm_cvtsi32_si128(bits.cast_signed()))
            }
            fn add_same(self, sum: __m512i, x: __m512i, a: __m512i, b: __m512i) -> __m512i {
                _mm512_mask_add_epi32(sum, _mm512_cmpeq_epi32_mask(a, b), sum, x)
            }
            fn any_greater16(self, a: __m512i, b: __m512i) -> bool {
                _mm512_cmpgt_epi16_mask(a, b) != 0
            }
        }
    }
}
