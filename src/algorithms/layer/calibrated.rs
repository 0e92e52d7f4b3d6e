//! A layer whose inputs have been summed: what jobs on the same inputs share.

use ndarray::{ArrayView2, CowArray, Ix2};

use super::activations::ActivationScale;
use super::candidate::LayerCandidate;
use super::error::LayerError;
use super::grid::WeightGrid;
use super::inputs::LayerInputs;
use super::job::LayerJob;
use super::judge::{Scope, judge};
use super::passes::Passes;
use super::progress::{LayerPhase, LayerProgress};
use super::solve::Task;
use super::weights::WeightScale;
use crate::algorithms::{AlgorithmError, Statistics};

/// Inputs, transformed weights and statistics.
pub(super) struct Calibrated<'a, 'w, I> {
    pub(super) passes: Passes<'a, I>,
    weights: CowArray<'w, f32, Ix2>,
    pub(super) statistics: Statistics,
    pub(super) statistics_seconds: f64,
}

impl<'a, 'w, I: LayerInputs> Calibrated<'a, 'w, I> {
    /// Reads the inputs as a job transforms and quantizes them.
    ///
    /// # Errors
    /// Weights and inputs that do not fit or are not finite, inputs that cannot be read.
    pub(super) fn new(
        weights: ArrayView2<'w, f32>,
        inputs: &'a mut I,
        job: &LayerJob,
        progress: &'a mut dyn FnMut(LayerProgress),
    ) -> Result<Self, I::Error> {
        check_inputs(weights.dim(), inputs.dim())?;
        let mut passes = Passes::new(inputs, progress);
        if let Some(equalization) = &job.equalization {
            let most = passes.abs_max()?;
            let equalized = passes.transform.equalize(equalization, weights, &most);
            equalized.map_err(LayerError::from)?;
        }
        if let Some(rotation) = job.rotation {
            let rotated = passes.transform.rotate(rotation, weights.ncols(), job.seed);
            rotated.map_err(LayerError::from)?;
        }
        let weights = match passes.transform.is_identity() {
            true => CowArray::from(weights),
            false => {
                let transformed = passes.transform.weights(weights.to_owned());
                CowArray::from(transformed.map_err(LayerError::from)?)
            }
        };
        if let Some(activations) = &job.activations {
            passes.calibrate(activations)?;
        }
        let (statistics, statistics_seconds) = passes.statistics(weights.ncols())?;
        Ok(Self { passes, weights, statistics, statistics_seconds })
    }

    /// Scale and zero point of the activations' codes.
    pub(super) fn activations(&self) -> Option<ActivationScale> {
        self.passes.codes().map(|codes| codes.affine())
    }

    /// The grid of a job, and what each of its algorithms chooses on it.
    ///
    /// # Errors
    /// What has no meaning for a format, an algorithm or an accumulator; inputs that cannot be read.
    pub(super) fn solve(
        &mut self,
        job: &LayerJob,
        scope: Scope,
    ) -> Result<(WeightGrid, Vec<LayerCandidate>), I::Error> {
        check_job(job)?;
        let weights = self.weights.view();
        let grid = WeightGrid::new(&job.weights, weights, &self.statistics)?;
        let range = self.passes.codes().map(|codes| codes.range());
        let task = Task { job, weights, statistics: &self.statistics, grid: &grid, range };
        let total = job.solvers.len();
        self.passes.report(LayerPhase::Solving, 0, total);
        let mut solved = Vec::with_capacity(total);
        for solver in &job.solvers {
            solved.push(task.solve(solver)?);
            self.passes.report(LayerPhase::Solving, solved.len(), total);
        }
        let verdicts = judge(&task, &mut self.passes, &solved, scope)?;
        let solvers = job.solvers.iter().zip(solved).zip(verdicts);
        let candidates = solvers
            .map(|((solver, solved), verdict)| LayerCandidate::new(*solver, solved, verdict))
            .collect();
        Ok((grid, candidates))
    }
}

fn check_inputs(weights: (usize, usize), inputs: (usize, usize)) -> Result<(), LayerError> {
    if weights.1 != inputs.1 {
        return Err(LayerError::Inputs { weights, inputs });
    }
    if inputs.0 == 0 {
        return Err(AlgorithmError::NoSamples.into());
    }
    Ok(())
}

/// Refuses what has no meaning whatever the inputs are.
pub(super) fn check_job(job: &LayerJob) -> Result<(), LayerError> {
    let constrained = job.weights.scale() == WeightScale::Constrained;
    if constrained && job.accumulator().is_none() {
        return Err(LayerError::Unconstrained);
    }
    match job.accumulator().map(|wanted| &wanted.accumulator).filter(|acc| !acc.is_integer()) {
        Some(acc) => Err(LayerError::FloatStage(acc.to_string())),
        None => Ok(()),
    }
}
