//! What the quantized weights do: the error of the outputs, and what happens in the accumulator.

use ndarray::{Array2, ArrayView2, Axis};

use super::accumulation::Accumulation;
use super::error::LayerError;
use super::inputs::LayerInputs;
use super::job::InputValues;
use super::passes::{Block, Passes};
use super::progress::LayerPhase;
use super::solve::{Solved, Task};
use super::verdict::LayerVerdict;
use crate::accumulate::Accumulator;
use crate::algorithms::linalg::product;
use crate::tasks;

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The error of the outputs, and what happens in the accumulator.
    All,
    /// The error alone.
    Errors,
}

/// Judges all algorithms' weights in one pass over the inputs.
pub(super) fn judge<I: LayerInputs>(
    task: &Task<'_>,
    passes: &mut Passes<'_, I>,
    solved: &[Solved],
    scope: Scope,
) -> Result<Vec<LayerVerdict>, I::Error> {
    let acc = task.job.accumulator().map(|wanted| wanted.accumulator.clone());
    let acc = acc.unwrap_or_else(Accumulator::exact);
    let codes = passes.codes().cloned();
    let mut runs = match scope {
        Scope::All => start(task, &acc, solved)?,
        Scope::Errors => Vec::new(),
    };
    let mut errors = Errors::new(task, solved);
    passes.each(LayerPhase::Outputs, |block| {
        errors.add(block);
        if let Some(codes) = codes.as_ref().filter(|_| !runs.is_empty()) {
            let codes = codes.codes(block.quantized())?;
            for run in &mut runs {
                run.multiply(codes.view(), &acc)?;
            }
        }
        Ok(())
    })?;
    let mut runs = runs.into_iter();
    let verdicts = errors.relative().map(|error| {
        let stages = match (runs.next(), task.range) {
            (Some(run), Some(range)) => Some(run.finish(&acc, range)?),
            _ => None,
        };
        Ok(LayerVerdict::new(error, stages))
    });
    Ok(verdicts.collect::<Result<_, LayerError>>()?)
}

/// One accumulation per algorithm; none where there is nothing to accumulate.
fn start(
    task: &Task<'_>,
    acc: &Accumulator,
    solved: &[Solved],
) -> Result<Vec<Accumulation>, LayerError> {
    let Some(activations) = &task.job.activations else { return Ok(Vec::new()) };
    let levels: Option<Vec<_>> =
        solved.iter().map(|solved| task.grid.levels(&solved.codes)).collect();
    match levels {
        Some(levels) => Ok(levels.into_iter().map(|of| Accumulation::new(of, acc)).collect()),
        // Where the activations' codes are for X̃ alone nothing needs to be summed.
        None if activations.input_values == InputValues::OfCodes
            && activations.accumulator.is_none() =>
        {
            Ok(Vec::new())
        }
        None => Err(LayerError::NoIntegers(task.job.weights.format_name())),
    }
}

/// Sums of squares over all samples.
struct Errors<'a> {
    weights: ArrayView2<'a, f32>,
    /// `Q - W`, algorithm by algorithm.
    changes: Vec<Array2<f32>>,
    /// `|X Wᵀ|²`
    wanted: f64,
    /// `|X Wᵀ - X̃ Qᵀ|²`, algorithm by algorithm.
    apart: Vec<f64>,
}

impl<'a> Errors<'a> {
    fn new(task: &Task<'a>, solved: &[Solved]) -> Self {
        let changes = solved.iter().map(|solved| &solved.values - &task.weights).collect();
        Self { weights: task.weights, changes, wanted: 0.0, apart: vec![0.0; solved.len()] }
    }

    fn add(&mut self, block: &Block) {
        self.wanted += square(product(block.float.view(), self.weights.t()).view());
        let quantized = block.quantized();
        // X̃ Qᵀ - X Wᵀ = X̃ (Q - W)ᵀ + (X̃ - X) Wᵀ, without a difference of large numbers.
        let mismatch =
            block.is_pair().then(|| product((&quantized - &block.float).view(), self.weights.t()));
        for (sum, change) in self.apart.iter_mut().zip(&self.changes) {
            let mut apart = product(quantized, change.t());
            if let Some(mismatch) = &mismatch {
                apart += mismatch;
            }
            *sum += square(apart.view());
        }
    }

    fn relative(self) -> impl Iterator<Item = f64> {
        let wanted = self.wanted;
        let relative = move |apart: f64| if apart == 0.0 { 0.0 } else { (apart / wanted).sqrt() };
        self.apart.into_iter().map(relative)
    }
}

/// The sum of squares, row by row in f64.
fn square(matrix: ArrayView2<'_, f32>) -> f64 {
    /// Rows of one task.
    const ROWS: usize = 16;
    let sums = tasks::map(matrix.axis_chunks_iter(Axis(0), ROWS), |rows| -> Vec<f64> {
        let square = |&x: &f32| f64::from(x) * f64::from(x);
        rows.rows().into_iter().map(|row| row.iter().map(square).sum()).collect()
    });
    sums.iter().flatten().sum()
}
