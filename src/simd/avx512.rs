//! AVX-512 with VNNI, which sums two products of 16-bit integers, or four of bytes, in one instruction.

use std::arch::x86_64::*;

use super::avx512_lanes::Avx512Token;
use super::{Lanes, LanesOf, Registers, Simd, Token, Tuning, Vectorized};

token! {
    /// This CPU has AVX-512 F, BW, DQ, VL and VNNI.
    Avx512,
    // Bytes are multiplied so fast that bits pay late.
    Tuning { registers: Registers::ThirtyTwo, vector: 64, binary_from: 512, ternary_from: 2048 },
    ["avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni"]
}

// SAFETY: its features are among those that were detected.
unsafe impl Avx512Token for Avx512 {
    const DOTS_BYTES: bool = true;

    instructions! {
        "avx512f,avx512vnni";
        fn dot_pairs(self, acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
            _mm512_dpwssd_epi32(acc, a, b)
        }
        fn dot_bytes(self, acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
            _mm512_dpbusd_epi32(acc, a, b)
        }
        fn dot_saturating(self, acc: __m512i, a: __m512i, b: __m512i) -> __m512i {
            _mm512_dpwssds_epi32(acc, a, b)
        }
    }
}

impl Simd for Avx512 {
    type Int32 = LanesOf<Self, i32>;
    type Int64 = LanesOf<Self, i64>;
    type Bits = LanesOf<Self, u64>;
    type Popcnt = LanesOf<Avx512Popcnt, u64>;
    type Fma = LanesOf<Self, f32>;
    type F32 = LanesOf<Self, f32>;
    type F64 = LanesOf<Self, f64>;

    fn popcnt(self) -> Option<Self::Popcnt> {
        Avx512Popcnt::detect().map(Lanes::new)
    }
}

token! {
    /// This CPU has AVX-512 F, BW, DQ, VL and VPOPCNTDQ.
    Avx512Popcnt,
    Avx512::TUNING,
    ["avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vpopcntdq"]
}

// SAFETY: its features are among those that were detected.
unsafe impl Avx512Token for Avx512Popcnt {
    instructions! {
        "avx512f,avx512vpopcntdq";
        fn count(self, v: __m512i) -> __m512i { _mm512_popcnt_epi64(v) }
    }
}
