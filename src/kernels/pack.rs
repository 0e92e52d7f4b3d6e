//! Operands in the order in which the hot loop reads them.
//!
//! k is cut as the innermost stage cuts it: into tiles, tiles into steps, steps into units of `takes` products (what one
//! [`Lanes::dot`](crate::simd::Lanes::dot) takes per lane). What is not full is filled with zeros, whose products change
//! no sum.
//!
//! ```text
//! panel p: unit u: output i: word of output p * width + i at the k of the unit
//! ```
//! A word holds `takes` values, the earliest k lowest. Where the stage takes one product per step and a unit holds
//! several, a unit of the broadcast operand has one such row of words per product, with zeros in the other places.

use bytemuck::{Pod, Zeroable};
use ndarray::ArrayView2;
use rayon::prelude::*;

use super::operand::{Matrix, any_codes};
use super::steps::Steps;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordKind {
    /// Two 16-bit values in 32 bits.
    Pair16,
    /// One value in 64 bits.
    One64,
}

impl WordKind {
    pub(super) const fn takes(self) -> usize {
        match self {
            Self::Pair16 => 2,
            Self::One64 => 1,
        }
    }

    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Pair16 => 4,
            Self::One64 => 8,
        }
    }
}

/// What an operand does in the hot loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its outputs are lanes.
    Lanes,
    /// Each of its words is broadcast to all lanes.
    Broadcast,
}

/// How an operand is laid out; `width` is outputs per panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) role: Role,
    pub(super) word: WordKind,
    pub(super) steps: Steps,
    pub(super) width: usize,
}

/// A cache line; panels start on one, so that no aligned vector straddles two.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct Line([u8; 64]);

impl Line {
    /// Zeros.
    pub(super) const ZERO: Self = Self([0; 64]);
}
const _: () = assert!(size_of::<Line>() == 64);

/// An operand packed in a [`Layout`].
#[derive(Debug)]
pub(super) struct Panels {
    lines: Vec<Line>,
    lines_per_panel: usize,
    bytes_per_panel: usize,
}

impl Panels {
    /// `panels` panels of `bytes_per_panel` bytes, each filled from zeros by `fill`, in parallel.
    pub(super) fn filled(
        panels: usize,
        bytes_per_panel: usize,
        fill: impl Fn(usize, &mut [u8]) + Sync,
    ) -> Self {
        let lines_per_panel = bytes_per_panel.div_ceil(size_of::<Line>());
        let mut lines = vec![Line::zeroed(); panels * lines_per_panel];
        lines.par_chunks_mut(lines_per_panel.max(1)).enumerate().for_each(|(panel, lines)| {
            fill(panel, &mut bytemuck::cast_slice_mut::<Line, u8>(lines)[..bytes_per_panel]);
        });
        Self { lines, lines_per_panel, bytes_per_panel }
    }

    /// The rows of `matrix`, `[M, K]`.
    pub(super) fn rows(matrix: &Matrix<'_>, layout: Layout) -> Self {
        any_codes!(&matrix.codes, codes => Self::new(codes.t(), layout))
    }

    /// The columns of `matrix`, `[K, N]`.
    pub(super) fn columns(matrix: &Matrix<'_>, layout: Layout) -> Self {
        any_codes!(&matrix.codes, codes => Self::new(codes.view(), layout))
    }

    /// `view` is `[K, outputs]`.
    fn new<T: Copy + Into<i64> + Sync>(view: ArrayView2<'_, T>, layout: Layout) -> Self {
        let Layout { role, word, steps, width } = layout;
        let slots = steps.slots(word.takes());
        let apart = role == Role::Broadcast && steps.is_single();
        let slots_per_word = if apart { 1 } else { word.takes() };
        let words = slots.len() / slots_per_word * width;
        let bytes_per_panel = words * word.bytes();
        let outputs = view.ncols();
        Self::filled(outputs.div_ceil(width), bytes_per_panel, |panel, bytes| {
            let first = panel * width;
            let lanes = width.min(outputs - first);
            for (slot, k) in slots.iter().enumerate() {
                let Some(k) = *k else { continue };
                let (row, place) = (slot / slots_per_word, slot % word.takes());
                let values = view.row(k);
                let values = values.iter().skip(first).take(lanes);
                match word {
                    WordKind::Pair16 => {
                        let halves: &mut [i16] = bytemuck::cast_slice_mut(bytes);
                        let at = (row * width) * 2 + place;
                        for (half, &x) in halves[at..].iter_mut().step_by(2).zip(values) {
                            *half = x.into() as i16;
                        }
                    }
                    WordKind::One64 => {
                        let words: &mut [i64] = bytemuck::cast_slice_mut(bytes);
                        for (word, &x) in words[row * width..].iter_mut().zip(values) {
                            *word = x.into();
                        }
                    }
                }
            }
        })
    }

    /// The words of one panel.
    pub(super) fn panel<W: Pod>(&self, index: usize) -> &[W] {
        let lines = &self.lines[index * self.lines_per_panel..][..self.lines_per_panel];
        bytemuck::cast_slice(&bytemuck::cast_slice::<Line, u8>(lines)[..self.bytes_per_panel])
    }
}
