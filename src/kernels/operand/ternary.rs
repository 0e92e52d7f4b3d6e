//! Packed ternary panels: codes of -1, 0 and 1 as bits, 64 products in a word.
//!
//! ```text
//! panel p: word w: signs of outputs p * width .. (p + 1) * width; then which of the same are not zero
//! ```

use ndarray::ArrayView2;

use super::bytes::{ByteMatrix, any_bytes};
use super::geometry::{Geometry, Side};
use super::panels::Panels;

/// Outputs per panel of the broadcast operand.
pub(crate) const MR: usize = 6;
/// Outputs per panel of lanes.
pub(crate) const NR: usize = 32;
/// Products per word.
pub(crate) const K_TILE: usize = 64;

/// Both.
pub(crate) const GEOMETRY: Geometry = Geometry { mr: MR, nr: NR };

/// Whether the codes are -1, 0 and 1 alone.
pub(crate) fn is_ternary(matrix: ByteMatrix<'_>) -> bool {
    let (low, high) = matrix.range();
    low >= -1 && high <= 1
}

/// Whether any code is zero, found out without packing.
pub(crate) fn has_zeros(matrix: ByteMatrix<'_>) -> bool {
    any_bytes!(matrix.codes, codes => codes.iter().any(|&code| code == 0))
}

/// An operand as words of signs and of what is there.
///
/// ```text
/// panel p: word w: signs of outputs p * width .. (p + 1) * width; what is there, of the same
/// ```
#[derive(Debug)]
pub(crate) struct TernaryPanels {
    panels: Panels,
    width: usize,
    /// Codes that are not zero, of every place of every panel.
    counts: Vec<i64>,
    /// Whether any code is zero.
    has_zeros: bool,
}

impl TernaryPanels {
    /// Packs the columns of `matrix`, `[K, outputs]`, whose codes are -1, 0 and 1.
    pub(crate) fn pack(matrix: ByteMatrix<'_>, side: Side) -> Self {
        any_bytes!(matrix.codes, codes => Self::new(codes, side))
    }

    /// `view` is `[K, outputs]`.
    fn new<T: bytemuck::Pod + Sync>(view: ArrayView2<'_, T>, side: Side) -> Self {
        let width = GEOMETRY.of(side);
        let (k, outputs) = view.dim();
        let bytes_per_panel = k.div_ceil(K_TILE) * 2 * width * size_of::<u64>();
        let panels = Panels::filled(outputs.div_ceil(width), bytes_per_panel, |panel, bytes| {
            let words: &mut [u64] = bytemuck::cast_slice_mut(bytes);
            let first = panel * width;
            let here = width.min(outputs - first);
            let whole = (first..first + here).map(|output| view.column(output).to_slice());
            if let Some(columns) = whole.collect::<Option<Vec<_>>>() {
                for (lane, column) in columns.into_iter().enumerate() {
                    let words = words.chunks_exact_mut(2 * width);
                    for (word, codes) in words.zip(bytemuck::cast_slice(column).chunks(K_TILE)) {
                        (word[lane], word[width + lane]) = gather(codes);
                    }
                }
                return;
            }
            for (k, row) in view.rows().into_iter().enumerate() {
                let (signs, there) =
                    words[k / K_TILE * 2 * width..][..2 * width].split_at_mut(width);
                let place = k % K_TILE;
                let codes = row.iter().skip(first).take(here).map(|x| bytemuck::bytes_of(x)[0]);
                for ((code, sign), there) in codes.zip(signs).zip(there) {
                    *sign |= u64::from(code >> 7) << place;
                    *there |= u64::from(code & 1) << place;
                }
            }
        });
        let mut counts = Vec::with_capacity(outputs.next_multiple_of(width));
        for panel in 0..outputs.div_ceil(width) {
            let mut sums = vec![0; width];
            for word in panels.panel::<u64>(panel).chunks_exact(2 * width) {
                for (sum, there) in sums.iter_mut().zip(&word[width..]) {
                    *sum += i64::from(there.count_ones());
                }
            }
            counts.extend(sums);
        }
        let has_zeros = counts.iter().take(outputs).any(|&count| count < k as i64);
        Self { panels, width, counts, has_zeros }
    }

    /// Whether any code is zero.
    pub(crate) fn has_zeros(&self) -> bool {
        self.has_zeros
    }

    /// The words of one panel.
    pub(crate) fn panel(&self, index: usize) -> &[u64] {
        self.panels.panel(index)
    }

    /// Codes that are not zero of every output of a panel.
    pub(crate) fn counts(&self, panel: usize) -> &[i64] {
        &self.counts[panel * self.width..][..self.width]
    }
}

/// The highest and the lowest bit of up to 64 bytes: signs, and what is not zero, of codes of -1, 0 and 1.
fn gather(codes: &[u8]) -> (u64, u64) {
    /// The lowest bits of eight bytes, as eight bits.
    const fn eight(word: u64) -> u64 {
        // Byte i has its bit at 8 i; the product brings it to 56 + i, and nothing else gets there.
        (word & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
    }
    let (mut signs, mut there) = (0, 0);
    for (index, codes) in codes.chunks(8).enumerate() {
        let mut bytes = [0; 8];
        bytes[..codes.len()].copy_from_slice(codes);
        let word = u64::from_le_bytes(bytes);
        signs |= eight(word >> 7) << (8 * index);
        there |= eight(word) << (8 * index);
    }
    (signs, there)
}

#[cfg(test)]
mod tests {
    use super::gather;

    #[test]
    fn bits_of_bytes_come_in_order() {
        for length in 0..=64 {
            for at in 0..length {
                let mut codes = vec![0u8; length];
                codes[at] = 1;
                assert_eq!(gather(&codes), (0, 1 << at));
                codes[at] = 0xff;
                assert_eq!(gather(&codes), (1 << at, 1 << at));
                let mut codes = vec![0xff; length];
                codes[at] = 1;
                let all = if length == 64 { u64::MAX } else { (1 << length) - 1 };
                assert_eq!(gather(&codes), (all & !(1 << at), all));
            }
        }
    }
}
