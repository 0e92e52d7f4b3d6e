//! The codes of sums, in lanes.

use super::finish::LinearCodes;
use crate::kernels::output::StoreMode;
use crate::simd::{ByteLanes, Linear};

/// What makes codes of sums, of any channel.
#[derive(Clone, Copy)]
pub(super) struct CodeLanes<L: ByteLanes> {
    lanes: L,
    /// What keeps the low bits of a sum: see `IntLanes::wrap`.
    mask: L::V,
    sign: L::V,
    least: L::V,
    sure: L::V,
    zero_point: L::V,
    low: L::V,
    high: L::V,
}

impl<L: ByteLanes> CodeLanes<L> {
    #[inline(always)]
    pub(super) fn new(lanes: L, linear: &LinearCodes, store: StoreMode) -> Self {
        let bits = match store {
            StoreMode::LowBits(bits) if bits < 32 => bits,
            StoreMode::LowBits(_) | StoreMode::Whole => 32,
        };
        let number = |x: f32| lanes.splat(x.to_bits().cast_signed());
        Self {
            lanes,
            mask: lanes.splat((u32::MAX >> (32 - bits)).cast_signed()),
            sign: lanes.splat((1u32 << (bits - 1)).cast_signed()),
            least: lanes.splat(linear.least),
            sure: number(linear.sure),
            zero_point: number(linear.zero_point),
            low: number(linear.low),
            high: number(linear.high),
        }
    }

    /// What a channel adds to its sums, and its factor.
    #[inline(always)]
    pub(super) fn channel(&self, (plus, factor): (i32, f32)) -> [L::V; 2] {
        [self.lanes.splat(plus), self.lanes.splat(factor.to_bits().cast_signed())]
    }

    /// Codes as low bytes, and how far each is from what it was rounded from, as the bits of that number.
    #[inline(always)]
    pub(super) fn code(&self, sums: L::V, [plus, factor]: [L::V; 2]) -> [L::V; 2] {
        let Self { lanes, zero_point, low, high, .. } = *self;
        let sums = lanes.wrap(sums, self.mask, self.sign);
        let number = lanes.max(lanes.add(sums, plus), self.least);
        lanes.nearest(number, Linear { factor, zero_point, low, high })
    }

    /// Whether one of these is so far that the code may be another.
    #[inline(always)]
    pub(super) fn are_doubtful(&self, far: L::V) -> bool {
        self.lanes.any_greater(far, self.sure)
    }
}
