//! Blocks along the last axis whose scales are numbers: those of many blocks are rounded in lanes, before their quotients.

use super::block_lanes::{Extents, Quotients, STEP};
use super::extent::Extent;
use super::quotient::{BlockQuotient, Factors};
use super::rows::{TILE, Tile};

/// Blocks of a tile.
const MOST: usize = TILE / STEP;

impl Tile<'_> {
    /// As the tile itself does it, where all blocks are whole vectors and the scales can be found at once: how many elements
    /// and groups.
    pub(super) fn at_once<Q: BlockQuotient>(&mut self, of: &Q) -> Option<(usize, usize)> {
        let (encoder, first, outers) = (self.encoder, self.first, self.outers);
        let size = encoder.format.size();
        let (quotient, shift) = of.in_lanes()?;
        let is_whole = size.is_multiple_of(STEP) && self.row.is_multiple_of(size);
        if !is_whole || !encoder.plan.finds_at_once() {
            return None;
        }
        let count = (self.x.len().min(self.quotients.len()) / size).min(MOST);
        let (x, scales) = (&self.x[..count * size], &mut self.scales[..count]);
        let mut extents = [Q::Extent::ZERO; MOST];
        let extents = &mut extents[..count];
        encoder.isa.run_without_vnni(Extents { x, size, extents: &mut *extents });
        let outer = |group: usize| outers.of(first + group * size);
        if !encoder.plan.scales(of, extents, outer, encoder.isa, scales) {
            return None;
        }
        let mut factors = [Factors::NONE; MOST];
        for (group, ((factors, scale), &extent)) in
            factors.iter_mut().zip(scales).zip(&*extents).enumerate()
        {
            *factors = encoder.plan.factors(*scale, &encoder.format);
            if !encoder.plan.divides(extent, *factors) {
                self.set_aside.push((group, group * size, group * size + size));
            }
        }
        let quotients = &mut self.quotients[..count * size];
        let factors = &factors;
        encoder.isa.run_without_vnni(Quotients {
            quotient,
            shift,
            x,
            size,
            factors,
            quotients: &mut *quotients,
        });
        // What stands in the place of a block that is set aside must not be refused.
        for &(_, start, end) in &*self.set_aside {
            quotients[start..end].fill(0.0);
        }
        Some((count * size, count))
    }
}
