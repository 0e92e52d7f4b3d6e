//! Samples that wait until their products are summed, a few columns next to each other.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, s};

use super::BLOCK;
use crate::algorithms::linalg::Scalar;
use crate::simd::{Vectorized, vectorize};

/// The most columns of a panel: a multiple of those that a tile of any instruction set holds.
pub(super) const WIDTH: usize = 48;
/// What the width of a panel is a multiple of: the lanes of the widest vectors.
pub(super) const LANES: usize = 16;

/// Rows that are written before they are added to the moments.
const FEW: usize = 128;

/// Some columns of a block of samples, and what they sum up to.
pub(super) struct Panel {
    /// Which inputs they are.
    pub(super) columns: Range<usize>,
    /// Elements of a row, those behind the last column zeros.
    pub(super) width: usize,
    values: Vec<f32>,
    /// Where the first row begins: at a line of the cache.
    start: usize,
    moments: [Vec<f64>; 3],
}

impl Panel {
    /// Panels for the inputs of so many groups; none has inputs of two groups.
    pub(super) fn of_groups(groups: usize, width: usize) -> Vec<Self> {
        let of_group = |group: usize| {
            let end = (group + 1) * width;
            (group * width..end).step_by(WIDTH).map(move |at| Self::new(at..(at + WIDTH).min(end)))
        };
        (0..groups).flat_map(of_group).collect()
    }

    fn new(columns: Range<usize>) -> Self {
        let width = columns.len().next_multiple_of(LANES);
        let moments = [(); 3].map(|()| vec![0.0; width]);
        Self { columns, width, values: Vec::new(), start: 0, moments }
    }

    /// Writes this panel's columns of some rows behind the first `at` ones, and adds them to the moments.
    pub(super) fn push(&mut self, at: usize, rows: ArrayView2<'_, f32>) {
        if self.values.is_empty() {
            // Here, where panels are written side by side.
            self.values = vec![0.0; BLOCK * self.width + LANES];
            let line = LANES * size_of::<f32>();
            self.start = self.values.as_ptr().align_offset(line).min(LANES);
        }
        let rows = rows.slice_move(s![.., self.columns.clone()]);
        let (from, to) = (at * self.width, (at + rows.nrows()) * self.width);
        let written = &mut self.values[self.start + from..self.start + to];
        // While they are in the first cache.
        for (to, from) in
            written.chunks_mut(FEW * self.width).zip(rows.axis_chunks_iter(Axis(0), FEW))
        {
            for (to, from) in to.chunks_exact_mut(self.width).zip(from.rows()) {
                match from.as_slice() {
                    Some(from) => to[..from.len()].copy_from_slice(from),
                    None => to.iter_mut().zip(from).for_each(|(to, &from)| *to = from),
                }
            }
            for first in (0..self.width).step_by(LANES) {
                let [sum, abs_sum, abs_max] = &mut self.moments;
                let moments = [sum, abs_sum, abs_max].map(|m| &mut m[first..first + LANES]);
                vectorize(AddRows { rows: to, width: self.width, first, moments });
            }
        }
    }

    /// Its columns, counted from another one.
    pub(super) fn within(&self, origin: usize) -> Range<usize> {
        self.columns.start - origin..self.columns.end - origin
    }

    /// The first `count` rows, [`Self::width`] elements each.
    pub(super) fn rows(&self, count: usize) -> &[f32] {
        &self.values[self.start..][..count * self.width]
    }

    /// The sums, the sums of magnitudes and the greatest magnitudes of the columns.
    pub(super) fn moments(&self) -> [&[f64]; 3] {
        self.moments.each_ref().map(|m| &m[..self.columns.len()])
    }

    /// The columns of the first `count` rows of panels next to each other.
    pub(super) fn matrix<T: Scalar>(panels: &[Self], count: usize) -> Array2<T> {
        let columns = panels.iter().map(|panel| panel.columns.len()).sum();
        let mut matrix = Array2::zeros((count, columns));
        let mut at = 0;
        for panel in panels {
            let rows = panel.rows(count).chunks_exact(panel.width);
            let width = panel.columns.len();
            for (mut to, from) in
                matrix.slice_mut(s![.., at..at + width]).rows_mut().into_iter().zip(rows)
            {
                to.iter_mut().zip(from).for_each(|(to, &from)| *to = T::of(from.into()));
            }
            at += width;
        }
        matrix
    }
}

/// Adds [`LANES`] columns of some rows to their moments.
struct AddRows<'a> {
    rows: &'a [f32],
    width: usize,
    first: usize,
    moments: [&'a mut [f64]; 3],
}

impl Vectorized for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        // Copies stay in registers while rows go by.
        let mut moments = [[0f64; LANES]; 3];
        for (copy, moments) in moments.iter_mut().zip(&self.moments) {
            copy.copy_from_slice(moments);
        }
        let [mut sum, mut abs_sum, mut abs_max] = moments;
        for row in self.rows.chunks_exact(self.width) {
            let row = &row[self.first..self.first + LANES];
            for lane in 0..LANES {
                let x = f64::from(row[lane]);
                sum[lane] += x;
                abs_sum[lane] += x.abs();
                abs_max[lane] = if x.abs() > abs_max[lane] { x.abs() } else { abs_max[lane] };
            }
        }
        for (moments, copy) in self.moments.into_iter().zip([sum, abs_sum, abs_max]) {
            moments.copy_from_slice(&copy);
        }
    }
}
