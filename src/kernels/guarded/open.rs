//! Blocks in which some output may leave its register: which of its rows are stepped, and for how many blocks.

use super::block::{BLOCK, BLOCK_UNITS, Block, Grid};
use super::block_bound::{BlockBound, Limits};
use super::reach::Seek;
use crate::kernels::operand::int8::{K_TILE, MR};
use crate::kernels::stages::statistics::{Events, StepStatistics};
use crate::simd::{ByteLanes, both};

/// The broadcast codes of a block: by place in a word, each in both halves of a word of its own.
pub(crate) struct Spread(pub(crate) [[i32; BLOCK_UNITS * MR]; K_TILE]);

impl Spread {
    /// Codes of no block yet.
    pub(crate) const ZERO: Self = Self([[0; BLOCK_UNITS * MR]; K_TILE]);

    /// Those of `words`, times `scale`; for each place, `keep` are the bits of a word that stay.
    #[inline(always)]
    pub(crate) fn fill<L: ByteLanes>(
        &mut self,
        lanes: L,
        offset: i32,
        words: &[i32],
        scale: L::V,
        keep: [i32; K_TILE],
    ) {
        const { assert!((BLOCK_UNITS * MR).is_multiple_of(L::N) && L::N <= 16) };
        let offsets = lanes.splat(both(offset as i16));
        for (at, words) in (0..).step_by(L::N).zip(words.chunks(L::N)) {
            let words = if words.len() == L::N {
                lanes.load(words)
            } else {
                let mut filled = [0; 16];
                filled[..words.len()].copy_from_slice(words);
                lanes.load(&filled)
            };
            for (place, (to, keep)) in self.0.iter_mut().zip(keep).enumerate() {
                let bytes = lanes.spread(words, place);
                let codes = if offset == 0 { bytes } else { lanes.add16(bytes, offsets) };
                let codes = lanes.and(lanes.mul16(codes, scale), lanes.splat(keep));
                lanes.store(codes, &mut to[at..]);
            }
        }
    }
}

/// Blocks of which the first may overflow.
pub(crate) struct OpenBlocks<'a, L: ByteLanes, W, const R: usize, const V: usize> {
    pub(crate) lanes: L,
    /// What a broadcast code exceeds its byte by. Not a constant: its place is outside of the loop over steps.
    pub(crate) offset: i32,
    pub(crate) limits: Limits<L::V>,
    pub(crate) blocks: Block<'a>,
    /// The index of the first.
    pub(crate) index: usize,
    /// What is known of the first; nothing, where all of it is stepped.
    pub(crate) sums: Option<BlockBound<L::V, R, V>>,
    pub(crate) registers: &'a mut Grid<L::V, R, V>,
    pub(crate) statistics: &'a mut Grid<W, R, V>,
    pub(crate) spread: &'a mut Spread,
    /// Blocks that are still stepped without a look at their bounds.
    pub(crate) to_step: &'a mut usize,
    pub(crate) seek: Seek<'a>,
}

/// How blocks are stepped.
pub(crate) trait BlockSteps<L: ByteLanes>: Copy {
    /// More rows than this are stepped together with all others, which costs little more.
    const FEW: usize;
    /// Blocks that are stepped in a row where most of the first has to be.
    const RUN: usize;

    /// `P` rows from `first` on through so many blocks, with the statistics `N`.
    fn run<W, N, const P: usize, const R: usize, const V: usize>(
        self,
        open: &mut OpenBlocks<'_, L, W, R, V>,
        first: usize,
        blocks: usize,
    ) where
        W: StepStatistics<L>,
        N: StepStatistics<L>;
}

impl<L, W, const R: usize, const V: usize> OpenBlocks<'_, L, W, R, V>
where
    L: ByteLanes,
    W: StepStatistics<L>,
{
    /// Steps what has to be; how many blocks these were.
    #[inline(always)]
    pub(crate) fn stepping<B: BlockSteps<L>>(mut self, steps: B) -> usize {
        if let Some(sums) = self.sums {
            let mut open = [true; R];
            for (row, open) in open.iter_mut().enumerate() {
                let one = BlockBound { ends: [sums.ends[row]], spreads: [sums.spreads[row]] };
                *open = !self.limits.hold(self.lanes, &[self.registers[row]], &one);
            }
            if open.iter().filter(|&&open| open).count() <= B::FEW {
                for (row, open) in open.into_iter().enumerate() {
                    if open {
                        self.run::<B, 1>(steps, row, 1);
                    } else {
                        self.registers[row] = sums.ends[row];
                    }
                }
                return 1;
            }
        }
        if *self.to_step == 0 {
            *self.to_step = B::RUN;
        }
        let blocks = self.blocks.products.div_ceil(BLOCK).min(*self.to_step);
        *self.to_step -= blocks;
        self.run::<B, R>(steps, 0, blocks);
        blocks
    }

    /// `P` rows from `first` on through so many blocks.
    #[inline(always)]
    fn run<B: BlockSteps<L>, const P: usize>(&mut self, steps: B, first: usize, blocks: usize) {
        if const { W::VECTORS > 1 } && !self.seek.may_show() {
            steps.run::<W, Events<L::V>, P, R, V>(self, first, blocks);
        } else {
            steps.run::<W, W, P, R, V>(self, first, blocks);
        }
    }
}
