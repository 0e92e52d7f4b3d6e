//! What every CPU has, through `wide`.
//!
//! What takes a lane at a time, or many instructions, is a function that is called: inlined into the tiles of every kernel it
//! would gain nothing and take a fifth of the time that the kernels need to be compiled.

use bytemuck::cast;
use wide::{f32x8, f64x4, i8x32, i16x16, i32x8, i64x4, u16x16, u32x8};

use super::{
    BitLanes, ByteLanes, FloatLanes, FmaLanes, Int16Lanes, IntLanes, LanesOf, NarrowFloat,
    Registers, Simd, StepLanes, Token, Tuning, Vector, Vectorized, scalar,
};

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

impl FmaLanes for LanesOf<Portable, f32> {
    #[inline(never)]
    fn fma_even(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        scalar::each([a, b, c], scalar::fma_even)
    }

    #[inline(never)]
    fn fma_zero(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        scalar::each([a, b, c], scalar::fma_zero)
    }

    #[inline(never)]
    fn fma_odd(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        scalar::each([a, b, c], scalar::fma_odd)
    }

    #[inline(always)]
    fn div(self, a: f32x8, b: f32x8) -> f32x8 {
        a / b
    }

    #[inline(never)]
    fn to_halves(self, v: f32x8) -> [u16; 16] {
        let mut halves = [0; 16];
        for (half, x) in halves.iter_mut().zip(self.half_even(v).to_array()) {
            *half = scalar::half_bits(x);
        }
        halves
    }

    #[inline(never)]
    fn of_halves(self, halves: [u16; 16]) -> f32x8 {
        let mut lanes = [0.0; 8];
        for (x, half) in lanes.iter_mut().zip(halves) {
            *x = scalar::of_half(half);
        }
        f32x8::from(lanes)
    }

    #[inline(never)]
    fn div_odd(self, a: f32x8, b: f32x8) -> f32x8 {
        scalar::each([a, b, b], |a, b, _| scalar::div_odd(a, b))
    }

    #[inline(never)]
    fn half_even(self, v: f32x8) -> f32x8 {
        scalar::each([v; 3], |x, _, _| scalar::half_even(x))
    }

    #[inline(never)]
    fn half_zero(self, v: f32x8) -> f32x8 {
        scalar::each([v; 3], |x, _, _| scalar::half_zero(x))
    }

    #[inline(never)]
    fn cut_even(self, v: f32x8, cut: u32) -> f32x8 {
        scalar::each([v; 3], |x, _, _| scalar::cut_even(x, cut))
    }

    #[inline(never)]
    fn cut_zero(self, v: f32x8, cut: u32) -> f32x8 {
        scalar::each([v; 3], |x, _, _| scalar::cut_zero(x, cut))
    }
}

/// `count`, and one more where `more` says so.
#[inline(always)]
fn counted(count: f32, more: bool) -> f32 {
    count + if more { 1.0 } else { 0.0 }
}

impl StepLanes for LanesOf<Portable, f32> {
    #[inline(never)]
    fn fma_around(self, a: f32x8, b: f32x8, c: f32x8) -> [f32x8; 2] {
        [
            scalar::each([a, b, c], scalar::fma_toward::<false>),
            scalar::each([a, b, c], scalar::fma_toward::<true>),
        ]
    }

    #[inline(never)]
    fn odd_of(self, [down, up]: [f32x8; 2]) -> f32x8 {
        scalar::each([down, up, up], |down, up, _| scalar::odd_of(down, up))
    }

    #[inline(never)]
    fn count_different(self, count: f32x8, [x, y]: [f32x8; 2]) -> f32x8 {
        scalar::each([count, x, y], |count, x, y| counted(count, scalar::differ(x, y)))
    }

    #[inline(never)]
    fn count_same(self, count: f32x8, a: f32x8, b: f32x8, pair: [f32x8; 2]) -> f32x8 {
        let same = scalar::each([a, b, b], |a, b, _| counted(0.0, a == b));
        let different = self.count_different(f32x8::default(), pair);
        count + same * different
    }

    #[inline(never)]
    fn count_below(self, count: f32x8, v: f32x8, limit: f32x8, pair: [f32x8; 2]) -> f32x8 {
        let below = scalar::each([v, limit, v], |v, limit, _| counted(0.0, v.abs() < limit));
        let different = self.count_different(f32x8::default(), pair);
        count + below * different
    }

    #[inline(never)]
    fn count_from(self, count: f32x8, v: f32x8, limit: f32x8) -> f32x8 {
        scalar::each([count, v, limit], |count, v, limit| {
            counted(count, (v.abs() >= limit) & (v.abs() < f32::INFINITY))
        })
    }

    #[inline(always)]
    fn extend(self, [least, greatest]: [f32x8; 2], v: f32x8) -> [f32x8; 2] {
        [v.simd_lt(least).select(v, least), v.simd_gt(greatest).select(v, greatest)]
    }

    #[inline(never)]
    fn extend_finite(self, [least, greatest]: [f32x8; 2], v: f32x8) -> [f32x8; 2] {
        let finite = v.abs().simd_lt(f32x8::splat(f32::INFINITY));
        let extended = self.extend([least, greatest], v);
        [finite.select(extended[0], least), finite.select(extended[1], greatest)]
    }
}

impl FloatLanes for LanesOf<Portable, f32> {
    #[inline(always)]
    fn mul_add_exact(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        a * b + c
    }

    #[inline(never)]
    fn narrow_even(self, v: f32x8, to: NarrowFloat<f32>) -> f32x8 {
        scalar::map(v, |x: f32| scalar::narrow_even(x, to))
    }

    #[inline(never)]
    fn narrow_zero(self, v: f32x8, to: NarrowFloat<f32>) -> f32x8 {
        scalar::map(v, |x: f32| scalar::narrow_zero(x, to))
    }

    #[inline(never)]
    fn add_whole(self, sum: f32x8, v: f32x8) -> f32x8 {
        scalar::each([sum, v, v], |sum, v, _| {
            f32::from_bits(sum.to_bits().wrapping_add((v as i32).cast_unsigned()))
        })
    }

    #[inline(always)]
    fn add(self, a: f32x8, b: f32x8) -> f32x8 {
        a + b
    }

    #[inline(always)]
    fn sub(self, a: f32x8, b: f32x8) -> f32x8 {
        a - b
    }

    #[inline(always)]
    fn mul(self, a: f32x8, b: f32x8) -> f32x8 {
        a * b
    }

    #[inline(always)]
    fn max(self, a: f32x8, b: f32x8) -> f32x8 {
        a.simd_gt(b).select(a, b)
    }

    #[inline(never)]
    fn trunc(self, v: f32x8) -> f32x8 {
        let whole = f32x8::splat((1u64 << 23) as f32);
        let magnitude = v.abs();
        // The nearest whole number; one less where that is beyond.
        let nearest = (magnitude + whole) - whole;
        let one = f32x8::splat(1.0);
        let below = nearest.simd_gt(magnitude).select(nearest - one, nearest);
        magnitude.simd_gt(whole).select(v, below.copysign(v))
    }
}

impl FloatLanes for LanesOf<Portable, f64> {
    #[inline(always)]
    fn mul_add_exact(self, a: f64x4, b: f64x4, c: f64x4) -> f64x4 {
        a * b + c
    }

    #[inline(never)]
    fn narrow_even(self, v: f64x4, to: NarrowFloat<f64>) -> f64x4 {
        scalar::map(v, |x: f64| scalar::narrow_even(x, to))
    }

    #[inline(never)]
    fn narrow_zero(self, v: f64x4, to: NarrowFloat<f64>) -> f64x4 {
        scalar::map(v, |x: f64| scalar::narrow_zero(x, to))
    }

    #[inline(always)]
    fn add(self, a: f64x4, b: f64x4) -> f64x4 {
        a + b
    }

    #[inline(always)]
    fn sub(self, a: f64x4, b: f64x4) -> f64x4 {
        a - b
    }

    #[inline(always)]
    fn mul(self, a: f64x4, b: f64x4) -> f64x4 {
        a * b
    }

    #[inline(always)]
    fn max(self, a: f64x4, b: f64x4) -> f64x4 {
        a.simd_gt(b).select(a, b)
    }

    #[inline(never)]
    fn trunc(self, v: f64x4) -> f64x4 {
        let whole = f64x4::splat((1u64 << 52) as f64);
        let magnitude = v.abs();
        // The nearest whole number; one less where that is beyond.
        let nearest = (magnitude + whole) - whole;
        let one = f64x4::splat(1.0);
        let below = nearest.simd_gt(magnitude).select(nearest - one, nearest);
        magnitude.simd_gt(whole).select(v, below.copysign(v))
    }
}
