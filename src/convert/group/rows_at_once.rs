//! Blocks along the last axis whose scales are numbers: those of many blocks are rounded in lanes, before their quotients.

use super::quotient::{Quotient, magnitude};
use super::rows::{TILE, Tile};
use crate::convert::lane::INFINITY;
use crate::simd::Vectorized;

/// The smallest blocks that come here.
const LEAST: usize = 16;
/// Blocks of a tile.
const MOST: usize = TILE / LEAST;

impl Tile<'_> {
    /// As the tile itself does it, where all blocks are whole and the scales can be found at once: how many elements and
    /// groups.
    pub(super) fn at_once(&mut self) -> Option<(usize, usize)> {
        let size = self.encoder.format.size();
        // Exact quotients are made block by block: in a loop over blocks they would gather their operands.
        let quotient = self.encoder.plan.quotient.filter(|&quotient| quotient != Quotient::Odd)?;
        if !self.row.is_multiple_of(size) || !self.encoder.plan.finds_at_once() {
            return None;
        }
        match size {
            16 => self.blocks::<16>(quotient),
            32 => self.blocks::<32>(quotient),
            _ => None,
        }
    }

    fn blocks<const N: usize>(&mut self, quotient: Quotient) -> Option<(usize, usize)> {
        let (encoder, first, outers) = (self.encoder, self.first, self.outers);
        let count = (self.x.len().min(self.quotients.len()) / N).min(MOST);
        let (x, scales) = (&self.x.as_chunks::<N>().0[..count], &mut self.scales[..count]);
        let mut magnitudes = [0; MOST];
        encoder.isa.vectorize(Magnitudes { x, magnitudes: &mut magnitudes });
        let magnitudes = &magnitudes[..count];
        let outer = |group: usize| outers.of(first + group * N);
        if !encoder.plan.scales(magnitudes, outer, encoder.isa, scales) {
            return None;
        }
        let mut factors = [(1.0, 1.0); MOST];
        for (group, ((factors, scale), &magnitude)) in
            factors.iter_mut().zip(scales).zip(magnitudes).enumerate()
        {
            let (value, inverse) = (scale.value, 1.0 / scale.value);
            *factors = (value, inverse);
            if magnitude >= INFINITY || !encoder.plan.divides(magnitude, value, inverse) {
                self.set_aside.push((group, group * N, group * N + N));
            }
        }
        let quotients = &mut self.quotients.as_chunks_mut::<N>().0[..count];
        encoder.isa.vectorize(Quotients {
            quotient,
            x,
            factors: &factors,
            quotients: &mut *quotients,
        });
        // What stands in the place of a block that is set aside must not be refused.
        for &(group, ..) in &*self.set_aside {
            quotients[group] = [0.0; N];
        }
        Some((count * N, count))
    }
}

/// The largest magnitude of every block.
struct Magnitudes<'a, const N: usize> {
    x: &'a [[f32; N]],
    magnitudes: &'a mut [u32; MOST],
}

impl<const N: usize> Vectorized for Magnitudes<'_, N> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (most, x) in self.magnitudes.iter_mut().zip(self.x) {
            *most = magnitude(x);
            // Never so; see `Tile::whole`.
            if *most == u32::MAX {
                break;
            }
        }
    }
}

/// The quotients of every block.
struct Quotients<'a, const N: usize> {
    quotient: Quotient,
    x: &'a [[f32; N]],
    /// The scale and its reciprocal.
    factors: &'a [(f32, f32); MOST],
    quotients: &'a mut [[f32; N]],
}

impl<const N: usize> Vectorized for Quotients<'_, N> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        // A loop of its own for each kind.
        match self.quotient {
            Quotient::Product => self.by(|x, s, i| Quotient::Product.of(x, s, i)),
            Quotient::ProductAtLeast(least) => {
                self.by(|x, s, i| Quotient::ProductAtLeast(least).of(x, s, i));
            }
            Quotient::Division => self.by(|x, s, i| Quotient::Division.of(x, s, i)),
            Quotient::Odd => self.by(|x, s, i| Quotient::Odd.of(x, s, i)),
        }
    }
}

impl<const N: usize> Quotients<'_, N> {
    #[inline(always)]
    fn by(self, quotient: impl Fn(&[f32; N], f32, f32) -> [f32; N]) {
        for ((to, x), &(value, inverse)) in self.quotients.iter_mut().zip(self.x).zip(self.factors)
        {
            *to = quotient(x, value, inverse);
        }
    }
}
