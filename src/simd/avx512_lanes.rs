//! Vectors of 512 bits, for every set that has AVX-512 F, BW, DQ and VL.

use std::arch::x86_64::*;

use super::avx2::first_byte;
use super::{
    AlignLanes, BitLanes, ByteLanes, FloatLanes, FmaLanes, Int16Lanes, IntLanes, Lanes, LanesOf,
    Linear, NarrowFloat, ROUNDING, StepLanes, Token, Vector,
};

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

const NO_EXC: i32 = _MM_FROUND_NO_EXC;

impl<T: Avx512Token> FmaLanes for LanesOf<T, f32> {
    const CONVERTS_HALVES: bool = true;

    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn to_halves(self, v: __m512) -> [u16; 16] {
            bytemuck::cast(_mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | NO_EXC }>(v))
        }
        fn of_halves(self, halves: [u16; 16]) -> __m512 {
            _mm512_cvtph_ps(bytemuck::cast(halves))
        }
        fn fma_even(self, a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmadd_ps(a, b, c) }
        fn fma_zero(self, a: __m512, b: __m512, c: __m512) -> __m512 {
            _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_ZERO | NO_EXC }>(a, b, c)
        }
        fn fma_odd(self, a: __m512, b: __m512, c: __m512) -> __m512 {
            // The two numbers around the sum; one of them is odd, unless they are the same.
            let down = _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_NEG_INF | NO_EXC }>(a, b, c);
            let up = _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_POS_INF | NO_EXC }>(a, b, c);
            let odd = _mm512_test_epi32_mask(_mm512_castps_si512(down), _mm512_set1_epi32(1));
            _mm512_mask_blend_ps(odd, up, down)
        }
        fn div(self, a: __m512, b: __m512) -> __m512 { _mm512_div_ps(a, b) }
        fn div_odd(self, a: __m512, b: __m512) -> __m512 {
            let magnitude = _mm512_abs_ps(a);
            let down = _mm512_div_round_ps::<{ _MM_FROUND_TO_ZERO | NO_EXC }>(magnitude, b);
            // What is left over, rounded up: not zero where anything is, however small.
            let rest = _mm512_fnmadd_round_ps::<{ _MM_FROUND_TO_POS_INF | NO_EXC }>(
                down, b, magnitude,
            );
            let rest = _mm512_castps_si512(rest);
            let down = _mm512_castps_si512(down);
            let inexact = _mm512_test_epi32_mask(rest, rest);
            let odd = _mm512_mask_or_epi32(down, inexact, down, _mm512_set1_epi32(1));
            let sign = _mm512_and_ps(a, _mm512_set1_ps(-0.0));
            _mm512_or_ps(_mm512_castsi512_ps(odd), sign)
        }
        fn half_even(self, v: __m512) -> __m512 {
            _mm512_cvtph_ps(_mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | NO_EXC }>(v))
        }
        fn half_zero(self, v: __m512) -> __m512 {
            _mm512_cvtph_ps(_mm512_cvtps_ph::<{ _MM_FROUND_TO_ZERO | NO_EXC }>(v))
        }
        fn cut_even(self, v: __m512, cut: u32) -> __m512 {
            let bits = _mm512_castps_si512(v);
            let last = _mm512_and_si512(
                _mm512_srlv_epi32(bits, _mm512_set1_epi32(cut as i32)),
                _mm512_set1_epi32(1),
            );
            let below = _mm512_set1_epi32((1 << (cut - 1)) - 1);
            let rounded = _mm512_add_epi32(bits, _mm512_add_epi32(below, last));
            let mask = _mm512_set1_epi32((u32::MAX << cut) as i32);
            _mm512_castsi512_ps(_mm512_and_si512(rounded, mask))
        }
        fn cut_zero(self, v: __m512, cut: u32) -> __m512 {
            _mm512_and_ps(v, _mm512_castsi512_ps(_mm512_set1_epi32((u32::MAX << cut) as i32)))
        }
    }
}

/// Both infinities, for the instruction that classifies.
const INFINITE: i32 = 0x08 | 0x10;

impl<T: Avx512Token> StepLanes for LanesOf<T, f32> {
    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn fma_around(self, a: __m512, b: __m512, c: __m512) -> [__m512; 2] {
            [
                _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_NEG_INF | NO_EXC }>(a, b, c),
                _mm512_fmadd_round_ps::<{ _MM_FROUND_TO_POS_INF | NO_EXC }>(a, b, c),
            ]
        }
        fn odd_of(self, around: [__m512; 2]) -> __m512 {
            let one = _mm512_set1_epi32(1);
            let odd = _mm512_test_epi32_mask(_mm512_castps_si512(around[0]), one);
            _mm512_mask_blend_ps(odd, around[1], around[0])
        }
        fn count_different(self, count: __m512, pair: [__m512; 2]) -> __m512 {
            let different = _mm512_cmp_ps_mask::<_CMP_NEQ_OQ>(pair[0], pair[1]);
            _mm512_mask_add_ps(count, different, count, _mm512_set1_ps(1.0))
        }
        fn count_same(self, count: __m512, a: __m512, b: __m512, pair: [__m512; 2]) -> __m512 {
            let different = _mm512_cmp_ps_mask::<_CMP_NEQ_OQ>(pair[0], pair[1]);
            let both = _mm512_mask_cmp_ps_mask::<_CMP_EQ_OQ>(different, a, b);
            _mm512_mask_add_ps(count, both, count, _mm512_set1_ps(1.0))
        }
        fn count_below(self, count: __m512, v: __m512, limit: __m512, pair: [__m512; 2]) -> __m512 {
            let different = _mm512_cmp_ps_mask::<_CMP_NEQ_OQ>(pair[0], pair[1]);
            let both = _mm512_mask_cmp_ps_mask::<_CMP_LT_OQ>(different, _mm512_abs_ps(v), limit);
            _mm512_mask_add_ps(count, both, count, _mm512_set1_ps(1.0))
        }
        fn count_from(self, count: __m512, v: __m512, limit: __m512) -> __m512 {
            let finite = !_mm512_fpclass_ps_mask::<INFINITE>(v);
            let both = _mm512_mask_cmp_ps_mask::<_CMP_GE_OQ>(finite, _mm512_abs_ps(v), limit);
            _mm512_mask_add_ps(count, both, count, _mm512_set1_ps(1.0))
        }
        fn extend(self, so_far: [__m512; 2], v: __m512) -> [__m512; 2] {
            // The second operand where one is NaN.
            [_mm512_min_ps(v, so_far[0]), _mm512_max_ps(v, so_far[1])]
        }
        fn extend_finite(self, so_far: [__m512; 2], v: __m512) -> [__m512; 2] {
            let finite = !_mm512_fpclass_ps_mask::<INFINITE>(v);
            [
                _mm512_mask_min_ps(so_far[0], finite, v, so_far[0]),
                _mm512_mask_max_ps(so_far[1], finite, v, so_far[1]),
            ]
        }
    }
}

/// The magnitude of a number, and what added to it and taken off again leaves digits of the narrower float alone.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn magnitude_and_magic_ps(v: __m512, to: NarrowFloat<f32>) -> (__m512, __m512) {
    let own = _mm512_and_ps(v, _mm512_set1_ps(f32::INFINITY));
    let power = _mm512_max_ps(own, _mm512_set1_ps(to.least));
    let power = _mm512_min_ps(power, _mm512_set1_ps(to.power));
    (_mm512_abs_ps(v), _mm512_mul_ps(power, _mm512_set1_ps(to.magic)))
}

/// The magnitude of a number, and what added to it and taken off again leaves digits of the narrower float alone.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn magnitude_and_magic_pd(v: __m512d, to: NarrowFloat<f64>) -> (__m512d, __m512d) {
    let own = _mm512_and_pd(v, _mm512_set1_pd(f64::INFINITY));
    let power = _mm512_max_pd(own, _mm512_set1_pd(to.least));
    let power = _mm512_min_pd(power, _mm512_set1_pd(to.power));
    (_mm512_abs_pd(v), _mm512_mul_pd(power, _mm512_set1_pd(to.magic)))
}

impl<T: Avx512Token> FloatLanes for LanesOf<T, f32> {
    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn mul_add_exact(self, a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmadd_ps(a, b, c) }
        fn narrow_even(self, v: __m512, to: NarrowFloat<f32>) -> __m512 {
            let (magnitude, magic) = magnitude_and_magic_ps(v, to);
            let nearest = _mm512_sub_ps(_mm512_add_ps(magnitude, magic), magic);
            let beyond = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(nearest, _mm512_set1_ps(to.most));
            let bounded = _mm512_mask_mov_ps(nearest, beyond, _mm512_set1_ps(f32::INFINITY));
            _mm512_or_ps(bounded, _mm512_and_ps(v, _mm512_set1_ps(-0.0)))
        }
        fn narrow_zero(self, v: __m512, to: NarrowFloat<f32>) -> __m512 {
            let (magnitude, magic) = magnitude_and_magic_ps(v, to);
            let sum = _mm512_add_round_ps::<{ _MM_FROUND_TO_ZERO | NO_EXC }>(magnitude, magic);
            // The second operand where one is NaN.
            let bounded = _mm512_min_ps(_mm512_set1_ps(to.most), _mm512_sub_ps(sum, magic));
            let special = _mm512_fpclass_ps_mask::<INFINITE>(v);
            let bounded = _mm512_mask_mov_ps(bounded, special, magnitude);
            _mm512_or_ps(bounded, _mm512_and_ps(v, _mm512_set1_ps(-0.0)))
        }
        fn add_whole(self, sum: __m512, v: __m512) -> __m512 {
            _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(sum), _mm512_cvttps_epi32(v)))
        }
        fn add(self, a: __m512, b: __m512) -> __m512 { _mm512_add_ps(a, b) }
        fn sub(self, a: __m512, b: __m512) -> __m512 { _mm512_sub_ps(a, b) }
        fn mul(self, a: __m512, b: __m512) -> __m512 { _mm512_mul_ps(a, b) }
        fn max(self, a: __m512, b: __m512) -> __m512 { _mm512_max_ps(a, b) }
        fn trunc(self, v: __m512) -> __m512 {
            _mm512_roundscale_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(v)
        }
    }
}

/// `a` where it has the bits of `b`, else `c`, bit by bit: `(a & b) | (c & (a ^ b))`.
const MAJORITY: i32 = (0b1111_0000 & 0b1100_1100) | (0b1010_1010 & (0b1111_0000 ^ 0b1100_1100));
/// `a | (b & c)` likewise.
const OR_AND: i32 = 0b1111_0000 | (0b1100_1100 & 0b1010_1010);
const TO_ZERO: i32 = _MM_FROUND_TO_ZERO | NO_EXC;

/// `2^e` of sixteen integers.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
#[inline]
fn powers_ps(exponents: __m128i) -> __m512 {
    let fields = _mm512_slli_epi32::<23>(_mm512_cvtepi8_epi32(exponents));
    _mm512_castsi512_ps(_mm512_add_epi32(fields, _mm512_set1_epi32(127 << 23)))
}

impl<T: Avx512Token> AlignLanes for LanesOf<T, f32> {
    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn greatest_sums(self, so_far: __m512, a: __m512, b: __m512) -> __m512 {
            let sums = _mm512_adds_epi8(_mm512_castps_si512(a), _mm512_castps_si512(b));
            _mm512_castsi512_ps(_mm512_max_epi8(_mm512_castps_si512(so_far), sums))
        }
        fn powers(self, exponents: __m512) -> [__m512; 4] {
            let exponents = _mm512_castps_si512(exponents);
            [
                powers_ps(_mm512_castsi512_si128(exponents)),
                powers_ps(_mm512_extracti32x4_epi32::<1>(exponents)),
                powers_ps(_mm512_extracti32x4_epi32::<2>(exponents)),
                powers_ps(_mm512_extracti32x4_epi32::<3>(exponents)),
            ]
        }
        fn and(self, a: __m512, b: __m512) -> __m512 { _mm512_and_ps(a, b) }
        fn sub_bits(self, a: __m512, b: __m512) -> __m512 {
            let bits = _mm512_sub_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b));
            _mm512_castsi512_ps(bits)
        }
        fn whole_zero(self, sum: __m512, v: __m512) -> __m512 {
            let total = _mm512_add_epi32(_mm512_castps_si512(sum), _mm512_cvttps_epi32(v));
            _mm512_cvt_roundepi32_ps::<TO_ZERO>(total)
        }
        fn wider_zero(self, sum: __m512, v: __m512) -> __m512 {
            let (sum, own) = (_mm512_castps_si512(sum), _mm512_cvttps_epi32(v));
            let total = _mm512_add_epi32(sum, own);
            // Where both have one sign, it is the total's; where they do not, the total fits.
            let negative = _mm512_ternarylogic_epi32::<MAJORITY>(sum, own, total);
            let negative = _mm512_srai_epi32::<31>(negative);
            let magnitude = _mm512_sub_epi32(_mm512_xor_si512(total, negative), negative);
            let nearer = _mm512_castps_si512(_mm512_cvt_roundepu32_ps::<TO_ZERO>(magnitude));
            let sign = _mm512_set1_epi32(i32::MIN);
            _mm512_castsi512_ps(_mm512_ternarylogic_epi32::<OR_AND>(nearer, negative, sign))
        }
    }
}

impl<T: Avx512Token> FloatLanes for LanesOf<T, f64> {
    instructions! {
        "avx512f,avx512bw,avx512dq,avx512vl";
        fn mul_add_exact(self, a: __m512d, b: __m512d, c: __m512d) -> __m512d { _mm512_fmadd_pd(a, b, c) }
        fn narrow_even(self, v: __m512d, to: NarrowFloat<f64>) -> __m512d {
            let (magnitude, magic) = magnitude_and_magic_pd(v, to);
            let nearest = _mm512_sub_pd(_mm512_add_pd(magnitude, magic), magic);
            let beyond = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(nearest, _mm512_set1_pd(to.most));
            let bounded = _mm512_mask_mov_pd(nearest, beyond, _mm512_set1_pd(f64::INFINITY));
            _mm512_or_pd(bounded, _mm512_and_pd(v, _mm512_set1_pd(-0.0)))
        }
        fn narrow_zero(self, v: __m512d, to: NarrowFloat<f64>) -> __m512d {
            let (magnitude, magic) = magnitude_and_magic_pd(v, to);
            let sum = _mm512_add_round_pd::<{ _MM_FROUND_TO_ZERO | NO_EXC }>(magnitude, magic);
            // The second operand where one is NaN.
            let bounded = _mm512_min_pd(_mm512_set1_pd(to.most), _mm512_sub_pd(sum, magic));
            let special = _mm512_fpclass_pd_mask::<INFINITE>(v);
            let bounded = _mm512_mask_mov_pd(bounded, special, magnitude);
            _mm512_or_pd(bounded, _mm512_and_pd(v, _mm512_set1_pd(-0.0)))
        }
        fn add(self, a: __m512d, b: __m512d) -> __m512d { _mm512_add_pd(a, b) }
        fn sub(self, a: __m512d, b: __m512d) -> __m512d { _mm512_sub_pd(a, b) }
        fn mul(self, a: __m512d, b: __m512d) -> __m512d { _mm512_mul_pd(a, b) }
        fn max(self, a: __m512d, b: __m512d) -> __m512d { _mm512_max_pd(a, b) }
        fn trunc(self, v: __m512d) -> __m512d {
            _mm512_roundscale_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(v)
        }
    }
}
