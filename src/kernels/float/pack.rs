//! Packed panels of numbers: what a matrix holds, in the order in which micro-kernels read it.
//!
//! ```text
//! panel p: k: output i: number of output p * width + i at k
//! ```
//! Padding is zeros; nobody looks at the sums of those outputs.

use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::Pod;
use ndarray::{ArrayView2, Axis, s};

use crate::kernels::operand::panels::Panels;
use crate::simd::{Detected, Vectorized};

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
        isa: Detected,
        narrow: impl Fn(f64) -> T + Sync,
    ) -> Self {
        let (depth, outputs) = matrix.dim();
        let bytes = depth * width * size_of::<T>();
        let panels = Panels::filled(outputs.div_ceil(width), bytes, |panel, bytes| {
            let to: &mut [T] = bytemuck::cast_slice_mut(bytes);
            let columns = panel * width..outputs.min((panel + 1) * width);
            let part = matrix.slice(s![.., columns]);
            isa.vectorize(Fill { part, to, width, narrow: &narrow });
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

/// Converts the numbers of a panel.
pub(super) struct Fill<'a, T, F> {
    pub(super) part: ArrayView2<'a, f64>,
    pub(super) to: &'a mut [T],
    pub(super) width: usize,
    pub(super) narrow: &'a F,
}

impl<T, F: Fn(f64) -> T> Vectorized for Fill<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { part, to, width, narrow } = self;
        if part.rows().into_iter().next().is_none_or(|row| row.as_slice().is_some()) {
            for (row, to) in part.rows().into_iter().zip(to.chunks_mut(width)) {
                for (to, &from) in to.iter_mut().zip(row.as_slice().unwrap_or_default()) {
                    *to = narrow(from);
                }
            }
            return;
        }
        // Neighbours in memory have one output: so many of them at a time that the rows they go to stay in the cache.
        for (part, to) in part.axis_chunks_iter(Axis(0), 64).zip(to.chunks_mut(64 * width)) {
            for (output, column) in part.columns().into_iter().enumerate() {
                for (to, &from) in to.iter_mut().skip(output).step_by(width).zip(column) {
                    *to = narrow(from);
                }
            }
        }
    }
}
