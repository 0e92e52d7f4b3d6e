//! Operands in the order in which the hot loops read them.
//!
//! ```text
//! panel p: k: output i: number of output p * width + i at k
//! ```
//! What is not full is filled with zeros; nobody looks at the sums of those outputs.

use bytemuck::Pod;
use ndarray::Array2;

use crate::kernels::operand::panels::Line;

/// A matrix `[K, outputs]` in panels of `width` outputs.
#[derive(Debug)]
pub(super) struct Panels<T> {
    lines: Vec<Line>,
    lines_per_panel: usize,
    numbers_per_panel: usize,
    width: usize,
    number: std::marker::PhantomData<T>,
}

impl<T: Pod> Panels<T> {
    /// The columns of `matrix`, each number converted by `narrow`.
    pub(super) fn new(matrix: &Array2<f64>, width: usize, narrow: fn(f64) -> T) -> Self {
        let (depth, outputs) = matrix.dim();
        let numbers_per_panel = depth * width;
        let lines_per_panel = (numbers_per_panel * size_of::<T>()).div_ceil(size_of::<Line>());
        let panels = outputs.div_ceil(width);
        let mut lines = vec![Line::ZERO; panels * lines_per_panel];
        for (panel, lines) in lines.chunks_mut(lines_per_panel.max(1)).enumerate() {
            let numbers: &mut [T] = bytemuck::cast_slice_mut(lines);
            for (row, to) in matrix.rows().into_iter().zip(numbers.chunks_mut(width)) {
                let from = row.iter().skip(panel * width).take(width);
                for (to, &from) in to.iter_mut().zip(from) {
                    *to = narrow(from);
                }
            }
        }
        let number = std::marker::PhantomData;
        Self { lines, lines_per_panel, numbers_per_panel, width, number }
    }

    /// Outputs of a panel.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The numbers of one panel from `k.start` to `k.end`.
    pub(super) fn panel(&self, index: usize, k: std::ops::Range<usize>) -> &[T] {
        let lines = &self.lines[index * self.lines_per_panel..][..self.lines_per_panel];
        let numbers: &[T] = bytemuck::cast_slice(lines);
        &numbers[..self.numbers_per_panel][k.start * self.width..k.end * self.width]
    }
}
