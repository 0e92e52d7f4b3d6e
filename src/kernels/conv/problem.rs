//! What all parts of a convolution share: operands in their storage, geometry, and single outputs by the reference.

use ndarray::ArrayView2;

use super::planes::Planes;
use super::prepared::PreparedConv;
use crate::accumulate::{Accumulator, OutputTrace, Report};
use crate::convolution::Conv2d;
use crate::kernels::operand::element::Operand;
use crate::kernels::product::StageEvents;
use crate::reference::sum_products_from;

/// What a convolution reports.
pub(super) struct Reported {
    pub(super) events: Option<Vec<StageEvents>>,
    pub(super) report: Option<Report>,
}

/// A convolution of codes in one storage.
pub(super) struct Problem<'a, X> {
    /// The codes of `[N, C, H, W]`, in this order.
    pub(super) input: &'a [X],
    pub(super) shape: (usize, usize, usize, usize),
    pub(super) weights: &'a PreparedConv,
    pub(super) conv: Conv2d<X>,
    /// Rows and columns of the kernel.
    pub(super) kernel: [usize; 2],
    /// Rows and columns of the output.
    pub(super) outputs: [usize; 2],
    /// Where planes of the input are worth it.
    pub(super) planes: Option<Planes>,
    pub(super) acc: &'a Accumulator,
    /// What the last registers start from, `[N * O, rows * columns]`, if not from 0.
    pub(super) init: Option<ArrayView2<'a, i64>>,
}

impl<X: Operand> Problem<'_, X> {
    /// Images.
    pub(super) fn images(&self) -> usize {
        self.shape.0
    }

    /// Output channels.
    pub(super) fn channels(&self) -> usize {
        self.weights.weights().nrows()
    }

    /// Products per output.
    pub(super) fn k(&self) -> usize {
        self.weights.weights().ncols()
    }

    /// Output channels of a group.
    pub(super) fn per_group(&self) -> usize {
        self.channels() / self.conv.groups
    }

    /// Input channels of a group.
    pub(super) fn depth(&self) -> usize {
        self.shape.1 / self.conv.groups
    }

    /// Outputs per image and channel.
    pub(super) fn positions(&self) -> usize {
        self.outputs[0] * self.outputs[1]
    }

    /// One channel of one image, row by row.
    pub(super) fn channel(&self, image: usize, channel: usize) -> &[X] {
        let (_, channels, rows, cols) = self.shape;
        let start = (image * channels + channel) * rows * cols;
        &self.input[start..start + rows * cols]
    }

    /// (channel, row, column) of the kernel that weight `k` is at.
    pub(super) fn at(&self, k: usize) -> [usize; 3] {
        let [u, v] = self.kernel;
        [k / (u * v), k / v % u, k % v]
    }

    /// What output `(i, j)` of `group` meets with weight `k`.
    pub(super) fn meets(&self, image: usize, group: usize, [i, j]: [usize; 2], k: usize) -> X {
        let ([c, du, dv], (_, _, rows, cols)) = (self.at(k), self.shape);
        let row = self.conv.source(0, i, du).filter(|&row| row < rows);
        let col = self.conv.source(1, j, dv).filter(|&col| col < cols);
        match (row, col) {
            (Some(row), Some(col)) => {
                self.channel(image, group * self.depth() + c)[row * cols + col]
            }
            _ => self.conv.padding_code,
        }
    }

    /// The output that reports name (`row`, `col`), and how each stage came to it.
    pub(super) fn output(&self, row: usize, col: usize) -> (i128, Vec<OutputTrace>) {
        let (image, o) = (row / self.channels(), row % self.channels());
        let at = [col / self.outputs[1], col % self.outputs[1]];
        let init = self.init.map_or(0, |init| init[[row, col]].into());
        let (group, weights) = (o / self.per_group(), self.weights.weights());
        let products = (0..self.k()).map(|k| {
            let x = self.meets(image, group, at, k);
            i128::from(x.to_i64()) * i128::from(weights[[o, k]])
        });
        sum_products_from(self.acc, init, products)
    }
}
