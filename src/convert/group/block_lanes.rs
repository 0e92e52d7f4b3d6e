//! Loops over whole blocks, vector by vector: of plain loops over blocks a compiler makes ones that gather the elements of
//! many blocks.

use bytemuck::cast_slice;

use super::quotient::Quotient;
use crate::convert::lane::MAGNITUDE;
use crate::simd::{ByteLanes, FmaLanes, IsaKernel, Lanes, Simd, Vectorized};

/// Blocks are multiples of this, and vectors divide it.
pub(super) const STEP: usize = 16;

/// The largest magnitude of every block, as bits.
pub(super) struct Magnitudes<'a> {
    pub(super) x: &'a [f32],
    /// Elements of a block.
    pub(super) size: usize,
    pub(super) magnitudes: &'a mut [u32],
}

/// How quotients are made in lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LaneQuotient {
    /// [`Quotient::Product`]
    Product,
    /// [`Quotient::Division`]
    Division,
    /// [`Quotient::Odd`]
    Odd,
}

impl LaneQuotient {
    /// The same as `quotient`, if there is one.
    pub(super) fn of(quotient: Quotient) -> Option<Self> {
        match quotient {
            Quotient::Product => Some(Self::Product),
            Quotient::ProductAtLeast(_) => None,
            Quotient::Division => Some(Self::Division),
            Quotient::Odd => Some(Self::Odd),
        }
    }
}

/// The quotients of every block.
pub(super) struct Quotients<'a> {
    pub(super) quotient: LaneQuotient,
    pub(super) x: &'a [f32],
    /// Elements of a block.
    pub(super) size: usize,
    /// Each block's scale and its reciprocal; what is made of others than positive finite numbers means nothing.
    pub(super) factors: &'a [(f32, f32)],
    pub(super) quotients: &'a mut [f32],
}

/// A loop in lanes.
struct InLanes<L, T> {
    lanes: L,
    of: T,
}

impl IsaKernel for Magnitudes<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.int32();
        lanes.vectorize(InLanes { lanes, of: self });
    }
}

impl<L: ByteLanes> Vectorized for InLanes<L, Magnitudes<'_>> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        const { assert!(STEP.is_multiple_of(L::N)) };
        let Self { lanes, of: Magnitudes { x, size, magnitudes } } = self;
        let mask = lanes.splat(MAGNITUDE.cast_signed());
        for (most, block) in magnitudes.iter_mut().zip(x.chunks_exact(size)) {
            let mut all = lanes.splat(0);
            for part in cast_slice::<f32, i32>(block).chunks_exact(L::N) {
                all = lanes.max(all, lanes.and(lanes.load(part), mask));
            }
            *most = lanes.greatest(all).cast_unsigned();
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
            LaneQuotient::Product => self.by(|x, _, inverse| lanes.mul(x, inverse)),
            LaneQuotient::Division => self.by(|x, scale, _| lanes.div(x, scale)),
            LaneQuotient::Odd => self.by(|x, scale, _| lanes.div_odd(x, scale)),
        }
    }
}

impl<L: FmaLanes> InLanes<L, Quotients<'_>> {
    #[inline(always)]
    fn by(self, quotient: impl Fn(L::V, L::V, L::V) -> L::V) {
        let Self { lanes, of: Quotients { x, size, factors, quotients, .. } } = self;
        let blocks = x.chunks_exact(size).zip(quotients.chunks_exact_mut(size));
        for ((x, to), &(scale, inverse)) in blocks.zip(factors) {
            let (scale, inverse) = (lanes.splat(scale), lanes.splat(inverse));
            for (x, to) in x.chunks_exact(L::N).zip(to.chunks_exact_mut(L::N)) {
                lanes.store(quotient(lanes.load(x), scale, inverse), to);
            }
        }
    }
}
