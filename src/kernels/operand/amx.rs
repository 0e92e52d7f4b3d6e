//! Packed AMX panels: bytes in tiles of 16 words of k by 16 outputs, as [`amx`](crate::simd::amx) loads them.
//!
//! ```text
//! panel: step s: two tiles: word u: 16 outputs, their k at 64 s + 4 u..64 s + 4 (u + 1)
//! ```
//! Padding is zeros.

use ndarray::ArrayView2;

use super::bytes::{Byte, ByteMatrix, ByteSign, any_bytes};
use super::panels::Panels;
use crate::simd::amx::{DEPTH, OUTPUTS, STEP};

/// Products per word.
const K_TILE: usize = 4;
/// Outputs of a tile.
const TILE: usize = OUTPUTS / 2;

/// The columns of an operand of bytes, packed.
#[derive(Debug)]
pub(crate) struct AmxPanels {
    pub(crate) panels: Panels,
    pub(crate) sign: ByteSign,
}

impl AmxPanels {
    /// Packs the columns of `matrix`, `[K, N]`.
    pub(crate) fn pack(matrix: ByteMatrix<'_>) -> Self {
        let panels = any_bytes!(matrix.codes, codes => panels(codes));
        Self { panels, sign: matrix.sign() }
    }
}

/// `view` is `[K, N]`.
fn panels<T: Byte>(view: ArrayView2<'_, T>) -> Panels {
    let (k, outputs) = view.dim();
    let bytes = k.div_ceil(DEPTH) * STEP;
    Panels::filled(outputs.div_ceil(OUTPUTS), bytes, |panel, bytes| {
        let first = panel * OUTPUTS;
        let here = OUTPUTS.min(outputs - first);
        let words: &mut [[u8; K_TILE]] = bytes.as_chunks_mut().0;
        // Where word `unit` of an output lies.
        let at = |unit: usize, output: usize| {
            let (step, unit) = (unit / TILE, unit % TILE);
            step * (STEP / K_TILE) + output / TILE * TILE * TILE + unit * TILE + output % TILE
        };
        let whole = (first..first + here).map(|output| view.column(output).to_slice());
        if let Some(columns) = whole.collect::<Option<Vec<_>>>() {
            for (output, column) in columns.into_iter().enumerate() {
                for (unit, codes) in column.chunks(K_TILE).enumerate() {
                    for (byte, code) in words[at(unit, output)].iter_mut().zip(codes) {
                        *byte = code.bits();
                    }
                }
            }
            return;
        }
        for (unit, start) in (0..k).step_by(K_TILE).enumerate() {
            let rows: [_; K_TILE] = std::array::from_fn(|place| {
                let k = start + place;
                (k < view.nrows()).then(|| view.row(k))
            });
            let slices = rows.each_ref().map(|row| {
                let row = row.as_ref().and_then(|row| row.to_slice());
                row.map(|row| &row[first..first + here])
            });
            for from in (0..here).step_by(TILE) {
                let words = &mut words[at(unit, from)..][..TILE.min(here - from)];
                if let [Some(a), Some(b), Some(c), Some(d)] = slices {
                    let all = a[from..].iter().zip(&b[from..]).zip(&c[from..]).zip(&d[from..]);
                    for (word, (((a, b), c), d)) in words.iter_mut().zip(all) {
                        *word = [a.bits(), b.bits(), c.bits(), d.bits()];
                    }
                    continue;
                }
                for (place, row) in rows.iter().enumerate() {
                    let codes = row.iter().flatten().skip(first + from);
                    for (word, code) in words.iter_mut().zip(codes) {
                        word[place] = code.bits();
                    }
                }
            }
        }
    })
}
