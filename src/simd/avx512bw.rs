//! AVX-512 without VNNI, as the first servers with it have: products are summed by two instructions and more.

use super::avx512::Avx512;
use super::avx512_lanes::Avx512Token;
use super::{LanesOf, Registers, Simd, Token, Tuning, Vectorized};

token! {
    /// This CPU has AVX-512 F, BW, DQ and VL.
    Avx512Bw,
    Tuning { registers: Registers::ThirtyTwo, vector: 64, binary_from: 128, ternary_from: 128 },
    ["avx512f", "avx512bw", "avx512dq", "avx512vl"]
}

impl Avx512Bw {
    /// What a CPU with more has too.
    pub(super) fn of(_: Avx512) -> Self {
        Self(())
    }
}

// SAFETY: its features are those that were detected.
unsafe impl Avx512Token for Avx512Bw {}

impl Simd for Avx512Bw {
    type Int32 = LanesOf<Self, i32>;
    type Int64 = LanesOf<Self, i64>;
    type Bits = LanesOf<Self, u64>;
    type Popcnt = LanesOf<Self, u64>;
    type Fma = LanesOf<Self, f32>;
    type F32 = LanesOf<Self, f32>;
    type F64 = LanesOf<Self, f64>;
}
