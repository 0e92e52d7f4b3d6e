//! What the values of a block ask of its scale: their largest magnitude, or how far they reach to both sides of zero.

use crate::convert::lane::{INFINITY, MAGNITUDE, SIGN};
use crate::simd::ByteLanes;

/// How far the values of a block reach.
pub(super) trait Extent: Copy {
    /// Of no values but zeros.
    const ZERO: Self;

    /// With one value more, of any kind.
    fn with(self, x: f32) -> Self;

    /// Of values that fill whole vectors; `#[inline(always)]`.
    fn of_vectors<L: ByteLanes>(lanes: L, bits: &[i32]) -> Self;

    /// What the scale is made of, as an `f32`; infinite or NaN where a value is.
    fn single(self) -> f32;

    /// The same as an `f64`, and not 0 where that is rounded.
    fn double(self) -> (f64, u32);

    /// The least and the greatest value, with zero between them.
    fn ends(self) -> (f32, f32);

    /// The largest magnitude, as bits; NaN is above infinity.
    fn magnitude(self) -> u32;

    /// Whether all values are finite, and [`Self::single`] is.
    #[inline(always)]
    fn is_finite(self) -> bool {
        (self.magnitude() < INFINITY) & (self.single().to_bits() < INFINITY)
    }
}

/// The largest magnitude, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Magnitude(pub(super) u32);

impl Extent for Magnitude {
    const ZERO: Self = Self(0);

    #[inline(always)]
    fn with(self, x: f32) -> Self {
        Self(self.0.max(x.to_bits() & MAGNITUDE))
    }

    #[inline(always)]
    fn of_vectors<L: ByteLanes>(lanes: L, bits: &[i32]) -> Self {
        let mask = lanes.splat(MAGNITUDE.cast_signed());
        let mut most = lanes.splat(0);
        for part in bits.chunks_exact(L::N) {
            most = lanes.max(most, lanes.and(lanes.load(part), mask));
        }
        Self(lanes.greatest(most).cast_unsigned())
    }

    #[inline(always)]
    fn single(self) -> f32 {
        f32::from_bits(self.0)
    }

    #[inline(always)]
    fn double(self) -> (f64, u32) {
        (self.single().into(), 0)
    }

    #[inline(always)]
    fn ends(self) -> (f32, f32) {
        (0.0, self.single())
    }

    #[inline(always)]
    fn magnitude(self) -> u32 {
        self.0
    }
}

/// The largest magnitudes of negative and of other values, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) below: u32,
    pub(super) above: u32,
}

impl Span {
    /// Of the greatest bits as signed integers: those of values, and with the sign changed. Values of the other sign are below 0.
    #[inline(always)]
    fn of_greatest(below: i32, above: i32) -> Self {
        Self { below: below.cast_unsigned(), above: above.cast_unsigned() }
    }
}

impl Extent for Span {
    const ZERO: Self = Self { below: 0, above: 0 };

    #[inline(always)]
    fn with(self, x: f32) -> Self {
        let Self { below, above } = self;
        let greater = |most: u32, bits: u32| most.cast_signed().max(bits.cast_signed());
        Self::of_greatest(greater(below, x.to_bits() ^ SIGN), greater(above, x.to_bits()))
    }

    #[inline(always)]
    fn of_vectors<L: ByteLanes>(lanes: L, bits: &[i32]) -> Self {
        let sign = lanes.splat(SIGN.cast_signed());
        let (mut below, mut above) = (lanes.splat(0), lanes.splat(0));
        for part in bits.chunks_exact(L::N) {
            let bits = lanes.load(part);
            above = lanes.max(above, bits);
            below = lanes.max(below, lanes.xor(bits, sign));
        }
        Self::of_greatest(lanes.greatest(below), lanes.greatest(above))
    }

    #[inline(always)]
    fn single(self) -> f32 {
        f32::from_bits(self.above) + f32::from_bits(self.below)
    }

    #[inline(always)]
    fn double(self) -> (f64, u32) {
        let (below, above) =
            (f64::from(f32::from_bits(self.below)), f64::from(f32::from_bits(self.above)));
        let sum = above + below;
        // The lesser one is what the sum has more than the greater, if nothing is lost.
        (sum, u32::from(sum - above.max(below) != above.min(below)))
    }

    #[inline(always)]
    fn ends(self) -> (f32, f32) {
        (-f32::from_bits(self.below), f32::from_bits(self.above))
    }

    #[inline(always)]
    fn magnitude(self) -> u32 {
        self.below.max(self.above)
    }
}
