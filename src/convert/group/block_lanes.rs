//! Loops over whole blocks, vector by vector: of plain loops over blocks a compiler makes ones that gather the elements of
//! many blocks.

use bytemuck::cast_slice;

use super::extent::Extent;
use super::factors::{EachFactors, Factors};
use super::quotient::{Quotient, Shift};
use super::scale_lanes::AT_ONCE;
use crate::simd::{ByteLanes, FmaLanes, IsaKernel, Lanes, Simd, Vectorized};

/// Blocks are multiples of this, and vectors divide it.
pub(super) const STEP: usize = 16;

/// Blocks of the same size that follow each other.
#[derive(Clone, Copy)]
pub(super) struct Blocks<'a> {
    pub(super) x: &'a [f32],
    /// Elements of a block: a multiple of [`STEP`].
    pub(super) size: usize,
}

/// How far every block reaches.
pub(super) struct Extents<'a, E> {
    pub(super) blocks: Blocks<'a>,
    pub(super) extents: &'a mut [E],
}

/// The quotients of every block.
pub(super) struct Quotients<'a> {
    pub(super) quotient: Quotient,
    pub(super) shift: Shift,
    pub(super) blocks: Blocks<'a>,
    /// Those of each block; what is made of unusable ones means nothing.
    pub(super) factors: &'a EachFactors,
    pub(super) to: &'a mut [f32],
}

/// The quotients of rows of elements that have factors each.
pub(super) struct EachQuotients<'a> {
    pub(super) quotient: Quotient,
    pub(super) shift: Shift,
    pub(super) x: &'a [f32],
    /// Elements of a row.
    pub(super) width: usize,
    pub(super) factors: &'a EachFactors,
    pub(super) to: &'a mut [f32],
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
        let Self { lanes, of: Extents { blocks: Blocks { x, size }, extents } } = self;
        for (extent, block) in extents.iter_mut().zip(x.chunks_exact(size)) {
            *extent = E::of_vectors(lanes, cast_slice(block));
        }
    }
}

/// Loops over elements and their factors: scales, inverses of these, zero points.
trait ElementLoop<L: FmaLanes> {
    /// How elements and factors become what is encoded.
    fn way(&self) -> (Quotient, Shift);

    /// Runs with that as vectors; `#[inline(always)]`.
    fn run_by(self, lanes: L, of: impl Fn(L::V, [L::V; 3]) -> L::V);
}

/// Runs `job`, a loop of its own for each way.
#[inline(always)]
fn run_way<L: FmaLanes, J: ElementLoop<L>>(lanes: L, job: J) {
    match job.way().0 {
        Quotient::Product => run_shifted(lanes, job, |x, [_, inverse, _]| lanes.mul(x, inverse)),
        Quotient::OddProduct => {
            // A sum with this zero is the product, whatever its sign.
            let zero = lanes.splat(-0.0);
            run_shifted(lanes, job, |x, [_, inverse, _]| lanes.fma_odd(x, inverse, zero))
        }
        Quotient::Division => run_shifted(lanes, job, |x, [scale, ..]| lanes.div(x, scale)),
        Quotient::Odd => run_shifted(lanes, job, |x, [scale, ..]| lanes.div_odd(x, scale)),
    }
}

#[inline(always)]
fn run_shifted<L: FmaLanes, J: ElementLoop<L>>(
    lanes: L,
    job: J,
    quotient: impl Fn(L::V, [L::V; 3]) -> L::V,
) {
    let one = lanes.splat(1.0);
    match job.way().1 {
        Shift::None => job.run_by(lanes, quotient),
        Shift::Nearest => job.run_by(lanes, |x, all| lanes.add(quotient(x, all), all[2])),
        Shift::Odd => {
            job.run_by(lanes, |x, all| lanes.fma_odd_of_single(quotient(x, all), one, all[2]))
        }
    }
}

impl<L: FmaLanes> ElementLoop<L> for Quotients<'_> {
    fn way(&self) -> (Quotient, Shift) {
        (self.quotient, self.shift)
    }

    #[inline(always)]
    fn run_by(self, lanes: L, of: impl Fn(L::V, [L::V; 3]) -> L::V) {
        const { assert!(STEP.is_multiple_of(L::N)) };
        let Self { blocks: Blocks { x, size }, factors, to, .. } = self;
        let blocks = x.chunks_exact(size).zip(to.chunks_exact_mut(size));
        for (block, (x, to)) in blocks.enumerate() {
            let Factors { scale, inverse, zero_point } = factors.of(block);
            let factors = [scale, inverse, zero_point].map(|factor| lanes.splat(factor));
            for (x, to) in x.chunks_exact(L::N).zip(to.chunks_exact_mut(L::N)) {
                lanes.store(of(lanes.load(x), factors), to);
            }
        }
    }
}

impl<L: FmaLanes> ElementLoop<L> for EachQuotients<'_> {
    fn way(&self) -> (Quotient, Shift) {
        (self.quotient, self.shift)
    }

    #[inline(always)]
    fn run_by(self, lanes: L, of: impl Fn(L::V, [L::V; 3]) -> L::V) {
        const { assert!(STEP.is_multiple_of(L::N) && AT_ONCE.is_multiple_of(L::N)) };
        let Self { x, width, factors, to, .. } = self;
        for at in (0..width).step_by(L::N) {
            let factors = factors.each().map(|factor| lanes.load(&factor[at..]));
            let columns = at..width.min(at + L::N);
            for (x, to) in x.chunks_exact(width).zip(to.chunks_exact_mut(width)) {
                // `of` has one place, so that it is inlined.
                let (x, to) = (&x[columns.clone()], &mut to[columns.clone()]);
                let mut short = [0.0; STEP];
                let x = if x.len() < L::N {
                    short[..x.len()].copy_from_slice(x);
                    lanes.load(&short)
                } else {
                    lanes.load(x)
                };
                let quotients = of(x, factors);
                if to.len() < L::N {
                    lanes.store(quotients, &mut short);
                    to.copy_from_slice(&short[..to.len()]);
                } else {
                    lanes.store(quotients, to);
                }
            }
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
        run_way(self.lanes, self.of);
    }
}

impl IsaKernel for EachQuotients<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.fma();
        lanes.vectorize(InLanes { lanes, of: self });
    }
}

impl<L: FmaLanes> Vectorized for InLanes<L, EachQuotients<'_>> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        run_way(self.lanes, self.of);
    }
}
