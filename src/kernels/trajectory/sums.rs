//! The exact trajectory of a tile of outputs: prefix sums at the ends of blocks, bounds between them, and extremes.

use crate::kernels::guarded::block::BLOCK_UNITS;
use crate::kernels::operand::int8::K_TILE;

/// Words of a block per output: shorter than where a block is only summed, because a closer bound saves steps.
pub(crate) const UNITS: usize = BLOCK_UNITS / 2;
/// Products of a block: tiles are whole blocks, and a block is whole steps.
pub(crate) const BLOCK: usize = UNITS * K_TILE;

/// The exact sums of a tile of outputs along k: what is known of them.
pub(crate) struct Trajectory {
    /// Outputs in a tile of outputs.
    pub(crate) outputs: usize,
    /// Blocks that the register sums before it hands on.
    pub(crate) blocks_per_tile: usize,
    /// Products of a step.
    pub(crate) width: usize,
    /// Per block, per vector: its ends, and `-t`.
    pub(crate) blocks: Vec<i32>,
    /// Least and greatest end of a block, twice the least and greatest bound; per output.
    pub(crate) extremes: [Vec<i32>; 4],
    /// Blocks of vectors that were stepped.
    pub(crate) stepped: usize,
}

impl Trajectory {
    /// `tile` products in a tile, a multiple of [`BLOCK`] or k; `width` in a step, a divisor of [`BLOCK`].
    pub(crate) fn new(outputs: usize, k: usize, tile: usize, width: usize) -> Self {
        let blocks = k.div_ceil(BLOCK);
        let zeros = |count| vec![0; count];
        Self {
            outputs,
            blocks_per_tile: tile.div_ceil(BLOCK).max(1),
            width,
            blocks: zeros(2 * blocks * outputs),
            extremes: [0; 4].map(|_| zeros(outputs)),
            stepped: 0,
        }
    }

    /// The units of a tile, if it is not all of k, or more than there are.
    pub(crate) fn units_per_tile(&self) -> usize {
        self.blocks_per_tile * UNITS
    }

    /// The units of a step; 1 where there are several steps in one.
    pub(crate) fn units_per_step(&self) -> usize {
        (self.width / K_TILE).max(1)
    }

    /// The products of a step.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Blocks of an output.
    pub(crate) fn blocks_in_all(&self) -> usize {
        self.blocks.len() / (2 * self.outputs)
    }

    /// Blocks of vectors that were stepped since last asked, of so many per vector.
    pub(crate) fn take_stepped(&mut self) -> (usize, usize) {
        (std::mem::take(&mut self.stepped), self.blocks_in_all())
    }

    /// Room for [`Self::reached`].
    pub(crate) fn reached_mut(&mut self) -> [&mut [i32]; 2] {
        let [min, max, ..] = &mut self.extremes;
        [min, max]
    }

    /// The least and the greatest value that each output is known to reach.
    pub(crate) fn reached(&self) -> [&[i32]; 2] {
        [&self.extremes[MIN], &self.extremes[MAX]]
    }
}

/// Places in [`Trajectory::extremes`].
pub(crate) const MIN: usize = 0;
pub(crate) const MAX: usize = 1;
pub(crate) const LOW: usize = 2;
pub(crate) const HIGH: usize = 3;
