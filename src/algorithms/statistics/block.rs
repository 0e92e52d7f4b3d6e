//! Samples that wait until their products are summed, in rows with room behind each.

use ndarray::{ArrayView2, ShapeBuilder, s};

/// What a tile of products reads behind the last row.
const SLACK: usize = 64;
/// Elements of a line of the cache.
const LINE: usize = 16;

/// Rows of samples.
pub(super) struct Block {
    values: Vec<f32>,
    inputs: usize,
    pitch: usize,
}

impl Block {
    /// Memory for rows of `inputs` values.
    pub(super) fn new(rows: usize, inputs: usize) -> Self {
        // An odd number of lines, so that rows below each other do not meet in one set of the cache.
        let pitch = (inputs.div_ceil(LINE) | 1) * LINE;
        Self { values: vec![0.0; rows * pitch + SLACK], inputs, pitch }
    }

    /// The first rows.
    pub(super) fn rows(&self, count: usize) -> ArrayView2<'_, f32> {
        let shape = (count, self.inputs).strides((self.pitch, 1));
        let view = ArrayView2::from_shape(shape, &self.values);
        view.unwrap_or_else(|_| unreachable!("as many rows as there is memory for"))
    }

    /// Writes rows from `at` on.
    pub(super) fn set(&mut self, at: usize, rows: ArrayView2<'_, f32>) {
        let to = self.values[at * self.pitch..].chunks_mut(self.pitch);
        for (to, from) in to.zip(rows.rows()) {
            match from.as_slice() {
                Some(from) => to[..self.inputs].copy_from_slice(from),
                None => to.iter_mut().zip(from).for_each(|(to, &from)| *to = from),
            }
        }
    }

    /// The elements from column `at` of the first row on, to the end of the room behind the last row; and what lies between
    /// rows.
    pub(super) fn elements_from(&self, at: usize) -> (&[f32], usize) {
        (&self.values[at..], self.pitch)
    }

    /// Columns of the first rows.
    pub(super) fn columns(
        &self,
        count: usize,
        columns: std::ops::Range<usize>,
    ) -> ArrayView2<'_, f32> {
        self.rows(count).slice_move(s![.., columns])
    }
}
