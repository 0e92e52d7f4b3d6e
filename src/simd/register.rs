//! Lanes of 32 bits as registers: values that are shifted up until the ends of their range are those of the lane.

use bytemuck::cast;

use super::{IntLanes, LanesOf, portable::Portable};
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512_lanes::Avx512Token};

/// Lanes of 32 bits that saturate where a register does.
pub(crate) trait RegisterLanes: IntLanes<Element = i32> {
    /// Whether [`Self::dot_saturating`] is one instruction.
    const DOTS_SATURATING: bool = false;

    /// `acc + Σ a[i] * b[i]` over the pairs of 16-bit integers of each word, or the nearest end of the lane's range. The sum
    /// of the two products is less than 2^31.
    #[inline(always)]
    fn dot_saturating(self, acc: Self::V, a: Self::V, b: Self::V) -> Self::V {
        let sum = self.dot(self.splat(0), a, b);
        self.each(acc, sum, |acc, sum| acc.saturating_add(sum))
    }

    /// `v * 2^bits`, modulo 2^32; `bits` is below 32.
    #[inline(always)]
    fn shift_left(self, v: Self::V, bits: u32) -> Self::V {
        self.each(v, v, |v, _| v << bits)
    }

    /// `v / 2^bits`, rounded down; `bits` is below 32.
    #[inline(always)]
    fn shift_right(self, v: Self::V, bits: u32) -> Self::V {
        self.each(v, v, |v, _| v >> bits)
    }

    /// `sum + x` where `a == b`, `sum` elsewhere.
    #[inline(always)]
    fn add_same(self, sum: Self::V, x: Self::V, a: Self::V, b: Self::V) -> Self::V {
        let same = self.each(a, b, |a, b| -i32::from(a == b));
        self.add(sum, self.each(same, x, |same, x| same & x))
    }

    /// Whether a half of a word of `a` is greater than that of `b`, signed.
    fn any_greater16(self, a: Self::V, b: Self::V) -> bool;

    /// `f` lane by lane.
    #[inline(always)]
    fn each(self, a: Self::V, b: Self::V, f: impl Fn(i32, i32) -> i32) -> Self::V {
        let [mut x, mut y] = [[0; 16]; 2];
        self.store(a, &mut x);
        self.store(b, &mut y);
        for (x, y) in x.iter_mut().zip(y) {
            *x = f(*x, y);
        }
        self.load(&x)
    }
}

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
