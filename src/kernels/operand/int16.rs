//! Packed int16 panels: words of two 16-bit codes along k, what [`Lanes::dot`](crate::simd::Lanes::dot) takes.
//!
//! ```text
//! panel p: word u: output i: output p * width + i, its k at 2u (low half) and 2u + 1
//! ```

use ndarray::ArrayView2;

use super::bytes::Int16Codes;
use super::geometry::{Geometry, Side};
use super::panels::Panels;

/// Outputs per panel of the broadcast operand.
pub(crate) const MR: usize = 6;
/// Outputs per panel of lanes.
pub(crate) const NR: usize = 64;
/// Both.
pub(crate) const GEOMETRY: Geometry = Geometry { mr: MR, nr: NR };

/// An operand of 16-bit codes, packed.
#[derive(Debug)]
pub(crate) struct Int16Panels(Panels);

impl Int16Panels {
    /// Packs the columns of `codes`, `[K, outputs]`.
    pub(crate) fn pack(codes: Int16Codes<'_>, side: Side) -> Self {
        match codes {
            Int16Codes::U8(codes) => Self::new(codes, side),
            Int16Codes::I8(codes) => Self::new(codes, side),
            Int16Codes::I16(codes) => Self::new(codes, side),
        }
    }

    fn new<T: Copy + Into<i16> + Sync>(view: ArrayView2<'_, T>, side: Side) -> Self {
        let width = GEOMETRY.of(side);
        let (k, outputs) = view.dim();
        let bytes = k.div_ceil(2) * width * size_of::<i32>();
        Self(Panels::filled(outputs.div_ceil(width), bytes, |panel, bytes| {
            let words: &mut [[i16; 2]] = bytemuck::cast_slice_mut(bytes);
            let first = panel * width;
            let here = width.min(outputs - first);
            let whole = (first..first + here).map(|output| view.column(output).to_slice());
            if let Some(columns) = whole.collect::<Option<Vec<_>>>() {
                for (lane, column) in columns.into_iter().enumerate() {
                    let words = words[lane..].iter_mut().step_by(width);
                    for (word, codes) in words.zip(column.chunks(2)) {
                        for (word, &code) in word.iter_mut().zip(codes) {
                            *word = code.into();
                        }
                    }
                }
                return;
            }
            for (k, row) in view.rows().into_iter().enumerate() {
                let words = words[k / 2 * width..].iter_mut();
                for (word, &code) in words.zip(row.iter().skip(first).take(here)) {
                    word[k % 2] = code.into();
                }
            }
        }))
    }

    /// The words of one panel.
    pub(crate) fn panel(&self, index: usize) -> &[i32] {
        self.0.panel(index)
    }
}
