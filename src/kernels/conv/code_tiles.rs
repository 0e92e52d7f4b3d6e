//! Codes of the sums of tiles while these are in registers.

use super::code_lanes::CodeLanes;
use super::codes::{CodeSink, Plane};
use super::run::Run;
use super::tile::{Four, Row, TileEnd};
use super::walk::Block;
use crate::kernels::stages::statistics::{NoStatistics, StepStatistics};
use crate::simd::{ByteLanes, Vectorized};

/// Bytes behind the last code that may be read.
const BEHIND: usize = 64;

/// A tile with a code that may be another: its block among those at hand, its first position, and how many there are.
type Doubt = (usize, usize, usize);

/// Memory for the codes of some blocks, in rows of the field.
pub(super) struct CodeRows {
    /// Rows of a block, and bytes or sums of a row.
    rows: usize,
    stride: usize,
    codes: Vec<u8>,
    /// Of tiles that are in doubt.
    sums: Vec<i32>,
    tiles: Vec<Doubt>,
    vectors: Vec<Doubt>,
}

impl CodeRows {
    /// For so many blocks of `rows` rows of `stride`.
    pub(super) fn new(blocks: usize, rows: usize, stride: usize) -> Self {
        let count = blocks * rows * stride;
        let (codes, sums) = (vec![0; count + BEHIND], vec![0; count]);
        Self { rows, stride, codes, sums, tiles: Vec::new(), vectors: Vec::new() }
    }

    /// Settles the codes that may be others.
    pub(super) fn settle(&mut self, sink: &mut CodeSink<'_>, blocks: &[Block<'_>]) {
        for (row, at, count) in self.vectors.drain(..) {
            let (block, row) = (&blocks[row / self.rows], row);
            let within = row % self.rows;
            let sums = &self.sums[row * self.stride..][..self.stride];
            let (number, channel) = (block.plane + within, block.channel + within);
            sink.settle(Plane { number, channel, sums }, at..at + count);
        }
    }
}

/// The codes of a block's tiles.
struct Codes<'a, L: ByteLanes> {
    make: CodeLanes<L>,
    /// Of each row.
    channels: &'a [(i32, f32)],
    block: usize,
    stride: usize,
    codes: &'a mut [u8],
    sums: &'a mut [i32],
    doubts: &'a mut Vec<Doubt>,
}

impl<L: ByteLanes> TileEnd<L> for Codes<'_, L> {
    #[expect(clippy::needless_range_loop, reason = "arrays that are indexed stay in registers")]
    #[inline(always)]
    fn take<W: StepStatistics<L>, const R: usize, const T: usize>(
        &mut self,
        lanes: L,
        at: usize,
        sums: [[L::V; T]; R],
        _: [[W; T]; R],
    ) {
        let (make, stride) = (self.make, self.stride);
        let channels = &self.channels[..R];
        let mut furthest = lanes.splat(0);
        for row in 0..R {
            let channel = make.channel(channels[row]);
            let to = &mut self.codes[row * stride + at..][..T * L::N];
            for v in 0..T {
                let [codes, far] = make.code(sums[row][v], channel);
                furthest = lanes.max(furthest, far);
                to[v * L::N..(v + 1) * L::N].copy_from_slice(&lanes.low_bytes(codes)[..L::N]);
            }
        }
        if make.are_doubtful(furthest) {
            for row in 0..R {
                for v in 0..T {
                    lanes.store(sums[row][v], &mut self.sums[row * stride + at + v * L::N..]);
                }
            }
            self.doubts.push((self.block, at, T * L::N));
        }
    }
}

/// The codes of all tiles of some blocks, compiled for its lanes: in their place, and which of them may be others.
pub(super) struct RunCodes<'r, 'a, 's, L, const R: usize, const V: usize> {
    pub(super) run: Run<'r, L>,
    pub(super) rows: &'a mut CodeRows,
    pub(super) sink: &'a mut CodeSink<'s>,
}

impl<L: ByteLanes, const R: usize, const V: usize> Vectorized for RunCodes<'_, '_, '_, L, R, V> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { run, rows, sink } = self;
        let (lanes, stride) = (run.lanes, rows.stride);
        let make = CodeLanes::new(lanes, sink.linear, sink.store);
        let of_block = R * stride;
        for (index, block) in run.blocks.iter().enumerate() {
            let mut channels = [(0, 0.0); R];
            let known = &sink.linear.channels[block.channel..][..block.here];
            channels.iter_mut().zip(known).for_each(|(to, &from)| *to = from);
            let mut row = Row {
                lanes,
                products: Four,
                operands: run.operands(block),
                start: &run.start[block.channel..],
                range: 0..stride,
                end: Codes {
                    make,
                    channels: &channels,
                    block: index,
                    stride,
                    codes: &mut rows.codes[index * of_block..],
                    sums: &mut rows.sums[index * of_block..][..of_block],
                    doubts: &mut rows.tiles,
                },
            };
            row.run::<NoStatistics, R, V>();
        }
        for (index, block) in run.blocks.iter().enumerate() {
            for row in 0..block.here {
                let codes = &rows.codes[index * of_block + row * stride..];
                sink.put(block.plane + row, codes);
            }
        }
        for (index, at, count) in rows.tiles.drain(..) {
            let block = &run.blocks[index];
            for row in 0..block.here {
                let channel = make.channel(sink.linear.channels[block.channel + row]);
                let row = index * R + row;
                for at in (at..at + count).step_by(L::N) {
                    let sums = lanes.load(&rows.sums[row * stride + at..]);
                    let [_, far] = make.code(sums, channel);
                    if make.are_doubtful(far) {
                        rows.vectors.push((row, at, L::N));
                    }
                }
            }
        }
    }
}
