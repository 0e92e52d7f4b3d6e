//! Which steps may show a sum beyond the extremes that are known: the others need not be looked at.
//!
//! A report tells the least and the greatest sum of all outputs together. With `p` the least and greatest product of a step
//! over all outputs of a tile, and registers within `range`,
//!
//! ```text
//! range.0 + p.0 <= sum <= range.1 + p.1
//! ```
//! and over a part of a block, a register moves no further from where it is than the sums of its products of one sign.

use std::cell::OnceCell;

use super::block::{BLOCK, BLOCK_UNITS};
use super::norm_bound::blocks;
use crate::kernels::operand::int8::{K_TILE, MR};
use crate::simd::{Token, Vectorized};

/// Parts of a block.
const PARTS: usize = 4;
/// Steps of a part.
const STEPS: usize = BLOCK / PARTS;
/// Words of a part per output.
pub(crate) const PART_UNITS: usize = BLOCK_UNITS / PARTS;

/// What a block can do to the registers of a panel of broadcast rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockReach {
    /// The least and the greatest product of each step, with zero between them.
    low: [i16; BLOCK],
    high: [i16; BLOCK],
    /// How far a part moves a register down and up, at most.
    falls: [i32; PARTS],
    rises: [i32; PARTS],
}

impl BlockReach {
    const NONE: Self =
        Self { low: [0; BLOCK], high: [0; BLOCK], falls: [0; PARTS], rises: [0; PARTS] };
}

/// A panel of rows, each a code of a byte and `offset`, beside any factor within `range`, where zero is.
#[derive(Clone, Copy)]
pub(crate) struct ReachOf<'a> {
    pub(crate) words: &'a [i32],
    pub(crate) offset: i16,
    /// Units of a tile of k.
    pub(crate) units: usize,
    pub(crate) range: (i16, i16),
}

/// Finds the reach of the block at `index` of a panel of rows.
struct FindReach<'a> {
    of: ReachOf<'a>,
    index: usize,
}

impl Vectorized for FindReach<'_> {
    type Output = BlockReach;

    #[inline(always)]
    fn call(self) -> BlockReach {
        let ReachOf { words, offset, units, range: (least, greatest) } = self.of;
        let block = blocks(words, MR, units).nth(self.index).unwrap_or(&[]);
        // What fills up a block is the code 0.
        let mut codes = [[0i16; BLOCK]; MR];
        for (unit, words) in block.chunks_exact(MR).enumerate() {
            for (codes, word) in codes.iter_mut().zip(words) {
                let bytes = word.to_le_bytes().map(|byte| i16::from(byte) + offset);
                codes[unit * K_TILE..][..K_TILE].copy_from_slice(&bytes);
            }
        }
        let mut reach = BlockReach::NONE;
        for codes in &codes {
            let (mut low, mut high) = ([0; BLOCK], [0; BLOCK]);
            for ((&code, low), high) in codes.iter().zip(&mut low).zip(&mut high) {
                let ends = [code * least, code * greatest];
                (*low, *high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            }
            for (to, low) in reach.low.iter_mut().zip(low) {
                *to = low.min(*to);
            }
            for (to, high) in reach.high.iter_mut().zip(high) {
                *to = high.max(*to);
            }
            let parts = low.chunks_exact(BLOCK / PARTS).zip(high.chunks_exact(BLOCK / PARTS));
            let ends = reach.falls.iter_mut().zip(&mut reach.rises);
            for ((fall, rise), (low, high)) in ends.zip(parts) {
                *fall = low.iter().map(|&x| i32::from(x)).sum::<i32>().min(*fall);
                *rise = high.iter().map(|&x| i32::from(x)).sum::<i32>().max(*rise);
            }
        }
        reach
    }
}

/// The blocks of a panel of rows, each found when it is first asked for.
#[derive(Clone, Copy)]
pub(crate) struct PanelReach<'a> {
    of: ReachOf<'a>,
    blocks: &'a [OnceCell<BlockReach>],
}

impl<'a> PanelReach<'a> {
    fn block<T: Token>(self, token: T, index: usize) -> Option<&'a BlockReach> {
        let Self { of, blocks } = self;
        Some(blocks.get(index)?.get_or_init(|| token.vectorize(FindReach { of, index })))
    }
}

/// At which steps extremes are sought.
#[derive(Clone, Copy)]
pub(crate) enum Sought<'a> {
    Nowhere,
    Everywhere,
    /// Where the products of a step can show something.
    Within(PanelReach<'a>),
}

/// Some registers, in lanes.
pub(crate) trait Registers {
    /// Whether one is greater than a value.
    fn above(&self, value: i32) -> bool;

    /// Whether one is less than a value.
    fn below(&self, value: i32) -> bool;
}

/// What is sought beside events.
#[derive(Clone, Copy)]
pub(crate) struct Seek<'a> {
    /// Extremes that some output is known to reach.
    pub(crate) known: (i32, i32),
    /// What the register holds.
    pub(crate) range: (i32, i32),
    /// Whether what leaves it comes back at its other end.
    pub(crate) wraps: bool,
    pub(crate) sought: Sought<'a>,
}

/// The steps of a part of a block that may show something, a bit each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown(u32);

impl Shown {
    /// All of them.
    pub(crate) const ALL: Self = Self(u32::MAX);

    /// Whether a step of the part may.
    #[inline(always)]
    pub(crate) fn at(self, step: usize) -> bool {
        self.0 >> step & 1 == 1
    }

    /// Those among so many first ones.
    #[inline(always)]
    pub(crate) fn first(self, steps: usize) -> Self {
        const { assert!(STEPS < 32) };
        Self(self.0 & !(u32::MAX << steps.min(STEPS)))
    }
}

impl<'a> Seek<'a> {
    /// Whether anything is sought.
    #[inline(always)]
    pub(crate) fn may_show(&self) -> bool {
        !matches!(self.sought, Sought::Nowhere)
    }

    /// What the block at `index` can do, if that tells where to look.
    #[inline(always)]
    pub(crate) fn block<T: Token>(&self, token: T, index: usize) -> Option<&'a BlockReach> {
        match self.sought {
            Sought::Within(panel) => panel.block(token, index),
            Sought::Nowhere | Sought::Everywhere => None,
        }
    }

    /// Which steps of a part of a block may show something, before which `registers` stand there. All at once: each would
    /// take longer to find out about than some vectors of outputs take to be looked at.
    #[inline(always)]
    pub(crate) fn shown(
        &self,
        reach: Option<&BlockReach>,
        part: usize,
        registers: &impl Registers,
    ) -> Shown {
        let Some(reach) = reach else { return Shown::ALL };
        let (fall, rise) = (reach.falls[part], reach.rises[part]);
        // What wraps may be anywhere.
        let (low, high) = self.range;
        let falls = self.wraps || registers.below(self.known.0 - fall);
        let rises = self.wraps || registers.above(self.known.1 - rise);
        if !falls && !rises {
            return Shown(0);
        }
        // Products below, and products above.
        let below = if falls { self.known.0 - low } else { i32::MIN };
        let above = if rises { self.known.1 - high } else { i32::MAX };
        let steps = part * STEPS..(part + 1) * STEPS;
        let products = reach.low[steps.clone()].iter().zip(&reach.high[steps]);
        let mut shown = 0;
        for (step, (&low, &high)) in products.enumerate() {
            let shows = (i32::from(low) < below) | (i32::from(high) > above);
            shown |= u32::from(shows) << step;
        }
        Shown(shown)
    }
}

/// The blocks of all panels of rows of a job, as far as they were asked for.
#[derive(Default)]
pub(crate) struct Reaches(Vec<Vec<OnceCell<BlockReach>>>);

impl Reaches {
    /// Those of the panel at `index`.
    pub(crate) fn panel<'a>(&'a mut self, index: usize, of: ReachOf<'a>) -> PanelReach<'a> {
        if self.0.len() <= index {
            self.0.resize_with(index + 1, Vec::new);
        }
        let panel = &mut self.0[index];
        panel.resize_with(blocks(of.words, MR, of.units).count(), OnceCell::new);
        PanelReach { of, blocks: panel }
    }
}
