//! The loop over the blocks of a chunk, compiled per instruction set and lane.

use super::columns::{BLOCK, Blocks, Each, OfBlock, Uniform};
use super::input::RequantizeOutput;
use super::lane::ScaleLane;
use crate::simd::{Detected, Vectorized, prefetch_ahead};

/// Elements of a chunk: their scaled values stay in the fastest cache.
pub(super) const CHUNK: usize = 16 * BLOCK;

/// Bytes of the input that are asked for before they are needed: most of a chunk passes between two of its loops.
const AHEAD: usize = 4096;

/// Which blocks of a chunk have to go through the specification: a bit each.
pub(super) type OddBlocks = u32;

const _: () = assert!(CHUNK / BLOCK <= OddBlocks::BITS as usize);

/// A value that lanes take.
pub(super) trait LaneInput: Copy + Default + Into<i64> + Send + Sync {}
impl LaneInput for i32 {}
impl LaneInput for i64 {}

/// What a loop writes of a scaled value.
pub(super) trait Sink: Copy {
    /// The integer.
    type Out: Copy + Default;

    /// It.
    fn put(self, scaled: i32) -> Self::Out;
}

/// The scaled value itself, for a loop of its own that makes outputs of it.
#[derive(Clone, Copy)]
pub(super) struct Scaled;

impl Sink for Scaled {
    type Out = i32;

    #[inline(always)]
    fn put(self, scaled: i32) -> i32 {
        scaled
    }
}

/// Outputs of one byte, with or without a sign.
impl Sink for Ends {
    type Out = u8;

    #[inline(always)]
    fn put(self, scaled: i32) -> u8 {
        self.fit(scaled) as u8
    }
}

/// The ends of the output's range less the zero point, and that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) least: i32,
    pub(super) most: i32,
    pub(super) zero_point: i32,
}

impl Ends {
    /// The output that a scaled value becomes.
    #[inline(always)]
    fn fit(self, scaled: i32) -> i32 {
        scaled.max(self.least).min(self.most).wrapping_add(self.zero_point)
    }
}

/// Scales a chunk that begins at a block of a row.
struct Scale<'a, L, X, C, S: Sink> {
    lane: L,
    x: &'a [X],
    scaled: &'a mut [S::Out],
    sink: S,
    columns: C,
    /// The first block's number in the row.
    first: usize,
}

impl<L: ScaleLane, X: LaneInput, C: Blocks, S: Sink> Vectorized for Scale<'_, L, X, C, S> {
    type Output = OddBlocks;

    #[inline(always)]
    fn call(self) -> OddBlocks {
        let Self { lane, x, scaled, sink, columns, first } = self;
        let (blocks, tail) = x.as_chunks::<BLOCK>();
        let (scaled_blocks, scaled_tail) = scaled.as_chunks_mut::<BLOCK>();
        let mut odd = 0;
        for (number, (x, scaled)) in blocks.iter().zip(scaled_blocks).enumerate() {
            prefetch_ahead(x, AHEAD);
            odd |= block(lane, sink, x, scaled, columns.block(first + number)) << number;
        }
        if !tail.is_empty() {
            let number = blocks.len();
            let (mut padded, mut padded_scaled) =
                ([X::default(); BLOCK], [S::Out::default(); BLOCK]);
            padded[..tail.len()].copy_from_slice(tail);
            odd |= block(lane, sink, &padded, &mut padded_scaled, columns.block(first + number))
                << number;
            scaled_tail.copy_from_slice(&padded_scaled[..tail.len()]);
        }
        odd
    }
}

/// Scales one block; 1 where the specification has to be asked.
#[inline(always)]
fn block<L: ScaleLane, X: LaneInput, C: OfBlock, S: Sink>(
    lane: L,
    sink: S,
    x: &[X; BLOCK],
    scaled: &mut [S::Out; BLOCK],
    constants: C,
) -> OddBlocks {
    let mut odd = 0;
    for (element, (x, scaled)) in x.iter().zip(scaled).enumerate() {
        let found = lane.scaled((*x).into(), constants.at(element));
        odd |= found.odd;
        *scaled = sink.put(found.value);
    }
    OddBlocks::from(odd < 0)
}

/// A chunk, whatever its lane.
pub(super) struct Chunk<'a, X, S: Sink> {
    pub(super) x: &'a [X],
    pub(super) scaled: &'a mut [S::Out],
    pub(super) sink: S,
    /// The first block's number in the row.
    pub(super) first: usize,
}

impl<X: LaneInput, S: Sink> Chunk<'_, X, S> {
    /// Scales with constants that are for all.
    pub(super) fn uniform<L: ScaleLane>(self, isa: Detected, lane: L, of: Uniform) -> OddBlocks {
        let Self { x, scaled, sink, first } = self;
        isa.vectorize(Scale { lane, x, scaled, sink, columns: of, first })
    }

    /// Scales with constants of each channel.
    pub(super) fn each<L: ScaleLane>(self, isa: Detected, lane: L, of: Each<'_>) -> OddBlocks {
        let Self { x, scaled, sink, first } = self;
        isa.vectorize(Scale { lane, x, scaled, sink, columns: of, first })
    }
}

/// Adds the zero point to what was scaled, within the output's range.
pub(super) struct Fit<'a, O> {
    pub(super) scaled: &'a [i32],
    pub(super) out: &'a mut [O],
    pub(super) ends: Ends,
}

impl<O: RequantizeOutput> Vectorized for Fit<'_, O> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { scaled, out, ends } = self;
        for (&x, out) in scaled.iter().zip(out) {
            *out = O::from_i32(ends.fit(x));
        }
    }
}
