//! The collector: rows in, statistics out.

use ndarray::{Array1, ArrayView2, Axis, s};

use super::panel::{Panel, WIDTH};
use super::tiles::{Shape, Sums, Tile};
use super::{BLOCK, Gram, Moments, Statistics};
use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;
use crate::algorithms::linalg::Precision;
use crate::memory::zero_matrix;
use crate::tasks;

/// Collects [`Statistics`] from batches of rows.
///
/// ```
/// use fewbit::algorithms::{Precision, Collector};
/// use ndarray::array;
/// let mut collector = Collector::new(2, 1, Precision::Single)?;
/// collector.push(array![[1.0, 2.0], [3.0, 0.0]].view())?;
/// let statistics = collector.finish();
/// assert_eq!(statistics.grams[0].h, array![[10.0, 2.0], [2.0, 4.0]]);
/// # Ok::<(), fewbit::algorithms::AlgorithmError>(())
/// ```
pub struct Collector {
    inputs: usize,
    groups: usize,
    precision: Precision,
    samples: u64,
    pairs: Option<Pairs>,
    /// Rows of X̃ that wait, and of X where that is another.
    quantized: Vec<Panel>,
    float: Vec<Panel>,
    filled: usize,
    /// Of all groups.
    h: Vec<Tile>,
    g: Vec<Tile>,
}

#[derive(Clone, Copy, PartialEq)]
enum Pairs {
    Same,
    Different,
}

/// Fewer elements are written by one thread.
const FEW: usize = 1 << 15;

impl Collector {
    /// A collector for rows of `inputs` values that fall into `groups` equal groups.
    ///
    /// # Errors
    /// No inputs, or a number of groups that does not divide them.
    pub fn new(inputs: usize, groups: usize, precision: Precision) -> Result<Self, AlgorithmError> {
        if inputs == 0 {
            return Err(AlgorithmError::Empty { what: "the input", rows: 0, cols: 0 });
        }
        if groups == 0 || !inputs.is_multiple_of(groups) {
            return Err(AlgorithmError::Group { group: groups, inputs, what: "a grouped layer" });
        }
        let quantized = Panel::of_groups(groups, inputs / groups);
        let h = tiles(&quantized, groups, Shape::Symmetric);
        Ok(Self {
            inputs,
            groups,
            precision,
            samples: 0,
            pairs: None,
            quantized,
            float: Vec::new(),
            filled: 0,
            h,
            g: Vec::new(),
        })
    }

    /// Adds rows `[n, inputs]` that are both X and X̃.
    ///
    /// # Errors
    /// Another number of inputs, a value that is not finite, or a collector that was given pairs before. After an error
    /// nothing of the batch has been added.
    pub fn push(&mut self, rows: ArrayView2<'_, f32>) -> Result<(), AlgorithmError> {
        self.begin(Pairs::Same, "the batch of inputs", rows)?;
        self.append(rows, rows);
        Ok(())
    }

    /// Adds rows of X̃ and, sample by sample, those of X; both `[n, inputs]`.
    ///
    /// # Errors
    /// As [`Self::push`]; also where the two batches differ in shape.
    pub fn push_pairs(
        &mut self,
        quantized: ArrayView2<'_, f32>,
        float: ArrayView2<'_, f32>,
    ) -> Result<(), AlgorithmError> {
        AlgorithmError::check_shape("the batch of float inputs", float.dim(), quantized.dim())?;
        check_finite("the batch of float inputs", float, self.samples)?;
        self.begin(Pairs::Different, "the batch of quantized inputs", quantized)?;
        self.append(quantized, float);
        Ok(())
    }

    /// Inputs of a row.
    pub(super) fn width(&self) -> usize {
        self.inputs
    }

    /// Groups of inputs.
    pub(super) fn group_count(&self) -> usize {
        self.groups
    }

    /// The statistics of all rows so far.
    pub fn finish(mut self) -> Statistics {
        self.flush();
        let pairs = self.pairs == Some(Pairs::Different);
        let (width, each) = (self.inputs / self.groups, self.quantized.len() / self.groups);
        let matrix = |(group, tiles): (usize, &[Tile])| {
            let sums = Sums::new(&self.quantized, group * each, each, tiles);
            let mut matrix = zero_matrix((width, width));
            let rows = matrix.axis_chunks_iter_mut(Axis(0), WIDTH).enumerate();
            tasks::for_each(rows, |(panel, rows)| sums.write(panel, rows));
            matrix
        };
        let matrices = |tiles: &[Tile]| {
            let tiles = tiles.chunks((tiles.len() / self.groups).max(1));
            tasks::map(tiles.enumerate(), matrix)
        };
        let mut g = matrices(&self.g).into_iter();
        let grams = matrices(&self.h).into_iter().map(|h| Gram { h, g: g.next() }).collect();
        let quantized = moments(&self.quantized);
        let float = if pairs { moments(&self.float) } else { quantized.clone() };
        Statistics { samples: self.samples, grams, quantized, float }
    }

    fn begin(
        &mut self,
        pairs: Pairs,
        what: &'static str,
        rows: ArrayView2<'_, f32>,
    ) -> Result<(), AlgorithmError> {
        AlgorithmError::check_shape(what, rows.dim(), (rows.nrows(), self.inputs))?;
        check_finite(what, rows, self.samples)?;
        match self.pairs {
            Some(before) if before != pairs => {
                return Err(AlgorithmError::NeedsPairs(
                    "a collector that mixes single batches and pairs",
                ));
            }
            Some(_) => {}
            None => {
                self.pairs = Some(pairs);
                if pairs == Pairs::Different {
                    self.float = Panel::of_groups(self.groups, self.inputs / self.groups);
                    self.g = tiles(&self.float, self.groups, Shape::Full);
                }
            }
        }
        Ok(())
    }

    fn append(&mut self, quantized: ArrayView2<'_, f32>, float: ArrayView2<'_, f32>) {
        self.samples += quantized.nrows() as u64;
        let mut taken = 0;
        while taken < quantized.nrows() {
            let count = (BLOCK - self.filled).min(quantized.nrows() - taken);
            let (from, at) = (s![taken..taken + count, ..], self.filled);
            let push = |panel: &mut Panel, rows: ArrayView2<'_, f32>| panel.push(at, rows);
            let (quantized, float) = (quantized.slice(from), float.slice(from));
            if count * self.inputs < FEW {
                self.quantized.iter_mut().for_each(|panel| push(panel, quantized));
                self.float.iter_mut().for_each(|panel| push(panel, float));
            } else {
                let quantized = self.quantized.iter_mut().map(|panel| (panel, quantized));
                let float = self.float.iter_mut().map(|panel| (panel, float));
                tasks::for_each(quantized.chain(float), |(panel, rows)| push(panel, rows));
            }
            taken += count;
            self.filled += count;
            if self.filled == BLOCK {
                self.flush();
            }
        }
    }

    /// Adds the products of the rows that wait.
    fn flush(&mut self) {
        let (quantized, float, count) = (&self.quantized, &self.float, self.filled);
        let h = self.h.iter_mut().map(|tile| (tile, quantized));
        let g = self.g.iter_mut().map(|tile| (tile, float));
        tasks::for_each(h.chain(g), |(tile, right)| {
            tile.add(quantized, right, count, self.precision);
        });
        self.filled = 0;
    }
}

/// The tiles of all groups.
fn tiles(panels: &[Panel], groups: usize, shape: Shape) -> Vec<Tile> {
    let each = panels.len() / groups;
    let of_group = |group| Tile::of_panels(panels, group * each..(group + 1) * each, shape);
    (0..groups).flat_map(of_group).collect()
}

/// The moments of all inputs.
fn moments(panels: &[Panel]) -> Moments {
    let of = |which: usize| {
        panels.iter().flat_map(|panel| panel.moments()[which]).copied().collect::<Array1<f64>>()
    };
    Moments { sum: of(0), abs_sum: of(1), abs_max: of(2) }
}
