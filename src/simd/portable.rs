//! Lanes that every CPU has, through `wide`.

use bytemuck::cast;
use wide::{i16x16, i32x8, i64x4};

use super::fused::PortableFused;
use super::real::{PortableDouble, PortableSingle};
use super::{Call, Lanes, Simd};

/// Nothing to prove.
#[derive(Clone, Copy)]
pub(super) struct Portable;

/// 8 lanes of 32 bits.
#[derive(Clone, Copy)]
pub(crate) struct Portable32;

/// 4 lanes of 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Portable64;

impl Simd for Portable {
    type L32 = Portable32;
    type L64 = Portable64;
    type Fused = PortableFused;
    type Single = PortableSingle;
    type Double = PortableDouble;

    #[inline(always)]
    fn lanes32(self) -> Portable32 {
        Portable32
    }

    #[inline(always)]
    fn lanes64(self) -> Portable64 {
        Portable64
    }

    #[inline(always)]
    fn fused(self) -> PortableFused {
        PortableFused
    }

    #[inline(always)]
    fn single(self) -> PortableSingle {
        PortableSingle
    }

    #[inline(always)]
    fn double(self) -> PortableDouble {
        PortableDouble
    }
}

impl Lanes for Portable32 {
    type Word = i32;
    type V = i32x8;

    const N: usize = 8;
    const K_TILE: usize = 2;

    #[inline(never)]
    fn vectorize<C: Call>(self, call: C) -> C::Output {
        call.call()
    }

    #[inline(always)]
    fn splat(self, x: i32) -> i32x8 {
        i32x8::splat(x)
    }

    #[inline(always)]
    fn load(self, from: &[i32]) -> i32x8 {
        let mut lanes = [0; 8];
        lanes.copy_from_slice(&from[..8]);
        i32x8::new(lanes)
    }

    #[inline(always)]
    fn store(self, v: i32x8, to: &mut [i32]) {
        to[..8].copy_from_slice(&v.to_array());
    }

    #[inline(always)]
    fn dot(self, acc: i32x8, a: i32x8, b: i32x8) -> i32x8 {
        acc + cast::<i32x8, i16x16>(a).dot(cast(b))
    }

    #[inline(always)]
    fn add(self, a: i32x8, b: i32x8) -> i32x8 {
        a + b
    }

    #[inline(always)]
    fn min(self, a: i32x8, b: i32x8) -> i32x8 {
        a.min(b)
    }

    #[inline(always)]
    fn max(self, a: i32x8, b: i32x8) -> i32x8 {
        a.max(b)
    }

    #[inline(always)]
    fn wrap(self, v: i32x8, mask: i32x8, sign: i32x8) -> i32x8 {
        ((v & mask) ^ sign) - sign
    }

    #[inline(always)]
    fn count_changed(self, count: i32x8, a: i32x8, b: i32x8) -> i32x8 {
        count + i32x8::ONE + a.simd_eq(b)
    }
}

impl Lanes for Portable64 {
    type Word = i64;
    type V = i64x4;

    const N: usize = 4;
    const K_TILE: usize = 1;

    #[inline(never)]
    fn vectorize<C: Call>(self, call: C) -> C::Output {
        call.call()
    }

    #[inline(always)]
    fn splat(self, x: i64) -> i64x4 {
        i64x4::splat(x)
    }

    #[inline(always)]
    fn load(self, from: &[i64]) -> i64x4 {
        let mut lanes = [0; 4];
        lanes.copy_from_slice(&from[..4]);
        i64x4::new(lanes)
    }

    #[inline(always)]
    fn store(self, v: i64x4, to: &mut [i64]) {
        to[..4].copy_from_slice(&v.to_array());
    }

    #[inline(always)]
    fn dot(self, acc: i64x4, a: i64x4, b: i64x4) -> i64x4 {
        acc + a * b
    }

    #[inline(always)]
    fn add(self, a: i64x4, b: i64x4) -> i64x4 {
        a + b
    }

    #[inline(always)]
    fn min(self, a: i64x4, b: i64x4) -> i64x4 {
        a.min(b)
    }

    #[inline(always)]
    fn max(self, a: i64x4, b: i64x4) -> i64x4 {
        a.max(b)
    }

    #[inline(always)]
    fn wrap(self, v: i64x4, mask: i64x4, sign: i64x4) -> i64x4 {
        ((v & mask) ^ sign) - sign
    }

    #[inline(always)]
    fn count_changed(self, count: i64x4, a: i64x4, b: i64x4) -> i64x4 {
        count + i64x4::ONE + a.simd_eq(b)
    }
}
