//! Packed words for registers that are stepped: 16-bit pairs, or one integer in 64 bits.
//!
//! k is cut as the innermost stage cuts it: into tiles, tiles into steps, steps into units of K_TILE products (what one
//! [`Lanes::dot`](crate::simd::Lanes::dot) takes per lane). Padding is zeros, whose products change no sum.
//!
//! ```text
//! panel p: unit u: output i: word of output p * width + i at the k of the unit
//! ```
//! A word holds K_TILE values, the earliest k lowest. Where the stage takes one product per step and a unit holds
//! several, a unit of the broadcast operand has one such row of words per product, with zeros in the other places.

use ndarray::ArrayView2;

use super::element::any_codes;
use super::geometry::Side;
use super::matrix::Matrix;
use super::panels::Panels;
use super::steps::Steps;

/// A word of a lane of operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WordKind {
    /// Two 16-bit values in 32 bits.
    Pair16,
    /// One value in 64 bits.
    One64,
}

impl WordKind {
    /// Products per word.
    pub(crate) const fn k_tile(self) -> usize {
        match self {
            Self::Pair16 => 2,
            Self::One64 => 1,
        }
    }

    /// Its size.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Pair16 => 4,
            Self::One64 => 8,
        }
    }
}

/// How an operand is laid out; `width` is outputs per panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StepLayout {
    pub(crate) side: Side,
    pub(crate) word: WordKind,
    pub(crate) steps: Steps,
    pub(crate) width: usize,
}

/// The rows of `matrix`, `[M, K]`.
pub(crate) fn pack_rows(matrix: &Matrix<'_>, layout: StepLayout) -> Panels {
    any_codes!(&matrix.codes, codes => pack(codes.t(), layout))
}

/// The columns of `matrix`, `[K, N]`.
pub(crate) fn pack_columns(matrix: &Matrix<'_>, layout: StepLayout) -> Panels {
    any_codes!(&matrix.codes, codes => pack(codes.view(), layout))
}

/// `view` is `[K, outputs]`.
fn pack<T: Copy + Into<i64> + Sync>(view: ArrayView2<'_, T>, layout: StepLayout) -> Panels {
    let StepLayout { side, word, steps, width } = layout;
    let slots = steps.slots(word.k_tile());
    let apart = side == Side::Broadcast && steps.is_single();
    let slots_per_word = if apart { 1 } else { word.k_tile() };
    let words = slots.len() / slots_per_word * width;
    let bytes_per_panel = words * word.bytes();
    let outputs = view.ncols();
    Panels::filled(outputs.div_ceil(width), bytes_per_panel, |panel, bytes| {
        let first = panel * width;
        let lanes = width.min(outputs - first);
        for (slot, k) in slots.iter().enumerate() {
            let Some(k) = *k else { continue };
            let (row, place) = (slot / slots_per_word, slot % word.k_tile());
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
