//! Stores the sums of tiles to the rows of the outputs.

use ndarray::{ArrayViewMut2, Axis};

use crate::kernels::output::{Output, StoreMode};
use crate::simd::prefetch_to_write;

/// The rows of a block of outputs.
pub(crate) enum Lines<'a, T> {
    /// Each in one piece.
    Whole(Vec<&'a mut [T]>),
    /// Elements apart.
    Apart(ArrayViewMut2<'a, T>),
}

impl<'a, T: Output> Lines<'a, T> {
    #[inline(always)]
    pub(crate) fn new(block: ArrayViewMut2<'a, T>) -> Self {
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
    pub(crate) fn prefetch(&mut self, left: usize, width: usize) {
        if let Self::Whole(lines) = self {
            for line in lines {
                prefetch_to_write(&mut line[left..left + width]);
            }
        }
    }

    /// Writes, or adds to what other chunks of k gave, from column `left` on.
    #[inline(always)]
    pub(crate) fn write<'s, S: Copy + Into<i64> + 's>(
        &mut self,
        left: usize,
        sums: impl Iterator<Item = &'s [S]>,
        store: StoreMode,
        first: bool,
    ) {
        match self {
            Self::Whole(lines) => {
                for (line, sums) in lines.iter_mut().zip(sums) {
                    write(&mut line[left..left + sums.len()], sums, store, first);
                }
            }
            Self::Apart(block) => {
                for (mut line, sums) in block.outer_iter_mut().zip(sums) {
                    for (col, &sum) in (left..).zip(sums) {
                        let before = if first { T::default() } else { line[col] };
                        line[col] = before.plus(sum.into()).keep(store);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn write<T: Output, S: Copy + Into<i64>>(out: &mut [T], sums: &[S], store: StoreMode, first: bool) {
    let (pieces, rest) = out.as_chunks_mut();
    let (piece_sums, rest_sums) = sums.as_chunks();
    let all = pieces.iter_mut().zip(piece_sums);
    match (first, store) {
        (true, StoreMode::Whole) => {
            for (out, sums) in all {
                *out = cut(sums);
            }
        }
        (true, _) => {
            for (out, sums) in all {
                *out = keep(cut(sums), store);
            }
        }
        (false, _) => {
            for (out, sums) in all {
                *out = keep(plus(out, sums), store);
            }
        }
    }
    for (out, &sum) in rest.iter_mut().zip(rest_sums) {
        let before = if first { T::default() } else { *out };
        *out = before.plus(sum.into()).keep(store);
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
fn keep<T: Output>(mut values: [T; PIECE], store: StoreMode) -> [T; PIECE] {
    for value in &mut values {
        *value = value.keep(store);
    }
    values
}
