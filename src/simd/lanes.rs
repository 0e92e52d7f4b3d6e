//! What a kernel may do with a vector.

use bytemuck::Pod;

use super::ByteLanes;
use super::fused::FusedLanes;
use super::real::RealLanes;

/// An integer that fills one lane.
pub(crate) trait Word: Pod + Send + Sync + Ord + std::fmt::Debug {
    /// Its width.
    const BITS: u32;

    /// The low bits of `value`.
    fn truncate(value: i64) -> Self;

    /// The same value.
    fn widen(self) -> i64;
}

impl Word for i32 {
    const BITS: u32 = Self::BITS;

    #[inline(always)]
    fn truncate(value: i64) -> Self {
        value as Self
    }

    #[inline(always)]
    fn widen(self) -> i64 {
        self.into()
    }
}

impl Word for i64 {
    const BITS: u32 = Self::BITS;

    #[inline(always)]
    fn truncate(value: i64) -> Self {
        value
    }

    #[inline(always)]
    fn widen(self) -> i64 {
        self
    }
}

/// An instruction set: its vectors of 32- and 64-bit lanes.
pub(crate) trait Simd: Copy + Send + Sync {
    /// Lanes of 32 bits; an operand word is a pair of 16-bit integers, the earlier one in the low half.
    type L32: ByteLanes;
    /// Lanes of 64 bits; an operand word is one integer of at most 32 bits, sign extended.
    type L64: Lanes<Word = i64>;
    /// Lanes of `f32`.
    type Fused: FusedLanes;
    /// Lanes of `f32` for aligned registers.
    type Single: RealLanes<Number = f32>;
    /// Lanes of `f64` for aligned registers.
    type Double: RealLanes<Number = f64>;

    /// Its 32-bit lanes.
    fn lanes32(self) -> Self::L32;

    /// Its 64-bit lanes.
    fn lanes64(self) -> Self::L64;

    /// Its lanes of `f32`.
    fn fused(self) -> Self::Fused;

    /// Its lanes of `f32` for aligned registers.
    fn single(self) -> Self::Single;

    /// Its lanes of `f64` for aligned registers.
    fn double(self) -> Self::Double;
}

/// A loop that is compiled with the instructions of the lanes it works on.
pub(crate) trait Call {
    /// What it gives.
    type Output;

    /// Runs it; implementations are `#[inline(always)]`, so that [`Lanes::vectorize`] compiles them.
    fn call(self) -> Self::Output;
}

/// One vector type of one instruction set. Arithmetic is modulo 2^BITS.
pub(crate) trait Lanes: Copy + Send + Sync {
    /// What a lane holds.
    type Word: Word;
    /// The vector.
    type V: Copy + Send + Sync;

    /// Lanes in a vector.
    const N: usize;
    /// Products that one [`Lanes::dot`] adds to each lane.
    const K_TILE: usize;

    /// Runs `call` compiled with the instructions that these lanes stand for.
    fn vectorize<C: Call>(self, call: C) -> C::Output;

    /// `x` in every lane.
    fn splat(self, x: Self::Word) -> Self::V;

    /// The first `N` words of `from`, which has at least as many.
    fn load(self, from: &[Self::Word]) -> Self::V;

    /// Writes the lanes to the first `N` words of `to`, which has at least as many.
    fn store(self, v: Self::V, to: &mut [Self::Word]);

    /// `acc + Σ a[i] * b[i]` over the `K_TILE` integers of each operand word.
    fn dot(self, acc: Self::V, a: Self::V, b: Self::V) -> Self::V;

    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;

    /// The lesser, signed.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;

    /// The greater, signed.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;

    /// `((v & mask) ^ sign) - sign`: the low bits of `v` under `mask` as two's complement, where `sign` is the top bit
    /// of `mask`.
    fn wrap(self, v: Self::V, mask: Self::V, sign: Self::V) -> Self::V;

    /// `count + 1` where `a != b`, `count` elsewhere.
    fn count_changed(self, count: Self::V, a: Self::V, b: Self::V) -> Self::V;
}
