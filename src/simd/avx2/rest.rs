//! Roundings that AVX2 has no instruction for: made of the sum to nearest and of what it leaves.
//!
//! Let `s` be the `f32` nearest to `p + c`, `h` the greater of `p` and `c` in magnitude and `l` the other one. Then `h - s` is a
//! number of the lanes, and `(h - s) + l` has the sign of what `s` leaves, and is zero only where that is (Dekker's sum of two):
//!
//! - in `f32`, where `p` is one: `h - s` is exact as for any two numbers of one format;
//! - in `f64`, where `p = a b` has 48 digits: `s` is a multiple of `2^(e - 48)` where `h` lies between `2^e` and `2^(e + 1)`, and so
//!   is `h`; unless most of the sum cancels, when it has no more digits than `s` holds.
//!
//! Where `s` overflows, it is infinite and leaves minus infinity: the sum lies below. Where an operand is infinite or NaN, what is
//! left is NaN, and `s` stays.

use std::arch::x86_64::*;

/// A number to nearest, cut toward zero, and where that is inexact.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    near: __m256,
    inexact: __m256i,
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn magnitude_ps(v: __m256) -> __m256 {
    _mm256_andnot_ps(_mm256_set1_ps(-0.0), v)
}

#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn magnitude_pd(v: __m256d) -> __m256d {
    _mm256_andnot_pd(_mm256_set1_pd(-0.0), v)
}

impl Cut {
    /// `sum` toward zero, where it leaves something with the sign of `rest` wherever `inexact` is set.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    fn new(sum: __m256, rest: __m256i, inexact: __m256i) -> Self {
        let sum = _mm256_castps_si256(sum);
        let opposite = _mm256_srai_epi32::<31>(_mm256_xor_si256(sum, rest));
        let near = _mm256_add_epi32(sum, _mm256_and_si256(inexact, opposite));
        Self { near: _mm256_castsi256_ps(near), inexact }
    }

    /// `a * b + c`, where the product is an `f32`.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    pub(super) fn of_single(a: __m256, b: __m256, c: __m256) -> Self {
        let (sum, product) = (_mm256_fmadd_ps(a, b, c), _mm256_mul_ps(a, b));
        let first = _mm256_cmp_ps::<_CMP_GE_OQ>(magnitude_ps(product), magnitude_ps(c));
        let greater = _mm256_blendv_ps(c, product, first);
        let lesser = _mm256_blendv_ps(product, c, first);
        let rest = _mm256_add_ps(_mm256_sub_ps(greater, sum), lesser);
        let inexact = _mm256_cmp_ps::<_CMP_NEQ_OQ>(rest, _mm256_setzero_ps());
        Self::new(sum, _mm256_castps_si256(rest), _mm256_castps_si256(inexact))
    }

    /// `a * b + c`.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    pub(super) fn of_any(a: __m256, b: __m256, c: __m256) -> Self {
        let sum = _mm256_fmadd_ps(a, b, c);
        let [a, b, c, s] = [a, b, c, sum].map(|v| doubles(v));
        let mut rests = [_mm256_setzero_pd(); 2];
        for half in 0..2 {
            let (product, c) = (_mm256_mul_pd(a[half], b[half]), c[half]);
            let first = _mm256_cmp_pd::<_CMP_GE_OQ>(magnitude_pd(product), magnitude_pd(c));
            let greater = _mm256_blendv_pd(c, product, first);
            let lesser = _mm256_blendv_pd(product, c, first);
            rests[half] = _mm256_add_pd(_mm256_sub_pd(greater, s[half]), lesser);
        }
        Self::of_doubles(sum, rests)
    }

    /// `a / b`, for a positive `b`.
    ///
    /// Of a quotient that is a normal number, `a - q b` is a multiple of `2^-148` of at most 24 digits where `a` is at least
    /// `2^-100`.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    pub(super) fn of_quotient(a: __m256, b: __m256) -> Self {
        let (least, zero) = (_mm256_set1_ps(f32::from_bits(27 << 23)), _mm256_setzero_ps());
        let quotient = _mm256_div_ps(a, b);
        let rest = _mm256_fnmadd_ps(quotient, b, a);
        let small = _mm256_or_ps(
            _mm256_cmp_ps::<_CMP_LT_OQ>(magnitude_ps(a), least),
            _mm256_cmp_ps::<_CMP_LT_OQ>(magnitude_ps(quotient), _mm256_set1_ps(f32::MIN_POSITIVE)),
        );
        let small = _mm256_and_ps(small, _mm256_cmp_ps::<_CMP_NEQ_OQ>(a, zero));
        if _mm256_movemask_ps(small) != 0 {
            return Self::of_any_quotient(a, b);
        }
        let inexact = _mm256_cmp_ps::<_CMP_NEQ_OQ>(rest, zero);
        Self::new(quotient, _mm256_castps_si256(rest), _mm256_castps_si256(inexact))
    }

    /// The same of any size. A quotient in `f64` is on the right side of every `f32`: an inexact one of two numbers of 24 digits
    /// is at least `2^-48` away from any number of 24 digits, relatively.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    fn of_any_quotient(a: __m256, b: __m256) -> Self {
        let [a, b] = [a, b].map(|v| doubles(v));
        let quotients = [_mm256_div_pd(a[0], b[0]), _mm256_div_pd(a[1], b[1])];
        let nearest = quotients.map(|quotient| _mm256_cvtpd_ps(quotient));
        let nearest = _mm256_set_m128(nearest[1], nearest[0]);
        let back = doubles(nearest);
        let rest = |half: usize| _mm256_sub_pd(quotients[half], back[half]);
        Self::of_doubles(nearest, [rest(0), rest(1)])
    }

    /// The same where what is left are numbers of `f64`, which are zero, NaN, or far above the smallest ones: their upper words
    /// tell.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    fn of_doubles(sum: __m256, [low, high]: [__m256d; 2]) -> Self {
        let (low, high) = (_mm256_castpd_ps(low), _mm256_castpd_ps(high));
        let upper = _mm256_castps_pd(_mm256_shuffle_ps::<0b11_01_11_01>(low, high));
        let upper = _mm256_castpd_si256(_mm256_permute4x64_pd::<0b11_01_10_00>(upper));
        let magnitude = _mm256_and_si256(upper, _mm256_set1_epi32(i32::MAX));
        let number = _mm256_cmpgt_epi32(_mm256_set1_epi32(0x7ff0_0001), magnitude);
        let inexact =
            _mm256_and_si256(number, _mm256_cmpgt_epi32(magnitude, _mm256_setzero_si256()));
        Self::new(sum, upper, inexact)
    }

    /// Toward zero.
    pub(super) fn zero(self) -> __m256 {
        self.near
    }

    /// To odd.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    pub(super) fn odd(self) -> __m256 {
        let last = _mm256_srli_epi32::<31>(self.inexact);
        _mm256_castsi256_ps(_mm256_or_si256(_mm256_castps_si256(self.near), last))
    }

    /// Down and up.
    #[target_feature(enable = "avx2,fma,f16c")]
    #[inline]
    pub(super) fn around(self) -> [__m256; 2] {
        let Self { near, inexact } = self;
        let away = _mm256_castsi256_ps(_mm256_sub_epi32(_mm256_castps_si256(near), inexact));
        // The sign chooses.
        [_mm256_blendv_ps(near, away, near), _mm256_blendv_ps(away, near, near)]
    }
}

/// The numbers of the first four lanes and of the last four.
#[target_feature(enable = "avx2,fma,f16c")]
#[inline]
fn doubles(v: __m256) -> [__m256d; 2] {
    [_mm256_cvtps_pd(_mm256_castps256_ps128(v)), _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(v))]
}
