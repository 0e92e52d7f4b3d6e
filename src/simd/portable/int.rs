//! Lanes of integers and of bits.

use bytemuck::cast;
use wide::{i8x32, i16x16, i32x8, i64x4, u16x16, u32x8};

use super::Portable;
use crate::simd::{BitLanes, ByteLanes, Int16Lanes, IntLanes, LanesOf};

impl IntLanes for LanesOf<Portable, i32> {
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

impl IntLanes for LanesOf<Portable, i64> {
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

/// `f` of lanes of 16 bits.
#[inline(always)]
fn halves(a: i32x8, b: i32x8, f: impl Fn(i16x16, i16x16) -> i16x16) -> i32x8 {
    cast(f(cast(a), cast(b)))
}

/// The low halves.
const LOW: i32 = 0xffff;

impl Int16Lanes for LanesOf<Portable, i32> {
    #[inline(always)]
    fn join_low(self, even: i32x8, odd: i32x8) -> i32x8 {
        even & i32x8::splat(LOW) | odd << 16u32
    }

    #[inline(always)]
    fn join_high(self, even: i32x8, odd: i32x8) -> i32x8 {
        cast::<u32x8, i32x8>(cast::<i32x8, u32x8>(even) >> 16u32) | odd & i32x8::splat(!LOW)
    }

    #[inline(always)]
    fn split(self, v: i32x8) -> [i32x8; 2] {
        [(v << 16u32) >> 16u32, v >> 16u32]
    }

    #[inline(always)]
    fn low_and_high(self, v: i32x8) -> [i32x8; 2] {
        let v: i16x16 = cast(v);
        [cast((v << 8u32) >> 8u32), cast(v >> 8u32)]
    }

    #[inline(always)]
    fn spread(self, v: i32x8, place: usize) -> i32x8 {
        let byte = (v >> (8 * place as u32)) & i32x8::splat(0xff);
        byte | byte << 16u32
    }

    #[inline(always)]
    fn shift_right16(self, v: i32x8, bits: u32) -> i32x8 {
        cast(cast::<_, i16x16>(v) >> bits)
    }

    #[inline(always)]
    fn add16(self, a: i32x8, b: i32x8) -> i32x8 {
        halves(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn add_saturating16(self, a: i32x8, b: i32x8) -> i32x8 {
        halves(a, b, i16x16::saturating_add)
    }

    #[inline(always)]
    fn sub16(self, a: i32x8, b: i32x8) -> i32x8 {
        halves(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul16(self, a: i32x8, b: i32x8) -> i32x8 {
        halves(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn min16(self, a: i32x8, b: i32x8) -> i32x8 {
        halves(a, b, i16x16::min)
    }

    #[inline(always)]
    fn max16(self, a: i32x8, b: i32x8) -> i32x8 {
        halves(a, b, i16x16::max)
    }

    #[inline(always)]
    fn wrap16(self, v: i32x8, mask: i32x8, sign: i32x8) -> i32x8 {
        halves((v & mask) ^ sign, sign, |v, sign| v - sign)
    }

    #[inline(always)]
    fn add_same16(self, sum: i32x8, x: i32x8, a: i32x8, b: i32x8) -> i32x8 {
        let same = halves(a, b, |a, b| a.simd_eq(b));
        halves(sum, x & same, |sum, x| sum + x)
    }
}

impl ByteLanes for LanesOf<Portable, i32> {
    const DOTS_BYTES: bool = false;

    #[inline(always)]
    fn prefetch(self, _: &[i32], _: usize) {}

    #[inline(always)]
    fn dot_bytes(self, acc: i32x8, a: i32x8, b: i32x8) -> i32x8 {
        let (a, b): (u16x16, i16x16) = (cast(a), cast(b));
        let even: i16x16 = cast(a & u16x16::splat(0xff));
        let odd: i16x16 = cast(a >> 8u32);
        acc + even.dot((b << 8u32) >> 8u32) + odd.dot(b >> 8u32)
    }

    #[inline(always)]
    fn magnitudes(self, a: i32x8) -> i32x8 {
        cast(cast::<_, i8x32>(a).abs())
    }

    #[inline(always)]
    fn negative_magnitudes(self, b: i32x8) -> i32x8 {
        let b: i8x32 = cast(b);
        cast(b.min(i8x32::default() - b))
    }

    #[inline(always)]
    fn positives(self, b: i32x8) -> i32x8 {
        cast(cast::<_, i8x32>(b).max(i8x32::default()))
    }

    #[inline(always)]
    fn sub(self, a: i32x8, b: i32x8) -> i32x8 {
        a - b
    }

    #[inline(always)]
    fn and(self, a: i32x8, b: i32x8) -> i32x8 {
        a & b
    }

    #[inline(always)]
    fn xor(self, a: i32x8, b: i32x8) -> i32x8 {
        a ^ b
    }

    #[inline(always)]
    fn halves(self, pairs: i32x8) -> [i32x8; 2] {
        let pairs: i16x16 = cast(pairs);
        [cast(pairs & i16x16::splat(0xff)), cast(pairs >> 8u32)]
    }

    #[inline(always)]
    fn any_greater(self, a: i32x8, b: i32x8) -> bool {
        a.simd_gt(b).any()
    }
}

#[inline(always)]
fn each_word(a: [u64; 4], b: [u64; 4], f: impl Fn(u64, u64) -> u64) -> [u64; 4] {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

impl BitLanes for LanesOf<Portable, u64> {
    #[inline(always)]
    fn xor(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        each_word(a, b, |a, b| a ^ b)
    }

    #[inline(always)]
    fn and(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        each_word(a, b, |a, b| a & b)
    }

    #[inline(always)]
    fn differ(self, a: [u64; 4], b: [u64; 4], mask: [u64; 4]) -> [u64; 4] {
        self.and(self.xor(a, b), mask)
    }

    #[inline(always)]
    fn add(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        each_word(a, b, u64::wrapping_add)
    }

    #[inline(always)]
    fn sub(self, a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        each_word(a, b, u64::wrapping_sub)
    }

    #[inline(always)]
    fn count(self, v: [u64; 4]) -> [u64; 4] {
        v.map(|word| word.count_ones().into())
    }
}
