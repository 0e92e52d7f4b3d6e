//! Packed panels of numbers: what a matrix holds, in the order in which micro-kernels read it.
//!
//! ```text
//! panel p: k: output i: number of output p * width + i at k
//! ```
//! Padding is zeros; nobody looks at the sums of those outputs.

use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::Pod;
use ndarray::{ArrayView2, s};

use crate::kernels::operand::panels::Panels;

/// A matrix `[K, outputs]` in panels of `width` outputs.
#[derive(Debug)]
pub(super) struct NumberPanels<T> {
    panels: Panels,
    width: usize,
    number: PhantomData<T>,
}

impl<T: Pod> NumberPanels<T> {
    /// The columns of `matrix`, each number converted by `narrow`.
    pub(super) fn new(
        matrix: ArrayView2<'_, f64>,
        width: usize,
        narrow: impl Fn(f64) -> T + Sync,
    ) -> Self {
        let (depth, outputs) = matrix.dim();
        let bytes = depth * width * size_of::<T>();
        let panels = Panels::filled(outputs.div_ceil(width), bytes, |panel, bytes| {
            let numbers: &mut [T] = bytemuck::cast_slice_mut(bytes);
            let columns = panel * width..outputs.min((panel + 1) * width);
            let part = matrix.slice(s![.., columns]);
            for (row, to) in part.rows().into_iter().zip(numbers.chunks_mut(width)) {
                match row.as_slice() {
                    Some(row) => convert(row.iter(), to, &narrow),
                    None => convert(row.iter(), to, &narrow),
                }
            }
        });
        Self { panels, width, number: PhantomData }
    }

    /// Outputs of a panel.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The numbers of one panel from `k.start` to `k.end`.
    pub(super) fn panel(&self, index: usize, k: Range<usize>) -> &[T] {
        &self.panels.panel(index)[k.start * self.width..k.end * self.width]
    }
}

#[inline]
fn convert<'a, T>(from: impl Iterator<Item = &'a f64>, to: &mut [T], narrow: &impl Fn(f64) -> T) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = narrow(from);
    }
}
