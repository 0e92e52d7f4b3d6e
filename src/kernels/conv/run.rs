//! Blocks of output channels that are computed at once.

use super::tile::Operands;
use super::walk::Block;
use super::words::Field;
use crate::kernels::byte_dots::PairRun;

/// Blocks, and what they meet.
pub(super) struct Run<'a, L> {
    pub(super) lanes: L,
    /// Those of all blocks.
    pub(super) words: &'a [i32],
    pub(super) field: &'a Field,
    /// Weights from a step to the next.
    pub(super) width: usize,
    /// How long sums of pairs fit 16 bits.
    pub(super) run: PairRun,
    pub(super) blocks: &'a [Block<'a>],
    /// What the sums of each output channel start from, and some behind the last.
    pub(super) start: &'a [i32],
}

impl<'a, L> Run<'a, L> {
    /// The operands of a block.
    #[inline(always)]
    pub(super) fn operands(&self, block: &Block<'a>) -> Operands<'a> {
        Operands {
            words: &self.words[block.words..],
            taps: &self.field.taps,
            weights: block.weights,
            width: self.width,
            run: self.run,
        }
    }
}
