//! One algorithm's weights through the accumulator.

use ndarray::{Array2, ArrayView2};

use super::error::LayerError;
use super::verdict::StageVerdict;
use crate::accumulate::bounds::{InputRange, Inputs, Layer, Side};
use crate::accumulate::{Accumulator, Report};
use crate::{MatmulOptions, PackedMatrix, ReportLevel, matmul_packed};

/// Rows of worst inputs that are multiplied at once.
const WITNESSES: usize = 1024;

/// The accumulation of one algorithm's weights.
pub(super) struct Accumulation {
    levels: Array2<i64>,
    packed: PackedMatrix,
    report: Report,
}

impl Accumulation {
    /// Of weights that are these integers, `[out, in]`; nothing is summed yet.
    pub(super) fn new(levels: Array2<i64>, acc: &Accumulator) -> Self {
        let packed = PackedMatrix::new(levels.t());
        Self { levels, packed, report: Report::new(acc.stages().len()) }
    }

    /// Sums the products with these codes of activations, `[samples, in]`.
    pub(super) fn multiply(
        &mut self,
        codes: ArrayView2<'_, i64>,
        acc: &Accumulator,
    ) -> Result<(), LayerError> {
        let options = MatmulOptions { report: ReportLevel::Full, isa: None, init: None };
        if let Some(report) = matmul_packed(codes, &self.packed, acc, &options)?.report {
            self.report.merge(&report);
        }
        Ok(())
    }

    /// The bounds for activations of `range`, and the inputs that reach them through the accumulator.
    pub(super) fn finish(
        mut self,
        acc: &Accumulator,
        range: InputRange,
    ) -> Result<Vec<StageVerdict>, LayerError> {
        let levels = std::mem::take(&mut self.levels);
        let layer = Layer::new(levels.view(), Inputs::Same(range))?;
        let bounds = layer.bounds(acc)?;
        let guarantee = bounds.guarantees(acc)?;
        let rows: Vec<usize> = (0..levels.nrows()).collect();
        for rows in rows.chunks(WITNESSES / 2) {
            let sides = rows.iter().flat_map(|&row| [(row, Side::Lower), (row, Side::Upper)]);
            let witnesses: Vec<Vec<i64>> =
                sides.map(|(row, side)| layer.witness(row, side)).collect();
            let shape = (witnesses.len(), levels.ncols());
            let witnesses = Array2::from_shape_fn(shape, |(row, col)| witnesses[row][col]);
            self.multiply(witnesses.view(), acc)?;
        }
        let stages = acc.stages().iter().enumerate().zip(&self.report.stages);
        Ok(stages
            .map(|((index, stage), found)| StageVerdict {
                stage: stage.to_string(),
                guaranteed_bits: bounds.required_bits(index),
                observed_bits: found.required_bits,
                events: found.events,
                guaranteed: guarantee.fits.iter().all(|row| row[index]),
            })
            .collect())
    }
}
