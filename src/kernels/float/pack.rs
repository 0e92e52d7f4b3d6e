//! Packed panels of numbers: what a matrix holds, in the order in which micro-kernels read it.
//!
//! ```text
//! panel p: k: output i: number of output p * width + i at k
//! ```
//! Padding is zeros; nobody looks at the sums of those outputs.

use std::marker::PhantomData;
use std::ops::Range;

use bytemuck::Pod;
use ndarray::{ArrayView2, Axis, Ix2, SliceInfo, SliceInfoElem, s};

use crate::kernels::operand::panels::Panels;
use crate::simd::{Detected, Vectorized};
use crate::tasks;

/// Numbers of a row that are packed before those of the next.
const ROW: usize = 1 << 9;

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
        narrow: impl Fn(f64) -> T + Copy + Sync,
    ) -> Self
    where
        T: Send,
    {
        let (depth, outputs) = matrix.dim();
        let bytes = depth * width * size_of::<T>();
        let mut panels = Panels::zeros(outputs.div_ceil(width), bytes);
        let rows = rows_at_once(outputs);
        let numbers = panels.iter_mut().map(bytemuck::cast_slice_mut);
        let parts = by_rows(numbers, rows * width);
        tasks::for_each(parts.into_iter().enumerate(), |(index, to)| {
            let part = matrix.slice(rows_of(index, rows, depth));
            isa.vectorize(Fill { part, to, width, narrow });
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

/// Rows of `outputs` numbers that one task packs: what it reads stays in a near cache.
pub(super) fn rows_at_once(outputs: usize) -> usize {
    const NUMBERS: usize = 1 << 14;
    (NUMBERS / outputs.max(1)).max(16)
}

/// The part with this index, of `depth` rows in parts of `rows`.
pub(super) fn rows_of(
    index: usize,
    rows: usize,
    depth: usize,
) -> SliceInfo<[SliceInfoElem; 2], Ix2, Ix2> {
    s![index * rows..depth.min((index + 1) * rows), ..]
}

/// Panels in parts of `length` numbers: the first ones of all panels, then those behind them.
pub(super) fn by_rows<'a, T>(
    panels: impl Iterator<Item = &'a mut [T]>,
    length: usize,
) -> Vec<Vec<&'a mut [T]>> {
    let mut parts: Vec<Vec<_>> = Vec::new();
    for panel in panels {
        for (index, part) in panel.chunks_mut(length.max(1)).enumerate() {
            match parts.get_mut(index) {
                Some(parts) => parts.push(part),
                None => parts.push(vec![part]),
            }
        }
    }
    parts
}

/// Converts some rows of all panels.
pub(super) struct Fill<'a, T, F> {
    /// `[rows, outputs]`
    pub(super) part: ArrayView2<'a, f64>,
    /// Of every panel.
    pub(super) to: Vec<&'a mut [T]>,
    pub(super) width: usize,
    /// By value: what it holds behind a reference would be read again for every number, as `to` might be where it lies.
    pub(super) narrow: F,
}

impl<T, F: Fn(f64) -> T> Vectorized for Fill<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { part, to: mut panels, width, narrow } = self;
        if part.rows().into_iter().next().is_none_or(|row| row.as_slice().is_some()) {
            // A few pages of a row at a time, each read from its start to its end.
            let group = (ROW / width).max(1);
            for (index, panels) in panels.chunks_mut(group).enumerate() {
                for (row, numbers) in part.rows().into_iter().enumerate() {
                    let numbers = &numbers.as_slice().unwrap_or_default()[index * group * width..];
                    for (to, numbers) in panels.iter_mut().zip(numbers.chunks(width)) {
                        let to = &mut to[row * width..][..numbers.len()];
                        for (to, &from) in to.iter_mut().zip(numbers) {
                            *to = narrow(from);
                        }
                    }
                }
            }
            return;
        }
        // Neighbours in memory have one output: so many of them at a time that the rows they go to stay in the cache.
        for (part, to) in part.axis_chunks_iter(Axis(1), width).zip(panels) {
            for (part, to) in part.axis_chunks_iter(Axis(0), 64).zip(to.chunks_mut(64 * width)) {
                for (output, column) in part.columns().into_iter().enumerate() {
                    for (to, &from) in to.iter_mut().skip(output).step_by(width).zip(column) {
                        *to = narrow(from);
                    }
                }
            }
        }
    }
}
