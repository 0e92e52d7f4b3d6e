//! AVX2 with FMA and F16C: vectors of 256 bits.

use std::arch::x86_64::*;

use super::{
    AlignLanes, BitLanes, ByteLanes, FloatLanes, FmaLanes, Int16Lanes, IntLanes, LanesOf, Linear,
    NarrowFloat, ROUNDING, Registers, Simd, StepLanes, Token, Tuning, Vector, Vectorized, both,
    scalar,
};

token! {
    /// This CPU has AVX2, FMA and F16C.
    Avx2,
    Tuning { registers: Registers::Sixteen, vector: 32, binary_from: 128, ternary_from: 128 },
    ["avx2", "fma", "f16c"]
}

impl Simd for Avx2 {
    type Int32 = LanesOf<Self, i32>;
    type Int64 = LanesOf<Self, i64>;
    type Bits = LanesOf<Self, u64>;
    type Popcnt = LanesOf<Self, u64>;
    type Fma = LanesOf<Self, f32>;
    type F32 = LanesOf<Self, f32>;
    type F64 = LanesOf<Self, f64>;
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl Vector<i32> for Avx2 {
    type V = __m256i;

    instructions! {
        "avx2,fma,f16c";
        fn splat(self, x: i32) -> __m256i { _mm256_set1_epi32(x) }
    }
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl Vector<i64> for Avx2 {
    type V = __m256i;

    instructions! {
        "avx2,fma,f16c";
        fn splat(self, x: i64) -> __m256i { _mm256_set1_epi64x(x) }
    }
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl Vector<u64> for Avx2 {
    type V = __m256i;

    instructions! {
        "avx2,fma,f16c";
        fn splat(self, x: u64) -> __m256i { _mm256_set1_epi64x(x.cast_signed()) }
    }
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl Vector<f32> for Avx2 {
    type V = __m256;

    instructions! {
        "avx2,fma,f16c";
        fn splat(self, x: f32) -> __m256 { _mm256_set1_ps(x) }
    }
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl Vector<f64> for Avx2 {
    type V = __m256d;

    instructions! {
        "avx2,fma,f16c";
        fn splat(self, x: f64) -> __m256d { _mm256_set1_pd(x) }
    }
}

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

impl FmaLanes for LanesOf<Avx2, f32> {
    const CONVERTS_HALVES: bool = true;

    #[inline(always)]
    fn fma_zero(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        scalar::each([a, b, c], scalar::fma_zero)
    }

    #[inline(always)]
    fn fma_odd(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        scalar::each([a, b, c], scalar::fma_odd)
    }

    #[inline(always)]
    fn div_odd(self, a: __m256, b: __m256) -> __m256 {
        scalar::each([a, b, b], |a, b, _| scalar::div_odd(a, b))
    }

    instructions! {
        "avx2,fma,f16c";
        fn fma_even(self, a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fmadd_ps(a, b, c) }
        fn div(self, a: __m256, b: __m256) -> __m256 { _mm256_div_ps(a, b) }
        fn to_halves(self, v: __m256) -> [u16; 16] {
            let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v);
            bytemuck::cast([halves, _mm_setzero_si128()])
        }
        fn of_halves(self, halves: [u16; 16]) -> __m256 {
            let [halves, _]: [__m128i; 2] = bytemuck::cast(halves);
            _mm256_cvtph_ps(halves)
        }
        fn half_even(self, v: __m256) -> __m256 {
            _mm256_cvtph_ps(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v))
        }
        fn half_zero(self, v: __m256) -> __m256 {
            _mm256_cvtph_ps(_mm256_cvtps_ph::<_MM_FROUND_TO_ZERO>(v))
        }
        fn cut_even(self, v: __m256, cut: u32) -> __m256 {
            let bits = _mm256_castps_si256(v);
            let last = _mm256_and_si256(
                _mm256_srlv_epi32(bits, _mm256_set1_epi32(cut as i32)),
                _mm256_set1_epi32(1),
            );
            let below = _mm256_set1_epi32((1 << (cut - 1)) - 1);
            let rounded = _mm256_add_epi32(bits, _mm256_add_epi32(below, last));
            let mask = _mm256_set1_epi32((u32::MAX << cut) as i32);
            _mm256_castsi256_ps(_mm256_and_si256(rounded, mask))
        }
        fn cut_zero(self, v: __m256, cut: u32) -> __m256 {
            _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32((u32::MAX << cut) as i32)))
        }
    }
}

impl StepLanes for LanesOf<Avx2, f32> {
    #[inline(always)]
    fn fma_around(self, a: __m256, b: __m256, c: __m256) -> [__m256; 2] {
        [
            scalar::each([a, b, c], scalar::fma_toward::<false>),
            scalar::each([a, b, c], scalar::fma_toward::<true>),
        ]
    }

    #[inline(always)]
    fn count_same(self, count: __m256, a: __m256, b: __m256, pair: [__m256; 2]) -> __m256 {
        self.count_where(count, self.equal(a, b), pair)
    }

    #[inline(always)]
    fn count_below(self, count: __m256, v: __m256, limit: __m256, pair: [__m256; 2]) -> __m256 {
        self.count_where(count, self.below(v, limit), pair)
    }

    instructions! {
        "avx2,fma,f16c";
        fn odd_of(self, around: [__m256; 2]) -> __m256 {
            // The last bit as the sign, which chooses.
            let odd = _mm256_slli_epi32::<31>(_mm256_castps_si256(around[0]));
            _mm256_blendv_ps(around[1], around[0], _mm256_castsi256_ps(odd))
        }
        fn count_different(self, count: __m256, pair: [__m256; 2]) -> __m256 {
            let different = _mm256_cmp_ps::<_CMP_NEQ_OQ>(pair[0], pair[1]);
            _mm256_add_ps(count, _mm256_and_ps(different, _mm256_set1_ps(1.0)))
        }
        fn count_from(self, count: __m256, v: __m256, limit: __m256) -> __m256 {
            let magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0), v);
            let from = _mm256_cmp_ps::<_CMP_GE_OQ>(magnitude, limit);
            let finite = _mm256_cmp_ps::<_CMP_LT_OQ>(magnitude, _mm256_set1_ps(f32::INFINITY));
            let one = _mm256_and_ps(finite, _mm256_set1_ps(1.0));
            _mm256_add_ps(count, _mm256_and_ps(from, one))
        }
        fn extend(self, so_far: [__m256; 2], v: __m256) -> [__m256; 2] {
            // The second operand where one is NaN.
            [_mm256_min_ps(v, so_far[0]), _mm256_max_ps(v, so_far[1])]
        }
        fn extend_finite(self, so_far: [__m256; 2], v: __m256) -> [__m256; 2] {
            let magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0), v);
            let finite = _mm256_cmp_ps::<_CMP_LT_OQ>(magnitude, _mm256_set1_ps(f32::INFINITY));
            [
                _mm256_min_ps(_mm256_blendv_ps(so_far[0], v, finite), so_far[0]),
                _mm256_max_ps(_mm256_blendv_ps(so_far[1], v, finite), so_far[1]),
            ]
        }
    }
}

impl LanesOf<Avx2, f32> {
    instructions! {
        "avx2,fma,f16c";
        fn equal(self, a: __m256, b: __m256) -> __m256 { _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b) }
        fn below(self, v: __m256, limit: __m256) -> __m256 {
            _mm256_cmp_ps::<_CMP_LT_OQ>(_mm256_andnot_ps(_mm256_set1_ps(-0.0), v), limit)
        }
        // Counts where `mask` is set beside numbers that differ.
        fn count_where(self, count: __m256, mask: __m256, pair: [__m256; 2]) -> __m256 {
            let different = _mm256_cmp_ps::<_CMP_NEQ_OQ>(pair[0], pair[1]);
            let one = _mm256_and_ps(different, _mm256_set1_ps(1.0));
            _mm256_add_ps(count, _mm256_and_ps(mask, one))
        }
    }
}

impl FloatLanes for LanesOf<Avx2, f32> {
    #[inline(always)]
    fn narrow_even(self, v: __m256, to: NarrowFloat<f32>) -> __m256 {
        scalar::map(v, |x: f32| scalar::narrow_even(x, to))
    }

    #[inline(always)]
    fn narrow_zero(self, v: __m256, to: NarrowFloat<f32>) -> __m256 {
        scalar::map(v, |x: f32| scalar::narrow_zero(x, to))
    }

    instructions! {
        "avx2,fma,f16c";
        fn mul_add_exact(self, a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fmadd_ps(a, b, c) }
        fn add_whole(self, sum: __m256, v: __m256) -> __m256 {
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), _mm256_cvttps_epi32(v)))
        }
        fn add(self, a: __m256, b: __m256) -> __m256 { _mm256_add_ps(a, b) }
        fn sub(self, a: __m256, b: __m256) -> __m256 { _mm256_sub_ps(a, b) }
        fn mul(self, a: __m256, b: __m256) -> __m256 { _mm256_mul_ps(a, b) }
        fn max(self, a: __m256, b: __m256) -> __m256 { _mm256_max_ps(a, b) }
        fn trunc(self, v: __m256) -> __m256 {
            _mm256_round_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(v)
        }
    }
}

/// `2^e` of the first eight integers.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn powers_ps(exponents: __m128i) -> __m256 {
    let fields = _mm256_slli_epi32::<23>(_mm256_cvtepi8_epi32(exponents));
    _mm256_castsi256_ps(_mm256_add_epi32(fields, _mm256_set1_epi32(127 << 23)))
}

/// The bits of the next `f32` toward zero of integers that are not negative.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn below_ps(v: __m256i) -> __m256i {
    // 2^31 is no integer of 32 bits; its neighbour is below all that would become it.
    let nearest = _mm256_min_ps(_mm256_cvtepi32_ps(v), _mm256_set1_ps(2_147_483_520.0));
    let beyond = _mm256_cmpgt_epi32(_mm256_cvttps_epi32(nearest), v);
    _mm256_add_epi32(_mm256_castps_si256(nearest), beyond)
}

impl AlignLanes for LanesOf<Avx2, f32> {
    instructions! {
        "avx2,fma,f16c";
        fn greatest_sums(self, so_far: __m256, a: __m256, b: __m256) -> __m256 {
            let sums = _mm256_adds_epi8(_mm256_castps_si256(a), _mm256_castps_si256(b));
            _mm256_castsi256_ps(_mm256_max_epi8(_mm256_castps_si256(so_far), sums))
        }
        fn powers(self, exponents: __m256) -> [__m256; 4] {
            let exponents = _mm256_castps_si256(exponents);
            let (low, high) =
                (_mm256_castsi256_si128(exponents), _mm256_extracti128_si256::<1>(exponents));
            [
                powers_ps(low),
                powers_ps(_mm_srli_si128::<8>(low)),
                powers_ps(high),
                powers_ps(_mm_srli_si128::<8>(high)),
            ]
        }
        fn whole_zero(self, sum: __m256, v: __m256) -> __m256 {
            let total = _mm256_add_epi32(_mm256_castps_si256(sum), _mm256_cvttps_epi32(v));
            let magnitude = _mm256_castsi256_ps(below_ps(_mm256_abs_epi32(total)));
            let sign = _mm256_and_ps(_mm256_castsi256_ps(total), _mm256_set1_ps(-0.0));
            _mm256_or_ps(magnitude, sign)
        }
        fn wider_zero(self, sum: __m256, v: __m256) -> __m256 {
            let (sum, own) = (_mm256_castps_si256(sum), _mm256_cvttps_epi32(v));
            let total = _mm256_add_epi32(sum, own);
            // Where both have one sign, it is the total's; where they do not, the total fits.
            let differ = _mm256_and_si256(_mm256_xor_si256(sum, own), total);
            let negative = _mm256_or_si256(_mm256_and_si256(sum, own), differ);
            let negative = _mm256_srai_epi32::<31>(negative);
            let magnitude = _mm256_sub_epi32(_mm256_xor_si256(total, negative), negative);
            // With its highest bit, half of it, and then twice as much.
            let twice = _mm256_srli_epi32::<31>(magnitude);
            let half = below_ps(_mm256_srlv_epi32(magnitude, twice));
            let magnitude = _mm256_add_epi32(half, _mm256_slli_epi32::<23>(twice));
            let sign = _mm256_and_ps(_mm256_castsi256_ps(negative), _mm256_set1_ps(-0.0));
            _mm256_or_ps(_mm256_castsi256_ps(magnitude), sign)
        }
        fn and(self, a: __m256, b: __m256) -> __m256 { _mm256_and_ps(a, b) }
        fn sub_bits(self, a: __m256, b: __m256) -> __m256 {
            let bits = _mm256_sub_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b));
            _mm256_castsi256_ps(bits)
        }
    }
}

impl FloatLanes for LanesOf<Avx2, f64> {
    #[inline(always)]
    fn narrow_even(self, v: __m256d, to: NarrowFloat<f64>) -> __m256d {
        scalar::map(v, |x: f64| scalar::narrow_even(x, to))
    }

    #[inline(always)]
    fn narrow_zero(self, v: __m256d, to: NarrowFloat<f64>) -> __m256d {
        scalar::map(v, |x: f64| scalar::narrow_zero(x, to))
    }

    instructions! {
        "avx2,fma,f16c";
        fn mul_add_exact(self, a: __m256d, b: __m256d, c: __m256d) -> __m256d { _mm256_fmadd_pd(a, b, c) }
        fn add(self, a: __m256d, b: __m256d) -> __m256d { _mm256_add_pd(a, b) }
        fn sub(self, a: __m256d, b: __m256d) -> __m256d { _mm256_sub_pd(a, b) }
        fn mul(self, a: __m256d, b: __m256d) -> __m256d { _mm256_mul_pd(a, b) }
        fn max(self, a: __m256d, b: __m256d) -> __m256d { _mm256_max_pd(a, b) }
        fn trunc(self, v: __m256d) -> __m256d {
            _mm256_round_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(v)
        }
    }
}

/// Where a shuffle finds byte 0 of word `word` of its 128 bits, and then a zero; twice.
pub(super) const fn first_byte(word: i16) -> i32 {
    both(i16::MIN + 4 * word)
}
