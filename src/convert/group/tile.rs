//! Blocks along rows that are encoded together.

use std::ops::Range;

use super::block_lanes::{Blocks, STEP};
use super::scale_lanes::AT_ONCE;

/// Elements of a tile, unless a block has more: quotients stay in the first-level cache until they are encoded.
pub(super) const TILE: usize = 1 << 11;
/// Blocks of a row from which on the last one, if it is short, is a tile of its own, so that the others need no padding.
const LONG: usize = 16;

const _: () = assert!(TILE / STEP <= AT_ONCE);

/// The rows of a tensor.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    /// Elements of a row.
    pub(super) row: usize,
    /// Elements of a block that is not the last of its row.
    pub(super) size: usize,
}

/// Blocks that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tile<'a> {
    /// So many of this size, a multiple of [`STEP`].
    Whole { count: usize, size: usize },
    /// Blocks of any sizes: where they end.
    Mixed(&'a [usize]),
}

impl Rows {
    /// Elements of a block that is padded to whole steps.
    pub(super) fn padded(self) -> usize {
        self.size.min(self.row).next_multiple_of(STEP)
    }

    /// The next blocks from the element `first` on, as many as a tile has room for, of `left` elements.
    pub(super) fn tile(self, first: usize, left: usize, ends: &mut Vec<usize>) -> Tile<'_> {
        let Self { row, size } = self;
        let most = (TILE / self.padded()).max(1);
        let apart = size.is_multiple_of(STEP) && row / size >= LONG;
        let mut place = first % row;
        if apart || size.is_multiple_of(STEP) && row.is_multiple_of(size) {
            let count = ((row - place).min(left) / size).min(most);
            if count > 0 {
                return Tile::Whole { count, size };
            }
        }
        let most = if apart { 1 } else { most };
        let mut end = 0;
        ends.clear();
        while end < left && ends.len() < most {
            let length = size.min(row - place);
            place = if place + length == row { 0 } else { place + length };
            end += length;
            ends.push(end);
        }
        Tile::Mixed(ends)
    }
}

impl Tile<'_> {
    pub(super) fn count(self) -> usize {
        match self {
            Self::Whole { count, .. } => count,
            Self::Mixed(ends) => ends.len(),
        }
    }

    pub(super) fn length(self) -> usize {
        match self {
            Self::Whole { count, size } => count * size,
            Self::Mixed(ends) => ends.last().copied().unwrap_or(0),
        }
    }

    /// Where a block lies.
    #[inline(always)]
    pub(super) fn range(self, block: usize) -> Range<usize> {
        match self {
            Self::Whole { size, .. } => block * size..(block + 1) * size,
            Self::Mixed(ends) => {
                let start = if block == 0 { 0 } else { ends[block - 1] };
                start..ends[block]
            }
        }
    }
}

/// Mixed blocks, padded with zeros, and their quotients.
#[derive(Default)]
pub(super) struct Padded {
    x: Vec<f32>,
    to: Vec<f32>,
}

impl Padded {
    /// Copies blocks that end at these places; `size` has room for each.
    pub(super) fn fill(
        &mut self,
        x: &[f32],
        ends: &[usize],
        size: usize,
    ) -> (Blocks<'_>, &mut [f32]) {
        let length = ends.len() * size;
        for all in [&mut self.x, &mut self.to] {
            all.resize(all.len().max(length), 0.0);
        }
        let mut start = 0;
        for (&end, padded) in ends.iter().zip(self.x.chunks_exact_mut(size)) {
            let (block, zeros) = padded.split_at_mut(end - start);
            block.copy_from_slice(&x[start..end]);
            zeros.fill(0.0);
            start = end;
        }
        (Blocks { x: &self.x[..length], size }, &mut self.to[..length])
    }

    /// Copies the quotients of the same blocks back.
    pub(super) fn take(&self, ends: &[usize], size: usize, quotients: &mut [f32]) {
        let mut start = 0;
        for (&end, padded) in ends.iter().zip(self.to.chunks_exact(size)) {
            quotients[start..end].copy_from_slice(&padded[..end - start]);
            start = end;
        }
    }
}
