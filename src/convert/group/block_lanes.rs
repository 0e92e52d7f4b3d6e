//! Loops over whole blocks, vector by vector: of plain loops over blocks a compiler makes ones that gather the elements of
//! many blocks.

use bytemuck::cast_slice;

use super::extent::Extent;
use super::quotient::{Factors, LaneQuotient, Shift};
use crate::simd::{ByteLanes, FmaLanes, IsaKernel, Lanes, Simd, Vectorized};

/// Blocks are multiples of this, and vectors divide it.
pub(super) const STEP: usize = 16;

/// How far every block reaches.
pub(super) struct Extents<'a, E> {
    pub(super) x: &'a [f32],
    /// Elements of a block.
    pub(super) size: usize,
    pub(super) extents: &'a mut [E],
}

/// The quotients of every block.
pub(super) struct Quotients<'a> {
    pub(super) quotient: LaneQuotient,
    pub(super) shift: Shift,
    pub(super) x: &'a [f32],
    /// Elements of a block.
    pub(super) size: usize,
    /// Those of each block; what is made of unusable ones means nothing.
    pub(super) factors: &'a [Factors],
    pub(super) quotients: &'a mut [f32],
}

/// A loop in lanes.
struct InLanes<L, T> {
    lanes: L,
    of: T,
}

impl<E: Extent> IsaKernel for Extents<'_, E> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.int32();
        lanes.vectorize(InLanes { lanes, of: self });
    }
}

impl<L: ByteLanes, E: Extent> Vectorized for InLanes<L, Extents<'_, E>> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        const { assert!(STEP.is_multiple_of(L::N)) };
        let Self { lanes, of: Extents { x, size, extents } } = self;
        for (extent, block) in extents.iter_mut().zip(x.chunks_exact(size)) {
            *extent = E::of_vectors(lanes, cast_slice(block));
        }
    }
}

impl IsaKernel for Quotients<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.fma();
        lanes.vectorize(InLanes { lanes, of: self });
    }
}

impl<L: FmaLanes> Vectorized for InLanes<L, Quotients<'_>> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        const { assert!(STEP.is_multiple_of(L::N)) };
        let lanes = self.lanes;
        match self.of.quotient {
            LaneQuotient::Product => self.shifted(|x, _, inverse| lanes.mul(x, inverse)),
            LaneQuotient::Division => self.shifted(|x, scale, _| lanes.div(x, scale)),
            LaneQuotient::Odd => self.shifted(|x, scale, _| lanes.div_odd(x, scale)),
        }
    }
}

impl<L: FmaLanes> InLanes<L, Quotients<'_>> {
    #[inline(always)]
    fn shifted(self, quotient: impl Fn(L::V, L::V, L::V) -> L::V) {
        let lanes = self.lanes;
        let one = lanes.splat(1.0);
        match self.of.shift {
            Shift::None => self.by(quotient, |q, _| q),
            Shift::Nearest => self.by(quotient, |q, zero_point| lanes.add(q, zero_point)),
            Shift::Odd => {
                self.by(quotient, |q, zero_point| lanes.fma_odd_of_single(q, one, zero_point));
            }
        }
    }

    #[inline(always)]
    fn by(self, quotient: impl Fn(L::V, L::V, L::V) -> L::V, shift: impl Fn(L::V, L::V) -> L::V) {
        let Self { lanes, of: Quotients { x, size, factors, quotients, .. } } = self;
        let blocks = x.chunks_exact(size).zip(quotients.chunks_exact_mut(size));
        for ((x, to), factors) in blocks.zip(factors) {
            let scale = lanes.splat(factors.scale);
            let inverse = lanes.splat(factors.inverse);
            let zero_point = lanes.splat(factors.zero_point);
            for (x, to) in x.chunks_exact(L::N).zip(to.chunks_exact_mut(L::N)) {
                let q = quotient(lanes.load(x), scale, inverse);
                lanes.store(shift(q, zero_point), to);
            }
        }
    }
}
