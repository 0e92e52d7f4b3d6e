//! The loop over the blocks of a chunk, compiled per instruction set and lane.

use super::columns::{BLOCK, Blocks, Each, OfBlock, Uniform};
use super::input::RequantizeOutput;
use super::lane::ScaleLane;
use crate::simd::{Detected, Vectorized};

/// Elements of a chunk: their scaled values stay in the fastest cache.
pub(super) const CHUNK: usize = 16 * BLOCK;

/// Which blocks of a chunk have to go through the specification: a bit each.
pub(super) type OddBlocks = u32;

const _: () = assert!(CHUNK / BLOCK <= OddBlocks::BITS as usize);

/// A value that lanes take.
pub(super) trait LaneInput: Copy + Default + Into<i64> + Send + Sync {}
impl LaneInput for i32 {}
impl LaneInput for i64 {}

/// Scales a chunk that begins at a block of a row.
struct Scale<'a, L, X, C> {
    lane: L,
    x: &'a [X],
    scaled: &'a mut [i32],
    columns: C,
    /// The first block's number in the row.
    first: usize,
}

impl<L: ScaleLane, X: LaneInput, C: Blocks> Vectorized for Scale<'_, L, X, C> {
    type Output = OddBlocks;

    #[inline(always)]
    fn call(self) -> OddBlocks {
        let Self { lane, x, scaled, columns, first } = self;
        let (blocks, tail) = x.as_chunks::<BLOCK>();
        let (scaled_blocks, scaled_tail) = scaled.as_chunks_mut::<BLOCK>();
        let mut odd = 0;
        for (number, (x, scaled)) in blocks.iter().zip(scaled_blocks).enumerate() {
            odd |= block(lane, x, scaled, columns.block(first + number)) << number;
        }
        if !tail.is_empty() {
            let number = blocks.len();
            let (mut padded, mut padded_scaled) = ([X::default(); BLOCK], [0; BLOCK]);
            padded[..tail.len()].copy_from_slice(tail);
            odd |=
                block(lane, &padded, &mut padded_scaled, columns.block(first + number)) << number;
            scaled_tail.copy_from_slice(&padded_scaled[..tail.len()]);
        }
        odd
    }
}

/// Scales one block; 1 where the specification has to be asked.
#[inline(always)]
fn block<L: ScaleLane, X: LaneInput, C: OfBlock>(
    lane: L,
    x: &[X; BLOCK],
    scaled: &mut [i32; BLOCK],
    constants: C,
) -> OddBlocks {
    let mut odd = 0;
    for (element, (x, scaled)) in x.iter().zip(scaled).enumerate() {
        let found = lane.scaled((*x).into(), constants.at(element));
        odd |= found.odd;
        *scaled = found.value;
    }
    OddBlocks::from(odd < 0)
}

/// A chunk, whatever its lane.
pub(super) struct Chunk<'a, X> {
    pub(super) x: &'a [X],
    pub(super) scaled: &'a mut [i32],
    /// The first block's number in the row.
    pub(super) first: usize,
}

impl<X: LaneInput> Chunk<'_, X> {
    /// Scales with constants that are for all.
    pub(super) fn uniform<L: ScaleLane>(self, isa: Detected, lane: L, of: Uniform) -> OddBlocks {
        let Self { x, scaled, first } = self;
        isa.vectorize(Scale { lane, x, scaled, columns: of, first })
    }

    /// Scales with constants of each channel.
    pub(super) fn each<L: ScaleLane>(self, isa: Detected, lane: L, of: Each<'_>) -> OddBlocks {
        let Self { x, scaled, first } = self;
        isa.vectorize(Scale { lane, x, scaled, columns: of, first })
    }
}

/// Adds the zero point to what was scaled, within the output's range.
pub(super) struct Fit<'a, O> {
    pub(super) scaled: &'a [i32],
    pub(super) out: &'a mut [O],
    /// The ends of the output's range less the zero point.
    pub(super) least: i32,
    pub(super) most: i32,
    pub(super) zero_point: i32,
}

impl<O: RequantizeOutput> Vectorized for Fit<'_, O> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { scaled, out, least, most, zero_point } = self;
        for (&x, out) in scaled.iter().zip(out) {
            *out = O::from_i32(x.max(least).min(most).wrapping_add(zero_point));
        }
    }
}
