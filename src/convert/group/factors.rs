//! What the values of blocks are divided by, and what is added.

use fewbit_formats::BlockScale;

use super::extent::Extent;
use super::scale_lanes::AT_ONCE;
use crate::simd::{Detected, Vectorized};

/// What the values of a block are divided by, and what is added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Factors {
    pub(super) scale: f32,
    /// `1 / scale`
    pub(super) inverse: f32,
    /// The zero point; 0 without one.
    pub(super) zero_point: f32,
}

impl Factors {
    /// Of a block that the specification encodes.
    const NONE: Self = Self::new(1.0, 0.0);

    #[inline(always)]
    pub(super) const fn new(scale: f32, zero_point: f32) -> Self {
        Self { scale, inverse: 1.0 / scale, zero_point }
    }

    /// Whether they are numbers that can be divided by.
    #[inline(always)]
    pub(super) const fn are_usable(self) -> bool {
        (self.scale > 0.0) & self.scale.is_finite() & self.inverse.is_finite()
    }
}

/// The factors of [`AT_ONCE`] blocks, side by side.
#[derive(Clone, Debug)]
pub(super) struct EachFactors {
    scales: [f32; AT_ONCE],
    inverses: [f32; AT_ONCE],
    zero_points: [f32; AT_ONCE],
}

impl EachFactors {
    /// Of blocks that the specification encodes.
    pub(super) const NONE: Self =
        Self { scales: [1.0; AT_ONCE], inverses: [1.0; AT_ONCE], zero_points: [0.0; AT_ONCE] };

    /// Those of blocks with these scales, but for the zero points.
    ///
    /// Whether all can be divided by, and all extents are finite.
    pub(super) fn invert<E: Extent>(
        &mut self,
        extents: &[E],
        scales: &[BlockScale],
        isa: Detected,
    ) -> bool {
        isa.vectorize(Invert { factors: self, extents, scales })
    }

    #[inline(always)]
    pub(super) fn of(&self, block: usize) -> Factors {
        Factors {
            scale: self.scales[block],
            inverse: self.inverses[block],
            zero_point: self.zero_points[block],
        }
    }

    pub(super) fn set_zero_point(&mut self, block: usize, zero_point: f32) {
        self.zero_points[block] = zero_point;
    }

    pub(super) fn set(&mut self, block: usize, factors: Factors) {
        self.scales[block] = factors.scale;
        self.inverses[block] = factors.inverse;
        self.zero_points[block] = factors.zero_point;
    }

    /// Leaves a block to the specification.
    pub(super) fn set_aside(&mut self, block: usize) {
        self.set(block, Factors::NONE);
    }

    /// Scales, inverses, zero points.
    #[inline(always)]
    pub(super) fn each(&self) -> [&[f32]; 3] {
        [&self.scales, &self.inverses, &self.zero_points]
    }
}

/// See [`EachFactors::invert`].
struct Invert<'a, E> {
    factors: &'a mut EachFactors,
    extents: &'a [E],
    scales: &'a [BlockScale],
}

impl<E: Extent> Vectorized for Invert<'_, E> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        let Self { factors: EachFactors { scales: values, inverses, .. }, extents, scales } = self;
        let mut unusable = 0;
        let factors = values.iter_mut().zip(inverses);
        for ((value, inverse), (scale, extent)) in factors.zip(scales.iter().zip(extents)) {
            let factors = Factors::new(scale.value, 0.0);
            (*value, *inverse) = (factors.scale, factors.inverse);
            unusable |= u32::from(!(extent.is_finite() & factors.are_usable()));
        }
        unusable == 0
    }
}
