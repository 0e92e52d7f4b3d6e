//! Stores the sums of tiles to the rows of the outputs.

use std::ops::Range;

use ndarray::{ArrayViewMut2, Axis, s};

use crate::kernels::output::{Output, StoreMode};
use crate::simd::prefetch_to_write;

/// The rows of a part of the outputs.
pub(crate) enum Lines<'a, T> {
    /// Each in one piece.
    Whole(Vec<&'a mut [T]>),
    /// Elements apart.
    Apart(ArrayViewMut2<'a, T>),
}

/// Some of them.
pub(crate) enum Block<'l, 'a, T> {
    /// Each in one piece.
    Whole(&'l mut [&'a mut [T]]),
    /// Elements apart.
    Apart(ArrayViewMut2<'l, T>),
}

impl<'a, T: Output> Lines<'a, T> {
    pub(crate) fn new(part: ArrayViewMut2<'a, T>) -> Self {
        if part.ncols() > 1 && part.strides()[1] != 1 {
            return Self::Apart(part);
        }
        let mut lines = Vec::with_capacity(part.nrows());
        let mut rest = part;
        while rest.nrows() > 0 {
            let (line, more) = rest.split_at(Axis(0), 1);
            lines.extend(line.into_slice());
            rest = more;
        }
        Self::Whole(lines)
    }

    #[inline(always)]
    pub(crate) fn block(&mut self, rows: Range<usize>) -> Block<'_, 'a, T> {
        match self {
            Self::Whole(lines) => Block::Whole(&mut lines[rows]),
            Self::Apart(part) => Block::Apart(part.slice_mut(s![rows, ..])),
        }
    }
}

impl<'a, T: Output> Block<'_, 'a, T> {
    /// Has the outputs brought near while they are computed.
    #[inline(always)]
    pub(crate) fn prefetch(&mut self, left: usize, width: usize) {
        if let Self::Whole(lines) = self {
            for line in lines.iter_mut() {
                prefetch_to_write(&mut line[left..left + width]);
            }
        }
    }

    /// The rows, where sums of 32 bits are what is stored.
    #[inline(always)]
    pub(crate) fn as_sums(&mut self, store: StoreMode) -> Option<&mut [&'a mut [i32]]> {
        match (self, store) {
            (Self::Whole(lines), StoreMode::Whole) => T::as_i32(lines),
            _ => None,
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
