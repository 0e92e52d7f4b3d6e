//! Packed panels of numbers: what a matrix holds, in the order in which micro-kernels read it.
//!
//! ```text
//! panel p: k: output i: number of output p * width + i at k
//! ```
//! Padding is zeros; nobody looks at the sums of those outputs.

use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::Pod;
use ndarray::Array2;

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
    pub(super) fn new(matrix: &Array2<f64>, width: usize, narrow: fn(f64) -> T) -> Self {
        let (depth, outputs) = matrix.dim();
        let bytes = depth * width * size_of::<T>();
        let panels = Panels::filled(outputs.div_ceil(width), bytes, |panel, bytes| {
            let numbers: &mut [T] = bytemuck::cast_slice_mut(bytes);
            for (row, to) in matrix.rows().into_iter().zip(numbers.chunks_mut(width)) {
                let from = row.iter().skip(panel * width).take(width);
                for (to, &from) in to.iter_mut().zip(from) {
                    *to = narrow(from);
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
