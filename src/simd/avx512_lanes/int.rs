//! Lanes of integers and of bits.

use std::arch::x86_64::*;

use super::Avx512Token;
use crate::simd::avx2::first_byte;
use crate::simd::{BitLanes, ByteLanes, Int16Lanes, IntLanes, Lanes, LanesOf, Linear, ROUNDING};

/// `(a & b) ^ c` as the truth table of a ternary logic instruction.
const AND_XOR: i32 = (0b1111_0000 & 0b1100_1100) ^ 0b1010_1010;
/// `(a ^ b) & c` likewise.
const XOR_AND: i32 = (0b1111_0000 ^ 0b1100_1100) & 0b1010_1010;

impl<T: Avx512Token> IntLanes for LanesOf<T, i32> {
    #[inline(always)]
    fn dot(self, acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
        self.token.dot_pairs(acc, a, b)
    }

    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
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

impl<T: Avx512Token> IntLanes for LanesOf<T, i64> {
    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
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

/// The bytes of the high halves of all words.
const HIGH: u64 = 0xcccc_cccc_cccc_cccc;

impl<T: Avx512Token> Int16Lanes for LanesOf<T, i32> {
    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn join_low(self, even: __m512i, odd: __m512i) -> __m512i {
            // The low half of each word of `odd` as the high one.
            let up = _mm512_set4_epi32(0x0d0c_0000, 0x0908_0000, 0x0504_0000, 0x0100_0000);
            _mm512_mask_shuffle_epi8(even, HIGH, odd, up)
        }
        fn join_high(self, even: __m512i, odd: __m512i) -> __m512i {
            // The high half of each word of `even` as the low one.
            let down = _mm512_set4_epi32(0x0f0e, 0x0b0a, 0x0706, 0x0302);
            _mm512_mask_shuffle_epi8(odd, !HIGH, even, down)
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
            let first = _mm512_set4_epi32(
                first_byte(3), first_byte(2), first_byte(1), first_byte(0),
            );
            let place = _mm512_set1_epi16(place as i16);
            _mm512_shuffle_epi8(v, _mm512_add_epi16(first, place))
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

impl<T: Avx512Token> ByteLanes for LanesOf<T, i32> {
    const DOTS_BYTES: bool = T::DOTS_BYTES;
    const LOOKS_UP: bool = true;

    #[inline(always)]
    fn dot_bytes(self, acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
        self.token.dot_bytes(acc, a, b)
    }

    #[inline(always)]
    fn look_up(self, table: &[i32; 128], codes: __m512i) -> [__m512i; 4] {
        let table = std::array::from_fn(|part| self.load(&table[part * 16..]));
        self.token.look_up(table, codes)
    }

    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
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
        fn nearest(self, n: __m512i, by: Linear<__m512i>) -> [__m512i; 2] {
            let real = |v| _mm512_castsi512_ps(v);
            let near = _mm512_fmadd_ps(_mm512_cvtepi32_ps(n), real(by.factor), real(by.zero_point));
            let near = _mm512_min_ps(_mm512_max_ps(near, real(by.low)), real(by.high));
            let rounding = _mm512_set1_ps(ROUNDING);
            let sum = _mm512_add_ps(near, rounding);
            let far = _mm512_abs_ps(_mm512_sub_ps(near, _mm512_sub_ps(sum, rounding)));
            [_mm512_castps_si512(sum), _mm512_castps_si512(far)]
        }
        fn low_bytes(self, v: __m512i) -> [u8; 16] { bytemuck::cast(_mm512_cvtepi32_epi8(v)) }
        fn neighbours(self, bytes: &[u8; 32]) -> __m512i {
            let bytes: __m256i = bytemuck::cast(*bytes);
            // Each four lanes get their seven bytes first.
            let words = _mm512_setr_epi32(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6);
            let words = _mm512_permutexvar_epi32(words, _mm512_castsi256_si512(bytes));
            let around =
                _mm512_set4_epi32(0x0605_0403, 0x0504_0302, 0x0403_0201, 0x0302_0100);
            _mm512_shuffle_epi8(words, around)
        }
        fn greatest(self, v: __m512i) -> i32 { _mm512_reduce_max_epi32(v) }
    }
}

impl<T: Avx512Token> BitLanes for LanesOf<T, u64> {
    #[inline(always)]
    fn count(self, v: __m512i) -> __m512i {
        self.token.count(v)
    }

    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn xor(self, a: __m512i, b: __m512i) -> __m512i { _mm512_xor_si512(a, b) }
        fn and(self, a: __m512i, b: __m512i) -> __m512i { _mm512_and_si512(a, b) }
        fn differ(self, a: __m512i, b: __m512i, mask: __m512i) -> __m512i {
            _mm512_ternarylogic_epi64::<XOR_AND>(a, b, mask)
        }
        fn add(self, a: __m512i, b: __m512i) -> __m512i { _mm512_add_epi64(a, b) }
        fn sub(self, a: __m512i, b: __m512i) -> __m512i { _mm512_sub_epi64(a, b) }
    }
}
