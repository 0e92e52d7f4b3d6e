//! Steps of registers in lanes of 32 bits, at the ends of the lane or within them.
//!
//! A register of `P` bits at the ends of its lane stands there times `2^s` with `s = 32 - P`, as [in lanes of 16](super::lanes16),
//! and so does every product: codes and bytes are 16-bit integers times powers of two, and the other integer of their pair is
//! zero. Where a lane saturates at its upper end its `s` lowest bits become ones, which never reach the register's bits. A sum
//! beyond the range is none of the lane's values: where extremes are sought, half of the register and half of the product are
//! added, whose sum every lane holds.

use crate::kernels::stages::overflow::OverflowOp;
use crate::simd::ByteLanes;

/// A step in lanes of 32 bits.
pub(super) trait Step32<L: ByteLanes>: Copy {
    /// By how many places fewer than registers the sums are shifted up that [`Self::sum`] tells.
    const HALVED: u32;

    /// What the register keeps of its sum with the products of `a` and `b`, and something that differs from it exactly where it
    /// does not hold the sum.
    fn step(self, lanes: L, register: L::V, a: L::V, b: L::V) -> [L::V; 2];

    /// The sum, where [`Self::step`] says `other`; `halved` is `b`, shifted up by [`Self::HALVED`] places fewer.
    fn sum(self, lanes: L, other: L::V, register: L::V, a: L::V, halved: L::V) -> L::V;
}

/// `register / 2 + a * b / 2`, of which `halved` is `b / 2`: both are shifted up, so that nothing but what saturation left below
/// their last place is lost.
#[inline(always)]
fn half_sum<L: ByteLanes>(lanes: L, register: L::V, a: L::V, halved: L::V) -> L::V {
    lanes.dot(lanes.shift_right(register, 1), a, halved)
}

/// Saturates where a lane does.
#[derive(Clone, Copy)]
pub(super) struct SaturateLane;

/// Wraps where a lane does.
#[derive(Clone, Copy)]
pub(super) struct WrapLane;

/// Within a lane.
#[derive(Clone, Copy)]
pub(super) struct Within<T>(pub(super) T);

impl<L: ByteLanes> Step32<L> for SaturateLane {
    const HALVED: u32 = 1;

    #[inline(always)]
    fn step(self, lanes: L, register: L::V, a: L::V, b: L::V) -> [L::V; 2] {
        [lanes.dot_saturating(register, a, b), lanes.dot(register, a, b)]
    }

    #[inline(always)]
    fn sum(self, lanes: L, _: L::V, register: L::V, a: L::V, halved: L::V) -> L::V {
        half_sum(lanes, register, a, halved)
    }
}

impl<L: ByteLanes> Step32<L> for WrapLane {
    const HALVED: u32 = 1;

    #[inline(always)]
    fn step(self, lanes: L, register: L::V, a: L::V, b: L::V) -> [L::V; 2] {
        [lanes.dot(register, a, b), lanes.dot_saturating(register, a, b)]
    }

    #[inline(always)]
    fn sum(self, lanes: L, _: L::V, register: L::V, a: L::V, halved: L::V) -> L::V {
        half_sum(lanes, register, a, halved)
    }
}

impl<L: ByteLanes, T: OverflowOp<L>> Step32<L> for Within<T> {
    const HALVED: u32 = 0;

    #[inline(always)]
    fn step(self, lanes: L, register: L::V, a: L::V, b: L::V) -> [L::V; 2] {
        let sum = lanes.dot(register, a, b);
        [self.0.apply(lanes, sum), sum]
    }

    #[inline(always)]
    fn sum(self, _: L, other: L::V, _: L::V, _: L::V, _: L::V) -> L::V {
        other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, IsaKernel, Simd};

    /// A register of so many bits through steps of every size of product, beside `i64`.
    #[derive(Clone, Copy)]
    struct Steps(u32);

    impl IsaKernel for Steps {
        type Output = ();

        fn run<S: Simd>(self, simd: S) {
            let lanes = simd.int32();
            through(lanes, SaturateLane, self.0, |sum, end| sum.clamp(-end, end - 1));
            through(lanes, WrapLane, self.0, |sum, end| {
                if (-end..end).contains(&sum) { sum } else { sum - sum.signum() * 2 * end }
            });
        }
    }

    fn through<L: ByteLanes, T: Step32<L>>(
        lanes: L,
        step: T,
        bits: u32,
        keep: impl Fn(i64, i64) -> i64,
    ) {
        let (shift, end) = (32 - bits, 1i64 << (bits - 1));
        let bytes = shift.min(8);
        let (mut register, mut value) = (lanes.splat(0), 0i64);
        let mut left = 0;
        // Up to the upper end, with its smallest product, then down to the lower one and back.
        let runs =
            [(255, 127, 2), (1, 1, 1), (255, -128, 4), (-1, 1, 1), (77, -1, 1), (255, 127, 4)];
        let repeat = usize::try_from(end >> 15).unwrap();
        for (code, byte, times) in runs {
            for _ in 0..times * repeat {
                let a = lanes.splat(0xffff & (code << (shift - bytes)));
                let b = lanes.splat(0xffff & (byte << bytes));
                let halved = lanes.splat(0xffff & (byte << (bytes - 1)));
                let sum = value + i64::from(code * byte);
                let [kept, other] = step.step(lanes, register, a, b);
                let told = step.sum(lanes, other, register, a, halved);
                value = keep(sum, end);
                let first = |v| lanes.any_greater(v, lanes.splat(0));
                // A vector of equal lanes is a number where nothing is greater or less.
                let is = |v: L::V, x: i64| {
                    let x = lanes.splat(i32::try_from(x).unwrap());
                    !first(lanes.sub(v, x)) && !first(lanes.sub(x, v))
                };
                assert!(is(lanes.shift_right(kept, shift), value), "{bits} bits: {sum}");
                assert!(is(lanes.shift_right(told, shift - 1), sum), "{bits} bits: {sum}");
                let held = lanes.add_same(lanes.splat(0), lanes.splat(1), kept, other);
                assert!(is(held, i64::from(sum == value)), "{bits} bits: {sum}");
                left += u32::from(sum != value);
                register = kept;
            }
        }
        assert!(left > 4, "{bits} bits: {left} steps left the range");
    }

    #[test]
    fn a_register_at_the_ends_of_its_lane_and_the_sums_beyond_them() {
        for isa in Isa::available() {
            for bits in 17..32 {
                isa.detect().unwrap().run(Steps(bits));
            }
        }
    }
}
