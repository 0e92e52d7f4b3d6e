//! AVX2 with FMA and F16C: vectors of 256 bits.

use std::arch::x86_64::*;

use super::{LanesOf, Registers, Simd, Token, Tuning, Vector, Vectorized};

mod float;
mod fma;
mod int;
mod rest;

pub(super) use int::first_byte;

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
