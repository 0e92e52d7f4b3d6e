//! Vectors of 512 bits, for every set that has AVX-512 F, BW, DQ and VL.

use std::arch::x86_64::*;

use super::{Token, Vector};

mod float;
mod fma;
mod int;

const NO_EXC: i32 = _MM_FROUND_NO_EXC;
/// Both infinities, for the instruction that classifies.
const INFINITE: i32 = 0x08 | 0x10;

/// A set with AVX-512; its own are the instructions that it has beyond these.
///
/// # Safety
/// The token proves AVX-512 F, BW, DQ and VL.
pub(super) unsafe trait Avx512Token: Token {
    /// [`ByteLanes::DOTS_BYTES`]
    const DOTS_BYTES: bool = false;

    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        // `IntLanes::dot` of pairs of 16-bit integers.
        fn dot_pairs(self, acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
            _mm512_add_epi32(acc, _mm512_madd_epi16(a, b))
        }
        // `ByteLanes::dot_bytes`: even and odd bytes as 16-bit integers, whose products are summed in 32 bits. What sums
        // the products of bytes in 16 bits saturates: 255 * 127 + 255 * 127 does not fit.
        fn dot_bytes(self, acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
            let even = _mm512_madd_epi16(
                _mm512_and_si512(a, _mm512_set1_epi16(0xff)),
                _mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(b)),
            );
            let odd =
                _mm512_madd_epi16(_mm512_srli_epi16::<8>(a), _mm512_srai_epi16::<8>(b));
            _mm512_add_epi32(acc, _mm512_add_epi32(even, odd))
        }
        // `RegisterLanes::dot_saturating`: what leaves the range has the sign that neither operand has.
        fn dot_saturating(self, acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
            let products = _mm512_madd_epi16(a, b);
            let sum = _mm512_add_epi32(acc, products);
            let left = _mm512_and_si512(_mm512_xor_si512(sum, acc), _mm512_xor_si512(sum, products));
            let end = _mm512_xor_si512(_mm512_srai_epi32::<31>(acc), _mm512_set1_epi32(i32::MAX));
            _mm512_mask_mov_epi32(sum, _mm512_movepi32_mask(left), end)
        }
        // `ByteLanes::look_up`
        fn look_up(self, table: [__m512i; 8], codes: __m512i) -> [__m512i; 4] {
            let [a, b] = upper_halves(table, _mm512_castsi512_si256(codes));
            let [c, d] = upper_halves(table, _mm512_extracti64x4_epi64::<1>(codes));
            [a, b, c, d]
        }
        // `BitLanes::count`: of each nibble by a table, then the sums of eight bytes.
        fn count(self, v: __m512i) -> __m512i {
            let table = _mm512_broadcast_i32x4(
                _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4),
            );
            let nibble = _mm512_set1_epi8(0x0f);
            let low = _mm512_shuffle_epi8(table, _mm512_and_si512(v, nibble));
            let high = _mm512_and_si512(_mm512_srli_epi16::<4>(v), nibble);
            let bytes = _mm512_add_epi8(low, _mm512_shuffle_epi8(table, high));
            _mm512_sad_epu8(bytes, _mm512_setzero_si512())
        }
    }
}

/// The halves that `table` has for 32 bytes, as the upper halves of words.
///
/// A permutation picks from 64 halves by six bits of a byte; the two bits above tell which of four results counts.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn upper_halves(table: [__m512i; 8], bytes: __m256i) -> [__m512i; 2] {
    let index = _mm512_cvtepu8_epi16(bytes);
    let [a, b, c, d, e, f, g, h] = table;
    let (ab, cd) = (_mm512_permutex2var_epi16(a, index, b), _mm512_permutex2var_epi16(c, index, d));
    let (ef, gh) = (_mm512_permutex2var_epi16(e, index, f), _mm512_permutex2var_epi16(g, index, h));
    let bit_6 = _mm512_test_epi16_mask(index, _mm512_set1_epi16(64));
    let bit_7 = _mm512_test_epi16_mask(index, _mm512_set1_epi16(128));
    let below = _mm512_mask_blend_epi16(bit_6, ab, cd);
    let above = _mm512_mask_blend_epi16(bit_6, ef, gh);
    let found = _mm512_mask_blend_epi16(bit_7, below, above);
    let (low, high) = (_mm512_castsi512_si256(found), _mm512_extracti64x4_epi64::<1>(found));
    [
        _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(low)),
        _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(high)),
    ]
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl<T: Avx512Token> Vector<i32> for T {
    type V = __m512i;

    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn splat(self, x: i32) -> __m512i { _mm512_set1_epi32(x) }
    }
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl<T: Avx512Token> Vector<i64> for T {
    type V = __m512i;

    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn splat(self, x: i64) -> __m512i { _mm512_set1_epi64(x) }
    }
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl<T: Avx512Token> Vector<u64> for T {
    type V = __m512i;

    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn splat(self, x: u64) -> __m512i { _mm512_set1_epi64(x.cast_signed()) }
    }
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl<T: Avx512Token> Vector<f32> for T {
    type V = __m512;

    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn splat(self, x: f32) -> __m512 { _mm512_set1_ps(x) }
    }
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl<T: Avx512Token> Vector<f64> for T {
    type V = __m512d;

    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn splat(self, x: f64) -> __m512d { _mm512_set1_pd(x) }
    }
}
