//! What the quantized weights do: the error of the outputs, and what happens in the accumulator.

use fewbit::accumulate::bounds::{Inputs as Ranges, Layer, Side};
use fewbit::algorithms::linalg::matmul;
use fewbit::{Accumulator, MatmulOptions, PackedMatrix, Report, ReportLevel, matmul_packed};
use ndarray::{Array2, ArrayView2, Axis};
use serde::Serialize;

use super::acts::Acts;
use super::grid::levels;
use super::inputs::Inputs;
use super::solve::{Solved, Task};
use crate::error::CliError;

/// One stage of the accumulator.
#[derive(Clone, Debug, Serialize)]
pub(super) struct StageVerdict {
    stage: String,
    /// The width that no input whatever overflows.
    pub(super) guaranteed_bits: u32,
    /// The width that these inputs, and the worst ones, need.
    pub(super) observed_bits: u32,
    /// Steps that the register could not hold.
    pub(super) events: u64,
    /// Whether the register is at least as wide as guaranteed.
    pub(super) guaranteed: bool,
}

/// What is found about one algorithm's weights.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    /// `|X Wᵀ - X̃ Qᵀ| / |X Wᵀ|`.
    pub(super) relative_error: f64,
    /// One per stage; `None` without activations' codes or weights that are integers.
    pub(super) stages: Option<Vec<StageVerdict>>,
}

/// The accumulation of one algorithm's weights.
struct Run {
    levels: Array2<i64>,
    packed: PackedMatrix,
    report: Report,
}

/// Judges all algorithms' weights in one pass over the inputs.
pub(super) fn judge(
    task: &Task<'_>,
    inputs: &mut Inputs,
    solved: &[Solved],
) -> Result<Vec<Verdict>, CliError> {
    let acc = match &task.args.acc {
        Some(acc) => acc.clone(),
        None => "exact".parse()?,
    };
    let acts = inputs.acts.clone();
    let mut runs = start(task, acts.as_ref(), &acc, solved)?;
    let changes: Vec<Array2<f32>> = solved.iter().map(|s| &s.values - &task.weights).collect();
    let mut wanted = 0.0;
    let mut errors = vec![0.0; solved.len()];
    inputs.each("outputs", |block| {
        wanted += square(matmul(block.float.view(), task.weights.t()).view());
        let quantized = block.quantized();
        // X̃ Qᵀ - X Wᵀ = X̃ (Q - W)ᵀ + (X̃ - X) Wᵀ, without a difference of large numbers.
        let mismatch =
            block.is_pair().then(|| matmul((&quantized - &block.float).view(), task.weights.t()));
        for (error, change) in errors.iter_mut().zip(&changes) {
            let mut apart = matmul(quantized, change.t());
            if let Some(mismatch) = &mismatch {
                apart += mismatch;
            }
            *error += square(apart.view());
        }
        if let Some(acts) = acts.as_ref().filter(|_| !runs.is_empty()) {
            let codes = acts.codes(quantized)?;
            for run in &mut runs {
                run.multiply(codes.view(), &acc)?;
            }
        }
        Ok(())
    })?;
    let mut runs = runs.into_iter();
    errors
        .into_iter()
        .map(|error| {
            let relative_error = if error == 0.0 { 0.0 } else { (error / wanted).sqrt() };
            let stages = match (runs.next(), &acts) {
                (Some(run), Some(acts)) => Some(run.finish(&acc, acts)?),
                _ => None,
            };
            Ok(Verdict { relative_error, stages })
        })
        .collect()
}

/// One run per algorithm; none where there is nothing to accumulate.
fn start(
    task: &Task<'_>,
    acts: Option<&Acts>,
    acc: &Accumulator,
    solved: &[Solved],
) -> Result<Vec<Run>, CliError> {
    let (Some(_), true) = (acts, acc.is_integer()) else { return Ok(Vec::new()) };
    let mut runs = Vec::with_capacity(solved.len());
    for solved in solved {
        let Some(levels) = levels(&task.grid.grid, &solved.codes) else {
            // Where the activations' codes are for X̃ alone nothing needs to be summed.
            if task.args.quantize_input && task.args.acc.is_none() {
                return Ok(Vec::new());
            }
            return Err(CliError::Arguments(format!(
                "the values of --weights {} are no integers that an accumulator could sum: expected a narrower format, or \
                 --acts with --quantize-input and without --acc",
                task.args.weights
            )));
        };
        let packed = PackedMatrix::new(levels.t());
        runs.push(Run { levels, packed, report: Report::new(acc.stages().len()) });
    }
    Ok(runs)
}

impl Run {
    fn multiply(&mut self, codes: ArrayView2<'_, i64>, acc: &Accumulator) -> Result<(), CliError> {
        let options = MatmulOptions { report: ReportLevel::Full, isa: None, init: None };
        if let Some(report) = matmul_packed(codes, &self.packed, acc, &options)?.report {
            self.report.merge(&report);
        }
        Ok(())
    }

    /// The bounds, and the inputs that reach them through the accumulator.
    fn finish(mut self, acc: &Accumulator, acts: &Acts) -> Result<Vec<StageVerdict>, CliError> {
        let levels = std::mem::take(&mut self.levels);
        let layer = Layer::new(levels.view(), Ranges::Same(acts.range()))?;
        let bounds = layer.bounds(acc)?;
        let guarantee = bounds.guarantees(acc)?;
        let mut witnesses = Array2::zeros((0, levels.ncols()));
        for row in 0..levels.nrows() {
            for side in [Side::Lower, Side::Upper] {
                witnesses.push_row(ndarray::aview1(&layer.witness(row, side)))?;
            }
            if witnesses.nrows() >= 1024 || row + 1 == levels.nrows() {
                self.multiply(witnesses.view(), acc)?;
                witnesses = Array2::zeros((0, levels.ncols()));
            }
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

/// The sum of squares, row by row in f64.
fn square(matrix: ArrayView2<'_, f32>) -> f64 {
    use rayon::prelude::*;
    let rows: Vec<_> = matrix.axis_iter(Axis(0)).collect();
    let sums: Vec<f64> = rows
        .into_par_iter()
        .map(|row| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum())
        .collect();
    sums.iter().sum()
}
