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

/// `k` products in tiles of `tile`, each in steps of `step`; the last of each may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    /// Products in all.
    pub(crate) k: usize,
    /// Products per tile.
    pub(crate) tile: usize,
    step: usize,
}

impl Steps {
    /// `tile` and `step` are at least 1 and may exceed what there is.
    pub(crate) fn new(k: usize, tile: u64, step: u64) -> Self {
        let most = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(k.max(1));
        let tile = most(tile);
        Self { k, tile, step: most(step).min(tile) }
    }

    /// One product per step.
    pub(crate) fn is_single(self) -> bool {
        self.step == 1
    }

    /// Units of one step of several products, or of all single steps of a tile.
    fn units_per_run(self, k_tile: usize) -> usize {
        let run = if self.is_single() { self.tile } else { self.step };
        run.div_ceil(k_tile)
    }

    /// Units of one step; 1 where each product is a step.
    pub(crate) fn units_per_step(self, k_tile: usize) -> usize {
        if self.is_single() { 1 } else { self.units_per_run(k_tile) }
    }

    /// Units of one tile.
    pub(crate) fn units_per_tile(self, k_tile: usize) -> usize {
        let runs = if self.is_single() { 1 } else { self.tile.div_ceil(self.step) };
        runs * self.units_per_run(k_tile)
    }

    /// The k of every place of every unit; `None` for a place that is filled with zero.
    pub(crate) fn slots(self, k_tile: usize) -> Vec<Option<usize>> {
        let run = if self.is_single() { self.tile } else { self.step };
        let mut slots = Vec::new();
        for tile in (0..self.k).step_by(self.tile) {
            let tile_end = self.k.min(tile + self.tile);
            for start in (tile..tile_end).step_by(run) {
                let end = tile_end.min(start + run);
                slots.extend((start..end).map(Some));
                slots.resize(slots.len().next_multiple_of(k_tile), None);
                if end < start + run && !self.is_single() {
                    // The next step of a tile starts where a full one would have ended.
                    let missing = self.units_per_run(k_tile) * k_tile
                        - (end - start).next_multiple_of(k_tile);
                    slots.resize(slots.len() + missing, None);
                }
            }
        }
        slots
    }
}

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

#[cfg(test)]
mod tests {
    use super::Steps;

    #[test]
    fn odd_steps_and_tiles_are_filled() {
        let steps = Steps::new(8, 5, 3);
        let some = |k: &[i32]| k.iter().map(|&k| usize::try_from(k).ok()).collect::<Vec<_>>();
        // Steps 0-2 and 3-4 of the first tile, 5-7 of the second.
        assert_eq!(steps.slots(2), some(&[0, 1, 2, -1, 3, 4, -1, -1, 5, 6, 7, -1]));
        assert_eq!((steps.units_per_step(2), steps.units_per_tile(2)), (2, 4));
        let single = Steps::new(4, 3, 1);
        assert_eq!(single.slots(2), some(&[0, 1, 2, -1, 3, -1]));
        assert_eq!((single.units_per_step(2), single.units_per_tile(2)), (1, 2));
    }

    #[test]
    fn counts_beyond_k_are_k() {
        assert_eq!(Steps::new(3, u64::MAX, u64::MAX).slots(2).len(), 4);
        assert_eq!(Steps::new(0, 7, 2).slots(2), []);
    }
}
