//! Where, along k, the registers of a stage are looked at.

use crate::accumulate::Stage;

/// The steps of one stage over products `0..depth`, counted in products.
///
/// A tile of stage `s` holds `count_s` tiles of stage `s - 1`, a step `width_s` of them; both close early at the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    /// Products of one input of the stage.
    step: usize,
    /// Products of one tile.
    tile: usize,
    /// Registers that take turns.
    pub(super) registers: usize,
    depth: usize,
}

impl Steps {
    /// The steps of every stage, innermost first.
    pub(super) fn of(stages: &[Stage], depth: usize) -> Vec<Self> {
        let limit = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let mut input = 1usize;
        let mut steps = Vec::with_capacity(stages.len());
        for stage in stages {
            let tile = stage.count.map_or(usize::MAX, |n| input.saturating_mul(limit(n.get())));
            let step = input.saturating_mul(limit(stage.width.get().into()));
            let registers = stage.interleave.get() as usize;
            steps.push(Self { step, tile, registers, depth });
            input = tile;
        }
        steps
    }

    /// `(start, end)` of every tile.
    pub(super) fn tiles(self) -> impl Iterator<Item = (usize, usize)> {
        cut(0, self.depth, self.tile)
    }

    /// `(start, end)` of every step in the tile `start..end`.
    pub(super) fn steps(
        self,
        (start, end): (usize, usize),
    ) -> impl Iterator<Item = (usize, usize)> {
        cut(start, end, self.step)
    }
}

/// `start..end` in pieces of `size`, the last one maybe shorter.
fn cut(start: usize, end: usize, size: usize) -> impl Iterator<Item = (usize, usize)> {
    (start..end).step_by(size).map(move |from| (from, from.saturating_add(size).min(end)))
}
