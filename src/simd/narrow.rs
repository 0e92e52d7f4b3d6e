//! The vectors of 32-bit lanes as twice as many lanes of 16 bits.
//!
//! The even ones are the low halves, the odd ones the high halves. Arithmetic is modulo 2^16 where nothing else is said.

use super::Lanes;

/// Lanes of 32 bits whose halves are lanes too.
pub(crate) trait NarrowLanes: Lanes<Word = i32> {
    /// The low halves of `even` and of `odd`, in the even and the odd lanes.
    fn join_low(self, even: Self::V, odd: Self::V) -> Self::V;

    /// The high halves of `even` and of `odd`, in the even and the odd lanes.
    fn join_high(self, even: Self::V, odd: Self::V) -> Self::V;

    /// The even and the odd lanes, sign extended: what [`Self::join_low`] puts together.
    fn split(self, v: Self::V) -> [Self::V; 2];

    /// The low and the high byte of every lane, sign extended.
    fn low_and_high(self, v: Self::V) -> [Self::V; 2];

    /// Byte `place` of every four, as an unsigned one, in both of their lanes.
    fn spread(self, v: Self::V, place: usize) -> Self::V;

    /// `v / 2^bits`, rounded down; `bits` is below 16.
    fn shift_right16(self, v: Self::V, bits: u32) -> Self::V;

    /// `a + b`.
    fn add16(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a + b`, or the nearest end of the range.
    fn add_saturating16(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a - b`.
    fn sub16(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a * b`.
    fn mul16(self, a: Self::V, b: Self::V) -> Self::V;

    /// The lesser, signed.
    fn min16(self, a: Self::V, b: Self::V) -> Self::V;

    /// The greater, signed.
    fn max16(self, a: Self::V, b: Self::V) -> Self::V;

    /// As [`Lanes::wrap`].
    fn wrap16(self, v: Self::V, mask: Self::V, sign: Self::V) -> Self::V;

    /// `sum + x` where `a == b`, `sum` elsewhere.
    fn add_same16(self, sum: Self::V, x: Self::V, a: Self::V, b: Self::V) -> Self::V;
}

/// 16 bits in both halves of a word.
pub(crate) const fn both(x: i16) -> i32 {
    (x.cast_unsigned() as u32 * 0x1_0001).cast_signed()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::super::avx2::Avx2Lanes32;
    use super::super::avx512::Avx512Lanes32;
    use super::{NarrowLanes, both};

    /// `(a & b) ^ c` as the truth table of a ternary logic instruction.
    const AND_XOR: i32 = (0b1111_0000 & 0b1100_1100) ^ 0b1010_1010;
    /// The bytes of the high halves of all words.
    const HIGH: u64 = 0xcccc_cccc_cccc_cccc;
    /// The odd ones of eight lanes.
    const ODD: i32 = 0b1010_1010;

    /// Where a shuffle finds byte 0 of word `word` of its 128 bits, and then a zero; twice.
    const fn first_byte(word: i16) -> i32 {
        both(i16::MIN + 4 * word)
    }

    impl NarrowLanes for Avx512Lanes32 {
        instructions! {
            fn join_low(self, even: __m512i, odd: __m512i) -> __m512i {
                {
                    // The low half of each word of `odd` as the high one.
                    let up = _mm512_set4_epi32(0x0d0c_0000, 0x0908_0000, 0x0504_0000, 0x0100_0000);
                    _mm512_mask_shuffle_epi8(even, HIGH, odd, up)
                }
            }
            fn join_high(self, even: __m512i, odd: __m512i) -> __m512i {
                {
                    // The high half of each word of `even` as the low one.
                    let down = _mm512_set4_epi32(0x0f0e, 0x0b0a, 0x0706, 0x0302);
                    _mm512_mask_shuffle_epi8(odd, !HIGH, even, down)
                }
            }
            fn split(self, v: __m512i) -> [__m512i; 2] {
                [
                    _mm512_srai_epi32::<16>(_mm512_slli_epi32::<16>(v)),
                    _mm512_srai_epi32::<16>(v),
                ]
            }
            fn low_and_high(self, v: __m512i) -> [__m512i; 2] {
                [_mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(v)), _mm512_srai_epi16::<8>(v)]
            }
            fn spread(self, v: __m512i, place: usize) -> __m512i {
                {
                    let first = _mm512_set4_epi32(
                        first_byte(3), first_byte(2), first_byte(1), first_byte(0),
                    );
                    let place = _mm512_set1_epi16(place as i16);
                    _mm512_shuffle_epi8(v, _mm512_add_epi16(first, place))
                }
            }
            fn shift_right16(self, v: __m512i, bits: u32) -> __m512i {
                _mm512_sra_epi16(v, _mm_cvtsi32_si128(bits.cast_signed()))
            }
            fn add16(self, a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi16(a, b) }
            fn add_saturating16(self, a: __m512i, b: __m512i) -> __m512i {
                _mm512_adds_epi16(a, b)
            }
            fn sub16(self, a: __m512i, b: __m512i) -> __m512i { _mm512_sub_epi16(a, b) }
            fn mul16(self, a: __m512i, b: __m512i) -> __m512i { _mm512_mullo_epi16(a, b) }
            fn min16(self, a: __m512i, b: __m512i) -> __m512i { _mm512_min_epi16(a, b) }
            fn max16(self, a: __m512i, b: __m512i) -> __m512i { _mm512_max_epi16(a, b) }
            fn wrap16(self, v: __m512i, mask: __m512i, sign: __m512i) -> __m512i {
                _mm512_sub_epi16(_mm512_ternarylogic_epi32::<AND_XOR>(v, mask, sign), sign)
            }
            fn add_same16(self, sum: __m512i, x: __m512i, a: __m512i, b: __m512i) -> __m512i {
                _mm512_mask_add_epi16(sum, _mm512_cmpeq_epi16_mask(a, b), sum, x)
            }
        }
    }

    impl NarrowLanes for Avx2Lanes32 {
        instructions! {
            fn join_low(self, even: __m256i, odd: __m256i) -> __m256i {
                _mm256_blend_epi16::<ODD>(even, _mm256_slli_epi32::<16>(odd))
            }
            fn join_high(self, even: __m256i, odd: __m256i) -> __m256i {
                _mm256_blend_epi16::<ODD>(_mm256_srli_epi32::<16>(even), odd)
            }
            fn split(self, v: __m256i) -> [__m256i; 2] {
                [
                    _mm256_srai_epi32::<16>(_mm256_slli_epi32::<16>(v)),
                    _mm256_srai_epi32::<16>(v),
                ]
            }
            fn low_and_high(self, v: __m256i) -> [__m256i; 2] {
                [_mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(v)), _mm256_srai_epi16::<8>(v)]
            }
            fn spread(self, v: __m256i, place: usize) -> __m256i {
                {
                    let first = _mm256_broadcastsi128_si256(_mm_set_epi32(
                        first_byte(3), first_byte(2), first_byte(1), first_byte(0),
                    ));
                    let place = _mm256_set1_epi16(place as i16);
                    _mm256_shuffle_epi8(v, _mm256_add_epi16(first, place))
                }
            }
            fn shift_right16(self, v: __m256i, bits: u32) -> __m256i {
                _mm256_sra_epi16(v, _mm_cvtsi32_si128(bits.cast_signed()))
            }
            fn add16(self, a: __m256i, b: __m256i) -> __m256i { _mm256_add_epi16(a, b) }
            fn add_saturating16(self, a: __m256i, b: __m256i) -> __m256i {
                _mm256_adds_epi16(a, b)
            }
            fn sub16(self, a: __m256i, b: __m256i) -> __m256i { _mm256_sub_epi16(a, b) }
            fn mul16(self, a: __m256i, b: __m256i) -> __m256i { _mm256_mullo_epi16(a, b) }
            fn min16(self, a: __m256i, b: __m256i) -> __m256i { _mm256_min_epi16(a, b) }
            fn max16(self, a: __m256i, b: __m256i) -> __m256i { _mm256_max_epi16(a, b) }
            fn wrap16(self, v: __m256i, mask: __m256i, sign: __m256i) -> __m256i {
                _mm256_sub_epi16(_mm256_xor_si256(_mm256_and_si256(v, mask), sign), sign)
            }
            fn add_same16(self, sum: __m256i, x: __m256i, a: __m256i, b: __m256i) -> __m256i {
                _mm256_add_epi16(sum, _mm256_and_si256(_mm256_cmpeq_epi16(a, b), x))
            }
        }
    }
}

mod portable {
    use bytemuck::cast;
    use wide::{i16x16, i32x8, u32x8};

    use super::super::portable::Portable32;
    use super::NarrowLanes;

    /// `f` of lanes of 16 bits.
    #[inline(always)]
    fn halves(a: i32x8, b: i32x8, f: impl Fn(i16x16, i16x16) -> i16x16) -> i32x8 {
        cast(f(cast(a), cast(b)))
    }

    /// The low halves.
    const LOW: i32 = 0xffff;

    impl NarrowLanes for Portable32 {
        #[inline(always)]
        fn join_low(self, even: i32x8, odd: i32x8) -> i32x8 {
            even & i32x8::splat(LOW) | odd << 16u32
        }

        #[inline(always)]
        fn join_high(self, even: i32x8, odd: i32x8) -> i32x8 {
            cast::<u32x8, i32x8>(cast::<i32x8, u32x8>(even) >> 16u32) | odd & i32x8::splat(!LOW)
        }

        #[inline(always)]
        fn split(self, v: i32x8) -> [i32x8; 2] {
            [(v << 16u32) >> 16u32, v >> 16u32]
        }

        #[inline(always)]
        fn low_and_high(self, v: i32x8) -> [i32x8; 2] {
            let v: i16x16 = cast(v);
            [cast((v << 8u32) >> 8u32), cast(v >> 8u32)]
        }

        #[inline(always)]
        fn spread(self, v: i32x8, place: usize) -> i32x8 {
            let byte = (v >> (8 * place as u32)) & i32x8::splat(0xff);
            byte | byte << 16u32
        }

        #[inline(always)]
        fn shift_right16(self, v: i32x8, bits: u32) -> i32x8 {
            cast(cast::<_, i16x16>(v) >> bits)
        }

        #[inline(always)]
        fn add16(self, a: i32x8, b: i32x8) -> i32x8 {
            halves(a, b, |a, b| a + b)
        }

        #[inline(always)]
        fn add_saturating16(self, a: i32x8, b: i32x8) -> i32x8 {
            halves(a, b, i16x16::saturating_add)
        }

        #[inline(always)]
        fn sub16(self, a: i32x8, b: i32x8) -> i32x8 {
            halves(a, b, |a, b| a - b)
        }

        #[inline(always)]
        fn mul16(self, a: i32x8, b: i32x8) -> i32x8 {
            halves(a, b, |a, b| a * b)
        }

        #[inline(always)]
        fn min16(self, a: i32x8, b: i32x8) -> i32x8 {
            halves(a, b, i16x16::min)
        }

        #[inline(always)]
        fn max16(self, a: i32x8, b: i32x8) -> i32x8 {
            halves(a, b, i16x16::max)
        }

        #[inline(always)]
        fn wrap16(self, v: i32x8, mask: i32x8, sign: i32x8) -> i32x8 {
            halves((v & mask) ^ sign, sign, |v, sign| v - sign)
        }

        #[inline(always)]
        fn add_same16(self, sum: i32x8, x: i32x8, a: i32x8, b: i32x8) -> i32x8 {
            let same = halves(a, b, |a, b| a.simd_eq(b));
            halves(sum, x & same, |sum, x| sum + x)
        }
    }
}
