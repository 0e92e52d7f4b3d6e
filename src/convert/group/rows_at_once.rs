//! Blocks along the last axis whose scales are numbers: those of many blocks are rounded in lanes, before their quotients.

use super::block_lanes::{LaneQuotient, Magnitudes, Quotients, STEP};
use super::rows::{TILE, Tile};
use crate::convert::lane::INFINITY;

/// Blocks of a tile.
const MOST: usize = TILE / STEP;

impl Tile<'_> {
    /// As the tile itself does it, where all blocks are whole vectors and the scales can be found at once: how many elements
    /// and groups.
    pub(super) fn at_once(&mut self) -> Option<(usize, usize)> {
        let (encoder, first, outers) = (self.encoder, self.first, self.outers);
        let size = encoder.format.size();
        let quotient = LaneQuotient::of(encoder.plan.quotient?)?;
        let is_whole = size.is_multiple_of(STEP) && self.row.is_multiple_of(size);
        if !is_whole || !encoder.plan.finds_at_once() {
            return None;
        }
        let count = (self.x.len().min(self.quotients.len()) / size).min(MOST);
        let (x, scales) = (&self.x[..count * size], &mut self.scales[..count]);
        let mut magnitudes = [0; MOST];
        let magnitudes = &mut magnitudes[..count];
        encoder.isa.run_without_vnni(Magnitudes { x, size, magnitudes: &mut *magnitudes });
        let outer = |group: usize| outers.of(first + group * size);
        if !encoder.plan.scales(magnitudes, outer, encoder.isa, scales) {
            return None;
        }
        let mut factors = [(1.0, 1.0); MOST];
        for (group, ((factors, scale), &magnitude)) in
            factors.iter_mut().zip(scales).zip(&*magnitudes).enumerate()
        {
            let (value, inverse) = (scale.value, 1.0 / scale.value);
            *factors = (value, inverse);
            if magnitude >= INFINITY || !encoder.plan.divides(magnitude, value, inverse) {
                self.set_aside.push((group, group * size, group * size + size));
            }
        }
        let quotients = &mut self.quotients[..count * size];
        let factors = &factors;
        encoder.isa.run_without_vnni(Quotients {
            quotient,
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
