//! What every CPU has, through `wide`.
//!
//! What takes a lane at a time, or many instructions, is a function that is called: inlined into the tiles of every kernel it
//! would gain nothing and take a fifth of the time that the kernels need to be compiled.

mod float;
mod int;

use wide::{f32x8, f64x4, i32x8, i64x4};

use super::{LanesOf, Registers, Simd, Token, Tuning, Vector, Vectorized};

/// Nothing to prove.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

impl Token for Portable {
    const TUNING: Tuning =
        Tuning { registers: Registers::Eight, vector: 32, binary_from: 128, ternary_from: 128 };

    #[inline(never)]
    fn vectorize<B: Vectorized>(self, body: B) -> B::Output {
        body.call()
    }
}

impl Simd for Portable {
    type Int32 = LanesOf<Self, i32>;
    type Int64 = LanesOf<Self, i64>;
    type Bits = LanesOf<Self, u64>;
    type Popcnt = LanesOf<Self, u64>;
    type Fma = LanesOf<Self, f32>;
    type F32 = LanesOf<Self, f32>;
    type F64 = LanesOf<Self, f64>;
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl Vector<i32> for Portable {
    type V = i32x8;

    #[inline(always)]
    fn splat(self, x: i32) -> i32x8 {
        i32x8::splat(x)
    }
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl Vector<i64> for Portable {
    type V = i64x4;

    #[inline(always)]
    fn splat(self, x: i64) -> i64x4 {
        i64x4::splat(x)
    }
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl Vector<u64> for Portable {
    type V = [u64; 4];

    #[inline(always)]
    fn splat(self, x: u64) -> [u64; 4] {
        [x; 4]
    }
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl Vector<f32> for Portable {
    type V = f32x8;

    #[inline(always)]
    fn splat(self, x: f32) -> f32x8 {
        f32x8::splat(x)
    }
}

// SAFETY: integers, or floating-point numbers, without padding.
unsafe impl Vector<f64> for Portable {
    type V = f64x4;

    #[inline(always)]
    fn splat(self, x: f64) -> f64x4 {
        f64x4::splat(x)
    }
}
