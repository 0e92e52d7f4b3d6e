//! Half precision by the instructions that convert it, where the instruction set has them.

use super::lane::Symmetric;
use crate::simd::{FmaLanes, IsaKernel, Lanes, Simd, Vectorized};

/// The magnitude of infinity; NaN is above.
const INFINITY: u16 = 0x7c00;
const SIGN: u16 = 0x8000;
/// The quiet NaN without payload.
const NAN: u16 = 0x7e00;

/// Encodes `x` to as many `codes`: to nearest even, and then the end of the policy.
pub(super) struct EncodeHalves<'a> {
    pub(super) end: Symmetric,
    pub(super) x: &'a [f32],
    pub(super) codes: &'a mut [u16],
}

/// Decodes `codes` to as many values.
pub(super) struct DecodeHalves<'a> {
    pub(super) codes: &'a [u16],
    pub(super) values: &'a mut [f32],
}

/// In lanes.
struct InLanes<L, T> {
    lanes: L,
    of: T,
}

impl IsaKernel for EncodeHalves<'_> {
    /// How many were encoded, of those at the front.
    type Output = usize;

    fn run<S: Simd>(self, simd: S) -> usize {
        if const { !<S::Fma as FmaLanes>::CONVERTS_HALVES } {
            return 0;
        }
        let lanes = simd.fma();
        lanes.vectorize(InLanes { lanes, of: self })
    }
}

impl<L: FmaLanes> Vectorized for InLanes<L, EncodeHalves<'_>> {
    type Output = usize;

    #[inline(always)]
    fn call(self) -> usize {
        let Self { lanes, of: EncodeHalves { end, x, codes } } = self;
        let (over, nan) = (end.over as u16, end.nan as u16);
        for (x, codes) in x.chunks_exact(L::N).zip(codes.chunks_exact_mut(L::N)) {
            let mut halves = lanes.to_halves(lanes.load(x));
            for half in &mut halves {
                let magnitude = *half & !SIGN;
                let code = if magnitude > INFINITY { nan } else { magnitude.min(over) };
                *half = code ^ (*half & SIGN);
            }
            codes.copy_from_slice(&halves[..L::N]);
        }
        x.len() / L::N * L::N
    }
}

impl IsaKernel for DecodeHalves<'_> {
    /// How many were decoded, of those at the front.
    type Output = usize;

    fn run<S: Simd>(self, simd: S) -> usize {
        if const { !<S::Fma as FmaLanes>::CONVERTS_HALVES } {
            return 0;
        }
        let lanes = simd.fma();
        lanes.vectorize(InLanes { lanes, of: self })
    }
}

impl<L: FmaLanes> Vectorized for InLanes<L, DecodeHalves<'_>> {
    type Output = usize;

    #[inline(always)]
    fn call(self) -> usize {
        let Self { lanes, of: DecodeHalves { codes, values } } = self;
        for (codes, values) in codes.chunks_exact(L::N).zip(values.chunks_exact_mut(L::N)) {
            let mut halves = [0; 16];
            halves[..L::N].copy_from_slice(codes);
            for half in &mut halves {
                *half = if *half & !SIGN > INFINITY { *half & SIGN | NAN } else { *half };
            }
            lanes.store(lanes.of_halves(halves), values);
        }
        codes.len() / L::N * L::N
    }
}
