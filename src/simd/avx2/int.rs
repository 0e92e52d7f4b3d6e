//! Lanes of integers and of bits.

use std::arch::x86_64::*;

use super::Avx2;
use crate::simd::{BitLanes, ByteLanes, Int16Lanes, IntLanes, LanesOf, Linear, ROUNDING, both};

impl IntLanes for LanesOf<Avx2, i32> {
    instructions! {
        "avx2,fma,f16c";
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

impl IntLanes for LanesOf<Avx2, i64> {
    instructions! {
        "avx2,fma,f16c";
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

/// The odd ones of eight lanes.
const ODD: i32 = 0b1010_1010;

impl Int16Lanes for LanesOf<Avx2, i32> {
    instructions! {
        "avx2,fma,f16c";
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
            let first = _mm256_broadcastsi128_si256(_mm_set_epi32(
                first_byte(3), first_byte(2), first_byte(1), first_byte(0),
            ));
            let place = _mm256_set1_epi16(place as i16);
            _mm256_shuffle_epi8(v, _mm256_add_epi16(first, place))
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

impl ByteLanes for LanesOf<Avx2, i32> {
    const DOTS_BYTES: bool = false;
    const DOTS_PAIRS: bool = true;

    instructions! {
        "avx2,fma,f16c";
        fn dot_bytes(self, acc: __m256i, a: __m256i, b: __m256i) -> __m256i {
            // Even and odd bytes as 16-bit integers; their products are summed in 32 bits.
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
        fn dot_pairs(self, acc: __m256i, a: __m256i, b: __m256i) -> __m256i {
            _mm256_add_epi16(acc, _mm256_maddubs_epi16(a, b))
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
        fn nearest(self, n: __m256i, by: Linear<__m256i>) -> [__m256i; 2] {
            let real = |v| _mm256_castsi256_ps(v);
            let near = _mm256_fmadd_ps(_mm256_cvtepi32_ps(n), real(by.factor), real(by.zero_point));
            let near = _mm256_min_ps(_mm256_max_ps(near, real(by.low)), real(by.high));
            let rounding = _mm256_set1_ps(ROUNDING);
            let sum = _mm256_add_ps(near, rounding);
            let far = _mm256_sub_ps(near, _mm256_sub_ps(sum, rounding));
            let far = _mm256_andnot_ps(_mm256_set1_ps(-0.0), far);
            [_mm256_castps_si256(sum), _mm256_castps_si256(far)]
        }
        fn low_bytes(self, v: __m256i) -> [u8; 16] {
            // Those of each half as its first word, and both of these side by side.
            let low = _mm256_broadcastsi128_si256(_mm_set_epi32(-1, -1, -1, 0x0c08_0400));
            let words = _mm256_shuffle_epi8(v, low);
            let both = _mm256_permutevar8x32_epi32(words, _mm256_setr_epi32(0, 4, 1, 1, 0, 0, 0, 0));
            bytemuck::cast(_mm256_castsi256_si128(both))
        }
        fn neighbours(self, bytes: &[u8; 32]) -> __m256i {
            let bytes: [__m128i; 2] = bytemuck::cast(*bytes);
            let around = _mm256_setr_epi32(
                0x0302_0100, 0x0403_0201, 0x0504_0302, 0x0605_0403,
                0x0706_0504, 0x0807_0605, 0x0908_0706, 0x0a09_0807,
            );
            _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes[0]), around)
        }
    }
}

impl BitLanes for LanesOf<Avx2, u64> {
    instructions! {
        "avx2,fma,f16c";
        fn xor(self, a: __m256i, b: __m256i) -> __m256i { _mm256_xor_si256(a, b) }
        fn and(self, a: __m256i, b: __m256i) -> __m256i { _mm256_and_si256(a, b) }
        fn differ(self, a: __m256i, b: __m256i, mask: __m256i) -> __m256i {
            _mm256_and_si256(_mm256_xor_si256(a, b), mask)
        }
        fn add(self, a: __m256i, b: __m256i) -> __m256i { _mm256_add_epi64(a, b) }
        fn sub(self, a: __m256i, b: __m256i) -> __m256i { _mm256_sub_epi64(a, b) }
        fn count(self, v: __m256i) -> __m256i {
            let table = _mm256_broadcastsi128_si256(
                _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4),
            );
            let nibble = _mm256_set1_epi8(0x0f);
            let low = _mm256_shuffle_epi8(table, _mm256_and_si256(v, nibble));
            let high = _mm256_and_si256(_mm256_srli_epi16::<4>(v), nibble);
            let bytes = _mm256_add_epi8(low, _mm256_shuffle_epi8(table, high));
            _mm256_sad_epu8(bytes, _mm256_setzero_si256())
        }
    }
}

/// Where a shuffle finds byte 0 of word `word` of its 128 bits, and then a zero; twice.
pub(in crate::simd) const fn first_byte(word: i16) -> i32 {
    both(i16::MIN + 4 * word)
}
