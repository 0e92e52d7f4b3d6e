//! Operand words of four bytes: a lane takes four products at once.
//!
//! No intermediate has 16 bits only: 255 · (-128) + 255 · (-128) does not fit, and the instruction that saturates there
//! is not used.

use super::NarrowLanes;

/// Lanes of 32 bits whose operand words may also be four bytes, the earliest in the lowest place.
pub(crate) trait ByteLanes: NarrowLanes {
    /// Whether [`Self::dot_bytes`] is one instruction.
    const DOTS_BYTES: bool;

    /// `acc + Σ a[i] * b[i]` over the four bytes of each word: those of `a` unsigned, those of `b` signed.
    fn dot_bytes(self, acc: Self::V, a: Self::V, b: Self::V) -> Self::V;

    /// Asks for the cache line `ahead` words behind the start of `words`, which may lie behind their end.
    fn prefetch(self, words: &[i32], ahead: usize);

    /// `|x|` of every signed byte, as an unsigned one.
    fn magnitudes(self, a: Self::V) -> Self::V;

    /// `-|x|` of every signed byte, as a signed one.
    fn negative_magnitudes(self, b: Self::V) -> Self::V;

    /// Every signed byte, and 0 for those below it.
    fn positives(self, b: Self::V) -> Self::V;

    /// `a - b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;

    /// The bits that both have.
    fn and(self, a: Self::V, b: Self::V) -> Self::V;

    /// The bits that differ.
    fn xor(self, a: Self::V, b: Self::V) -> Self::V;

    /// `[l, h]` of the pairs of 16-bit integers `256 h + l`, where `l` is 0 to 255, as pairs too.
    fn halves(self, pairs: Self::V) -> [Self::V; 2];

    /// Whether a lane of `a` is greater than that of `b`, signed.
    fn any_greater(self, a: Self::V, b: Self::V) -> bool;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::super::avx2::Avx2Lanes32;
    use super::super::avx512::Avx512Lanes32;
    use super::super::prefetch::prefetch;
    use super::ByteLanes;

    impl ByteLanes for Avx512Lanes32 {
        const DOTS_BYTES: bool = true;

        #[inline(always)]
        fn prefetch(self, words: &[i32], ahead: usize) {
            prefetch(words.as_ptr().wrapping_add(ahead));
        }

        instructions! {
            fn dot_bytes(self, acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
                _mm512_dpbusd_epi32(acc, a, b)
            }
            fn magnitudes(self, a: __m512i) -> __m512i { _mm512_abs_epi8(a) }
            fn negative_magnitudes(self, b: __m512i) -> __m512i {
                _mm512_min_epi8(b, _mm512_sub_epi8(_mm512_setzero_si512(), b))
            }
            fn positives(self, b: __m512i) -> __m512i {
                _mm512_max_epi8(b, _mm512_setzero_si512())
            }
            fn sub(self, a: __m512i, b: __m512i) -> __m512i { _mm512_sub_epi32(a, b) }
            fn and(self, a: __m512i, b: __m512i) -> __m512i { _mm512_and_si512(a, b) }
            fn xor(self, a: __m512i, b: __m512i) -> __m512i { _mm512_xor_si512(a, b) }
            fn halves(self, pairs: __m512i) -> [__m512i; 2] {
                [
                    _mm512_and_si512(pairs, _mm512_set1_epi16(0xff)),
                    _mm512_srai_epi16::<8>(pairs),
                ]
            }
            fn any_greater(self, a: __m512i, b: __m512i) -> bool {
                _mm512_cmpgt_epi32_mask(a, b) != 0
            }
        }
    }

    impl ByteLanes for Avx2Lanes32 {
        const DOTS_BYTES: bool = false;

        #[inline(always)]
        fn prefetch(self, words: &[i32], ahead: usize) {
            prefetch(words.as_ptr().wrapping_add(ahead));
        }

        instructions! {
            fn dot_bytes(self, acc: __m256i, a: __m256i, b: __m256i) -> __m256i {
                // Even and odd bytes as 16-bit integers; their products are summed in 32 bits.
                {
                    let low = _mm256_set1_epi16(0xff);
                    let even = _mm256_madd_epi16(
                        _mm256_and_si256(a, low),
                        _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(b)),
                    );
                    let odd = _mm256_madd_epi16(
                        _mm256_srli_epi16::<8>(a),
                        _mm256_srai_epi16::<8>(b),
                    );
                    _mm256_add_epi32(acc, _mm256_add_epi32(even, odd))
                }
            }
            fn magnitudes(self, a: __m256i) -> __m256i { _mm256_abs_epi8(a) }
            fn negative_magnitudes(self, b: __m256i) -> __m256i {
                _mm256_min_epi8(b, _mm256_sub_epi8(_mm256_setzero_si256(), b))
            }
            fn positives(self, b: __m256i) -> __m256i {
                _mm256_max_epi8(b, _mm256_setzero_si256())
            }
            fn sub(self, a: __m256i, b: __m256i) -> __m256i { _mm256_sub_epi32(a, b) }
            fn and(self, a: __m256i, b: __m256i) -> __m256i { _mm256_and_si256(a, b) }
            fn xor(self, a: __m256i, b: __m256i) -> __m256i { _mm256_xor_si256(a, b) }
            fn halves(self, pairs: __m256i) -> [__m256i; 2] {
                [
                    _mm256_and_si256(pairs, _mm256_set1_epi16(0xff)),
                    _mm256_srai_epi16::<8>(pairs),
                ]
            }
            fn any_greater(self, a: __m256i, b: __m256i) -> bool {
                _mm256_movemask_epi8(_mm256_cmpgt_epi32(a, b)) != 0
            }
        }
    }
}

mod portable {
    use bytemuck::cast;
    use wide::{i8x32, i16x16, i32x8, u16x16};

    use super::super::portable::Portable32;
    use super::ByteLanes;

    impl ByteLanes for Portable32 {
        const DOTS_BYTES: bool = false;

        #[inline(always)]
        fn prefetch(self, _: &[i32], _: usize) {}

        #[inline(always)]
        fn dot_bytes(self, acc: i32x8, a: i32x8, b: i32x8) -> i32x8 {
            let (a, b): (u16x16, i16x16) = (cast(a), cast(b));
            let even: i16x16 = cast(a & u16x16::splat(0xff));
            let odd: i16x16 = cast(a >> 8u32);
            acc + even.dot((b << 8u32) >> 8u32) + odd.dot(b >> 8u32)
        }

        #[inline(always)]
        fn magnitudes(self, a: i32x8) -> i32x8 {
            cast(cast::<_, i8x32>(a).abs())
        }

        #[inline(always)]
        fn negative_magnitudes(self, b: i32x8) -> i32x8 {
            let b: i8x32 = cast(b);
            cast(b.min(i8x32::default() - b))
        }

        #[inline(always)]
        fn positives(self, b: i32x8) -> i32x8 {
            cast(cast::<_, i8x32>(b).max(i8x32::default()))
        }

        #[inline(always)]
        fn sub(self, a: i32x8, b: i32x8) -> i32x8 {
            a - b
        }

        #[inline(always)]
        fn and(self, a: i32x8, b: i32x8) -> i32x8 {
            a & b
        }

        #[inline(always)]
        fn xor(self, a: i32x8, b: i32x8) -> i32x8 {
            a ^ b
        }

        #[inline(always)]
        fn halves(self, pairs: i32x8) -> [i32x8; 2] {
            let pairs: i16x16 = cast(pairs);
            [cast(pairs & i16x16::splat(0xff)), cast(pairs >> 8u32)]
        }

        #[inline(always)]
        fn any_greater(self, a: i32x8, b: i32x8) -> bool {
            a.simd_gt(b).any()
        }
    }
}
