//! One lane of [`FmaLanes`](super::FmaLanes) in plain arithmetic, where there is no instruction for it.

use std::array::from_fn;
use std::ops::{Add, Sub};

use bytemuck::Pod;

use super::NarrowFloat;

/// `a * b + c` in `f64`, rounded to odd.
#[inline(always)]
fn odd64(a: f32, b: f32, c: f32) -> f64 {
    // 24 + 24 digits: exact, and far from the ends of the range.
    odd_sum(f64::from(a) * f64::from(b), f64::from(c))
}

/// `x + y`, rounded to odd; neither operand nor the sum may be near the ends of the range of `f64`.
///
/// Knuth's sum of two gives the rounding's error exactly. Where it is not zero and the rounded sum is even, the exact
/// sum lies between it and its odd neighbour on the error's side.
#[inline(always)]
pub(crate) fn odd_sum(x: f64, y: f64) -> f64 {
    let sum = x + y;
    let part = sum - x;
    let error = (x - (sum - part)) + (y - part);
    // Beside an infinity the error is NaN, which is neither greater nor less.
    let inexact = (error > 0.0) | (error < 0.0);
    let bits = sum.to_bits();
    let step = if (error > 0.0) == (sum > 0.0) { 1 } else { u64::MAX };
    f64::from_bits(if inexact & (bits & 1 == 0) { bits.wrapping_add(step) } else { bits })
}

/// See [`FmaLanes::fma_even`](super::FmaLanes::fma_even).
#[inline(always)]
pub(super) fn fma_even(a: f32, b: f32, c: f32) -> f32 {
    // 53 digits with a sticky last one are more than 24 and two.
    odd64(a, b, c) as f32
}

/// See [`FmaLanes::fma_zero`](super::FmaLanes::fma_zero).
#[inline(always)]
pub(super) fn fma_zero(a: f32, b: f32, c: f32) -> f32 {
    toward_zero(odd64(a, b, c)).0
}

/// See [`FmaLanes::fma_odd`](super::FmaLanes::fma_odd).
#[inline(always)]
pub(super) fn fma_odd(a: f32, b: f32, c: f32) -> f32 {
    let (result, inexact) = toward_zero(odd64(a, b, c));
    f32::from_bits(result.to_bits() | u32::from(inexact))
}

/// See [`FmaLanes::div_odd`](super::FmaLanes::div_odd).
///
/// The quotient in `f64` is on the right side of every `f32`: an inexact quotient of two 24-digit numbers is at least
/// 2^-48 away from any number of 24 digits, relatively.
#[inline(always)]
pub(super) fn div_odd(a: f32, b: f32) -> f32 {
    let (result, inexact) = toward_zero(f64::from(a) / f64::from(b));
    f32::from_bits(result.to_bits() | u32::from(inexact))
}

/// See [`StepLanes::fma_around`](super::StepLanes::fma_around): down or up.
#[inline(always)]
pub(super) fn fma_toward<const UP: bool>(a: f32, b: f32, c: f32) -> f32 {
    let (near, inexact) = toward_zero(odd64(a, b, c));
    // Away from zero is up for positive sums.
    let away = inexact & (UP != near.is_sign_negative());
    f32::from_bits(near.to_bits() + u32::from(away))
}

/// See [`StepLanes::odd_of`](super::StepLanes::odd_of).
#[inline(always)]
pub(super) fn odd_of(down: f32, up: f32) -> f32 {
    if down.to_bits() & 1 == 1 { down } else { up }
}

/// Whether two numbers differ; NaN is none.
#[inline(always)]
pub(super) fn differ(a: f32, b: f32) -> bool {
    (a < b) | (a > b)
}

/// The next `f32` toward zero, and whether it is another number.
#[inline(always)]
fn toward_zero(x: f64) -> (f32, bool) {
    let nearest = x as f32;
    let back = f64::from(nearest);
    let beyond = back.abs() > x.abs();
    let result = f32::from_bits(nearest.to_bits().wrapping_sub(u32::from(beyond)));
    (result, (back > x) | (back < x))
}

/// See [`AlignLanes::whole_zero`](super::AlignLanes::whole_zero) and what is beside it: 33 bits are exact in `f64`.
#[inline(always)]
pub(super) fn whole_zero(sum: f32, v: f32) -> f32 {
    toward_zero(f64::from(sum.to_bits().cast_signed()) + f64::from(v as i32)).0
}

/// See [`FmaLanes::cut_even`](super::FmaLanes::cut_even).
#[inline(always)]
pub(super) fn cut_even(x: f32, cut: u32) -> f32 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add((1 << (cut - 1)) - 1).wrapping_add(bits >> cut & 1);
    cut_zero(f32::from_bits(rounded), cut)
}

/// See [`FmaLanes::cut_zero`](super::FmaLanes::cut_zero).
#[inline(always)]
pub(super) fn cut_zero(x: f32, cut: u32) -> f32 {
    f32::from_bits(x.to_bits() & u32::MAX << cut)
}

/// See [`FmaLanes::half_even`](super::FmaLanes::half_even).
#[inline(always)]
pub(super) fn half_even(x: f32) -> f32 {
    half(x, f32::INFINITY, |magnitude, unit| {
        // Adding 2^23 units leaves whole units, to nearest even.
        let magic = unit * 8_388_608.0;
        (magnitude + magic) - magic
    })
}

/// See [`FmaLanes::half_zero`](super::FmaLanes::half_zero).
#[inline(always)]
pub(super) fn half_zero(x: f32) -> f32 {
    half(x, HALF_MAX, |magnitude, unit| {
        let magic = unit * 8_388_608.0;
        let nearest = (magnitude + magic) - magic;
        if nearest > magnitude { nearest - unit } else { nearest }
    })
}

/// The bits of a number that is one of half precision.
pub(super) fn half_bits(x: f32) -> u16 {
    let (sign, magnitude) = ((x.to_bits() >> 16) as u16 & 0x8000, x.abs());
    let bits = if x.is_nan() {
        0x7e00
    } else if magnitude < 6.103_515_6e-5 {
        // In units of the last place of subnormal numbers.
        (magnitude * 16_777_216.0) as u16
    } else if magnitude > HALF_MAX {
        0x7c00
    } else {
        ((magnitude.to_bits() - (112 << 23)) >> 13) as u16
    };
    sign | bits
}

/// The number of half precision with these bits.
pub(super) fn of_half(half: u16) -> f32 {
    let (magnitude, exponent) = (u32::from(half & 0x7fff), half >> 10 & 0x1f);
    let value = match exponent {
        0 => magnitude as f32 / 16_777_216.0,
        31 => f32::from_bits(magnitude << 13 | 0x7f80_0000),
        _ => f32::from_bits((magnitude << 13) + (112 << 23)),
    };
    f32::from_bits(value.to_bits() | u32::from(half & 0x8000) << 16)
}

/// The largest half-precision number.
const HALF_MAX: f32 = 65504.0;

/// Rounds the magnitude to units of half precision; what is then too large becomes `over`.
#[inline(always)]
fn half(x: f32, over: f32, round: impl Fn(f32, f32) -> f32) -> f32 {
    // From the smallest normal half's exponent to twice the largest: beyond, every unit will do.
    let magnitude = x.abs();
    let power = f32::from_bits(magnitude.to_bits() & 0x7f80_0000).clamp(6.103_515_6e-5, 131_072.0);
    let rounded = round(magnitude, power * 0.000_976_562_5);
    let result = if rounded > HALF_MAX { over } else { rounded };
    let special = magnitude.to_bits() >= 0x7f80_0000;
    (if special { magnitude } else { result }).copysign(x)
}

/// One lane of [`FloatLanes::narrow_even`](super::FloatLanes::narrow_even).
#[inline(always)]
pub(super) fn narrow_even<E: Narrowed>(x: E, to: NarrowFloat<E>) -> E {
    E::narrow(x, to, E::INFINITE, |magnitude, magic| (magnitude + magic) - magic)
}

/// One lane of [`FloatLanes::narrow_zero`](super::FloatLanes::narrow_zero).
#[inline(always)]
pub(super) fn narrow_zero<E: Narrowed>(x: E, to: NarrowFloat<E>) -> E {
    E::narrow(x, to, to.most, |magnitude, magic| {
        let sum = magnitude + magic;
        // One unit of the sum less, where it is beyond.
        let below = E::below(sum) - magic;
        let nearest = sum - magic;
        if nearest > magnitude { below } else { nearest }
    })
}

/// What both lanes of floats have in common.
pub(super) trait Narrowed:
    Pod + PartialOrd + Add<Output = Self> + Sub<Output = Self>
{
    const INFINITE: Self;

    /// The next number toward zero.
    fn below(self) -> Self;

    /// Rounds the magnitude; what is then too large becomes `over`.
    fn narrow(self, to: NarrowFloat<Self>, over: Self, round: impl Fn(Self, Self) -> Self) -> Self;
}

macro_rules! narrowed {
    ($($float:ty)*) => {$(
        impl Narrowed for $float {
            const INFINITE: Self = Self::INFINITY;

            #[inline(always)]
            fn below(self) -> Self {
                Self::from_bits(self.to_bits().wrapping_sub(1))
            }

            #[inline(always)]
            fn narrow(
                self,
                to: NarrowFloat<Self>,
                over: Self,
                round: impl Fn(Self, Self) -> Self,
            ) -> Self {
                let magnitude = self.abs();
                let own = Self::from_bits(magnitude.to_bits() & Self::INFINITY.to_bits());
                let power = if own < to.least { to.least } else { own };
                let power = if power > to.power { to.power } else { power };
                let rounded = round(magnitude, power * to.magic);
                let result = if rounded > to.most { over } else { rounded };
                let special = magnitude.to_bits() >= Self::INFINITY.to_bits();
                (if special { magnitude } else { result }).copysign(self)
            }
        }
    )*};
}
narrowed! { f32 f64 }

/// `f` of each lane of vectors of 256 bits.
#[inline(always)]
pub(super) fn map<V: Pod, E: Lane256>(v: V, f: impl Fn(E) -> E) -> V {
    E::map(v, f)
}

/// A lane of vectors of 256 bits.
pub(super) trait Lane256: Pod {
    fn map<V: Pod>(v: V, f: impl Fn(Self) -> Self) -> V;
}

impl Lane256 for f32 {
    #[inline(always)]
    fn map<V: Pod>(v: V, f: impl Fn(Self) -> Self) -> V {
        let v: [Self; 8] = bytemuck::cast(v);
        bytemuck::cast(from_fn::<Self, 8, _>(|i| f(v[i])))
    }
}

impl Lane256 for f64 {
    #[inline(always)]
    fn map<V: Pod>(v: V, f: impl Fn(Self) -> Self) -> V {
        let v: [Self; 4] = bytemuck::cast(v);
        bytemuck::cast(from_fn::<Self, 4, _>(|i| f(v[i])))
    }
}

/// `f` of each lane of vectors of eight.
#[inline(always)]
pub(super) fn each<V: Pod>(v: [V; 3], f: impl Fn(f32, f32, f32) -> f32) -> V {
    let [a, b, c]: [[f32; 8]; 3] = v.map(bytemuck::cast);
    bytemuck::cast(from_fn::<f32, 8, _>(|i| f(a[i], b[i], c[i])))
}
