//! The one loop over exact sums, whatever sums them: groups of panels, chunks of k, blocks.

use bytemuck::Pod;
use ndarray::{ArrayViewMut2, Axis, s};

use super::output::{Kept, Output};
use crate::kernels::pack::Line;
use crate::kernels::split::{Grain, Part, split};
use crate::simd::{Call, IsaError, prefetch_to_write};

/// Bytes of panels that all blocks pass by before the next ones come: less than what a core's second cache holds, of
/// which the block and the outputs need some.
const CACHED: usize = 3 << 18;

/// Sums of the outputs of a block of the broadcast operand and a panel of lanes.
pub(super) trait TileSums {
    /// The sum over a chunk of k.
    type Sum: Pod + Into<i64>;

    /// Outputs in a block.
    const HEIGHT: usize;
    /// Outputs in a panel.
    const WIDTH: usize;

    /// Pieces of k that are summed on their own.
    fn chunks(&self) -> usize;

    /// Bytes of a chunk of a panel of lanes.
    fn panel_bytes(&self) -> usize;

    /// Before the tiles of a chunk of a block of `height` outputs; `#[inline(always)]`.
    #[inline(always)]
    fn start(&mut self, block: usize, height: usize, chunk: usize) {
        let _ = (block, height, chunk);
    }

    /// Writes the sums of a tile, [`Self::WIDTH`] to a row; `#[inline(always)]`.
    fn sum(&self, at: At, sums: &mut [Self::Sum]);
}

/// Runs `work` on parts of the outputs, which is cut between blocks and panels of `size` outputs, in parallel; none has less
/// than `least` outputs, but where there are no more.
pub(super) fn in_parts<T: Output>(
    out: ArrayViewMut2<'_, T>,
    size: (usize, usize),
    least: usize,
    work: impl Fn(Part<'_, T>) -> Result<(), IsaError> + Sync,
) -> Result<(), IsaError> {
    let grain = Grain::coarse(size, out.len(), least);
    split(Part { out, row: 0, col: 0 }, grain, &work, &|first, second| first.and(second))
}

/// A tile: block, panel, how many of their outputs there are, and the chunk of k.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct At {
    pub(in crate::kernels) block: usize,
    pub(in crate::kernels) panel: usize,
    pub(in crate::kernels) height: usize,
    pub(in crate::kernels) width: usize,
    pub(in crate::kernels) chunk: usize,
}

/// Writes what is kept of the sums of one part of the outputs.
pub(super) struct Fill<'o, T, K> {
    pub(super) part: Part<'o, T>,
    pub(super) tiles: K,
    pub(super) kept: Kept,
}

impl<T: Output, K: TileSums> Call for Fill<'_, T, K> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { part: Part { mut out, row, col }, mut tiles, kept } = self;
        let (rows, cols) = out.dim();
        let room = K::HEIGHT * K::WIDTH * size_of::<K::Sum>();
        let mut room = vec![Line::ZERO; room.div_ceil(size_of::<Line>())];
        let sums: &mut [K::Sum] = bytemuck::cast_slice_mut(&mut room);
        let chunks = tiles.chunks();
        if chunks == 0 {
            out.fill(T::default());
        }
        let group = (CACHED / tiles.panel_bytes().max(1)).max(1) * K::WIDTH;
        for start in (0..cols).step_by(group) {
            let end = cols.min(start + group);
            for chunk in 0..chunks {
                let kept = if chunk + 1 == chunks { kept } else { Kept::Everything };
                for top in (0..rows).step_by(K::HEIGHT) {
                    let height = K::HEIGHT.min(rows - top);
                    let block = (row + top) / K::HEIGHT;
                    tiles.start(block, height, chunk);
                    let mut lines = Lines::new(out.slice_mut(s![top..top + height, ..]));
                    for left in (start..end).step_by(K::WIDTH) {
                        let width = K::WIDTH.min(cols - left);
                        let panel = (col + left) / K::WIDTH;
                        lines.prefetch(left, width);
                        tiles.sum(At { block, panel, height, width, chunk }, sums);
                        let rows = sums.chunks_exact(K::WIDTH).map(|sums| &sums[..width]);
                        lines.write(left, rows, kept, chunk == 0);
                    }
                }
            }
        }
    }
}

/// The rows of a block of outputs.
enum Lines<'a, T> {
    /// Each in one piece.
    Whole(Vec<&'a mut [T]>),
    Apart(ArrayViewMut2<'a, T>),
}

impl<'a, T: Output> Lines<'a, T> {
    #[inline(always)]
    fn new(block: ArrayViewMut2<'a, T>) -> Self {
        if block.ncols() > 1 && block.strides()[1] != 1 {
            return Self::Apart(block);
        }
        let mut lines = Vec::with_capacity(block.nrows());
        let mut rest = block;
        while rest.nrows() > 0 {
            let (line, more) = rest.split_at(Axis(0), 1);
            lines.extend(line.into_slice());
            rest = more;
        }
        Self::Whole(lines)
    }

    /// Has the outputs brought near while they are computed.
    #[inline(always)]
    fn prefetch(&mut self, left: usize, width: usize) {
        if let Self::Whole(lines) = self {
            for line in lines {
                prefetch_to_write(&mut line[left..left + width]);
            }
        }
    }

    /// Writes, or adds to what other chunks of k gave, from column `left` on.
    #[inline(always)]
    fn write<'s, S: Copy + Into<i64> + 's>(
        &mut self,
        left: usize,
        sums: impl Iterator<Item = &'s [S]>,
        kept: Kept,
        first: bool,
    ) {
        match self {
            Self::Whole(lines) => {
                for (line, sums) in lines.iter_mut().zip(sums) {
                    write(&mut line[left..left + sums.len()], sums, kept, first);
                }
            }
            Self::Apart(block) => {
                for (mut line, sums) in block.outer_iter_mut().zip(sums) {
                    for (col, &sum) in (left..).zip(sums) {
                        let before = if first { T::default() } else { line[col] };
                        line[col] = before.plus(sum.into()).keep(kept);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn write<T: Output, S: Copy + Into<i64>>(out: &mut [T], sums: &[S], kept: Kept, first: bool) {
    let (pieces, rest) = out.as_chunks_mut();
    let (piece_sums, rest_sums) = sums.as_chunks();
    let all = pieces.iter_mut().zip(piece_sums);
    match (first, kept) {
        (true, Kept::Everything) => {
            for (out, sums) in all {
                *out = cut(sums);
            }
        }
        (true, _) => {
            for (out, sums) in all {
                *out = keep(cut(sums), kept);
            }
        }
        (false, _) => {
            for (out, sums) in all {
                *out = keep(plus(out, sums), kept);
            }
        }
    }
    for (out, &sum) in rest.iter_mut().zip(rest_sums) {
        let before = if first { T::default() } else { *out };
        *out = before.plus(sum.into()).keep(kept);
    }
}

/// Outputs that are written at once: of a known number, the compiler makes vectors.
const PIECE: usize = 16;

#[inline(always)]
fn cut<T: Output, S: Copy + Into<i64>>(sums: &[S; PIECE]) -> [T; PIECE] {
    let mut values = [T::default(); PIECE];
    for i in 0..PIECE {
        values[i] = T::cut(sums[i].into());
    }
    values
}

#[inline(always)]
fn plus<T: Output, S: Copy + Into<i64>>(before: &[T; PIECE], sums: &[S; PIECE]) -> [T; PIECE] {
    let mut values = *before;
    for i in 0..PIECE {
        values[i] = values[i].plus(sums[i].into());
    }
    values
}

#[inline(always)]
fn keep<T: Output>(mut values: [T; PIECE], kept: Kept) -> [T; PIECE] {
    for value in &mut values {
        *value = value.keep(kept);
    }
    values
}
