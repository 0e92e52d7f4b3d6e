//! The collector: rows in, statistics out.

use ndarray::{Array1, Array2, ArrayView2, s};
use rayon::prelude::*;

use super::tiles::{Shape, Tiles};
use super::{BLOCK, Gram, Moments, Statistics};
use crate::algorithms::AlgorithmError;
use crate::algorithms::error::check_finite;
use crate::algorithms::linalg::Precision;

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
    precision: Precision,
    samples: u64,
    groups: Vec<Group>,
    quantized: Moments,
    float: Moments,
    pairs: Option<Pairs>,
    waiting: Array2<f32>,
    waiting_float: Array2<f32>,
    filled: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Pairs {
    Same,
    Different,
}

struct Group {
    h: Tiles,
    g: Tiles,
}

impl Moments {
    fn new(inputs: usize) -> Self {
        let zeros = Array1::zeros(inputs);
        Self { sum: zeros.clone(), abs_sum: zeros.clone(), abs_max: zeros }
    }

    fn add(&mut self, rows: ArrayView2<'_, f32>) {
        for row in rows.rows() {
            ndarray::azip!((sum in &mut self.sum, abs in &mut self.abs_sum, max in &mut self.abs_max, &x in &row) {
                let x = f64::from(x);
                *sum += x;
                *abs += x.abs();
                *max = max.max(x.abs());
            });
        }
    }
}

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
        Ok(Self {
            inputs,
            precision,
            samples: 0,
            groups: (0..groups)
                .map(|_| Group {
                    h: Tiles::new(inputs / groups, Shape::Symmetric),
                    g: Tiles::new(0, Shape::Full),
                })
                .collect(),
            quantized: Moments::new(inputs),
            float: Moments::new(inputs),
            pairs: None,
            waiting: Array2::zeros((BLOCK, inputs)),
            waiting_float: Array2::zeros((0, inputs)),
            filled: 0,
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
        self.groups.len()
    }

    /// The statistics of all rows so far.
    pub fn finish(mut self) -> Statistics {
        self.flush();
        let pairs = self.pairs == Some(Pairs::Different);
        let float = if pairs { self.float } else { self.quantized.clone() };
        let grams = self.groups.into_iter().map(|group| Gram {
            h: group.h.into_matrix(),
            g: pairs.then(|| group.g.into_matrix()),
        });
        Statistics {
            samples: self.samples,
            grams: grams.collect(),
            quantized: self.quantized,
            float,
        }
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
                let width = self.inputs / self.groups.len();
                if pairs == Pairs::Different {
                    self.waiting_float = Array2::zeros((BLOCK, self.inputs));
                    for group in &mut self.groups {
                        group.g = Tiles::new(width, Shape::Full);
                    }
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
            let (from, to) =
                (s![taken..taken + count, ..], s![self.filled..self.filled + count, ..]);
            self.waiting.slice_mut(to).assign(&quantized.slice(from));
            if self.pairs == Some(Pairs::Different) {
                self.waiting_float.slice_mut(to).assign(&float.slice(from));
            }
            taken += count;
            self.filled += count;
            if self.filled == BLOCK {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        let quantized = self.waiting.slice(s![..self.filled, ..]);
        self.quantized.add(quantized);
        let width = self.inputs / self.groups.len();
        let float = self.waiting_float.slice(s![..self.filled.min(self.waiting_float.nrows()), ..]);
        let (pairs, precision) = (self.pairs, self.precision);
        self.groups.par_iter_mut().enumerate().for_each(|(index, group)| {
            let columns = s![.., index * width..(index + 1) * width];
            let x = quantized.slice(columns);
            group.h.add(x, x, precision);
            if pairs == Some(Pairs::Different) {
                group.g.add(x, float.slice(columns), precision);
            }
        });
        self.float.add(float);
        self.filled = 0;
    }
}
