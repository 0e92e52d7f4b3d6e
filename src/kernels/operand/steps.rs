//! How the innermost stage cuts k.

/// `k` products in tiles of `tile`, each in steps of `step`; the last of each may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    /// Products in all.
    pub(crate) k: usize,
    /// Products per tile.
    pub(crate) tile: usize,
    step: usize,
}

impl Steps {
    /// `tile` and `step` are at least 1 and may exceed what there is.
    pub(crate) fn new(k: usize, tile: u64, step: u64) -> Self {
        let most = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(k.max(1));
        let tile = most(tile);
        Self { k, tile, step: most(step).min(tile) }
    }

    /// One product per step.
    pub(crate) fn is_single(self) -> bool {
        self.step == 1
    }

    /// Units of one step of several products, or of all single steps of a tile.
    fn units_per_run(self, k_tile: usize) -> usize {
        let run = if self.is_single() { self.tile } else { self.step };
        run.div_ceil(k_tile)
    }

    /// Units of one step; 1 where each product is a step.
    pub(crate) fn units_per_step(self, k_tile: usize) -> usize {
        if self.is_single() { 1 } else { self.units_per_run(k_tile) }
    }

    /// Units of one tile.
    pub(crate) fn units_per_tile(self, k_tile: usize) -> usize {
        let runs = if self.is_single() { 1 } else { self.tile.div_ceil(self.step) };
        runs * self.units_per_run(k_tile)
    }

    /// The k of every place of every unit; `None` for a place that is filled with zero.
    pub(crate) fn slots(self, k_tile: usize) -> Vec<Option<usize>> {
        let run = if self.is_single() { self.tile } else { self.step };
        let mut slots = Vec::new();
        for tile in (0..self.k).step_by(self.tile) {
            let tile_end = self.k.min(tile + self.tile);
            for start in (tile..tile_end).step_by(run) {
                let end = tile_end.min(start + run);
                slots.extend((start..end).map(Some));
                slots.resize(slots.len().next_multiple_of(k_tile), None);
                if end < start + run && !self.is_single() {
                    // The next step of a tile starts where a full one would have ended.
                    let missing = self.units_per_run(k_tile) * k_tile
                        - (end - start).next_multiple_of(k_tile);
                    slots.resize(slots.len() + missing, None);
                }
            }
        }
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::Steps;

    #[test]
    fn odd_steps_and_tiles_are_filled() {
        let steps = Steps::new(8, 5, 3);
        let some = |k: &[i32]| k.iter().map(|&k| usize::try_from(k).ok()).collect::<Vec<_>>();
        // Steps 0-2 and 3-4 of the first tile, 5-7 of the second.
        assert_eq!(steps.slots(2), some(&[0, 1, 2, -1, 3, 4, -1, -1, 5, 6, 7, -1]));
        assert_eq!((steps.units_per_step(2), steps.units_per_tile(2)), (2, 4));
        let single = Steps::new(4, 3, 1);
        assert_eq!(single.slots(2), some(&[0, 1, 2, -1, 3, -1]));
        assert_eq!((single.units_per_step(2), single.units_per_tile(2)), (1, 2));
    }

    #[test]
    fn counts_beyond_k_are_k() {
        assert_eq!(Steps::new(3, u64::MAX, u64::MAX).slots(2).len(), 4);
        assert_eq!(Steps::new(0, 7, 2).slots(2), []);
    }
}
