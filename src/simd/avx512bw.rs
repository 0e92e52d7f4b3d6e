//! AVX-512 without VNNI, as the first servers with it have: products are summed by two instructions and more.

use super::avx512_lanes::Avx512Token;
use super::{LanesOf, Registers, Simd, Token, Tuning, Vectorized};

token! {
    /// This CPU has AVX-512 F, BW, DQ and VL.
    Avx512Bw,
    Tuning { registers: Registers::ThirtyTwo, vector: 64, binary_from: 128, ternary_from: 128 },
    ["avx512f", "avx512bw", "avx512dq", "avx512vl"]
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
