//! One algorithm on the layer.

use std::time::Instant;

use ndarray::{Array2, ArrayView2};

use super::error::LayerError;
use super::grid::WeightGrid;
use super::job::{AccumulatorConstraint, LayerJob};
use super::solver::LayerSolver;
use crate::accumulate::bounds::{InputRange, Inputs};
use crate::accumulate::{Accumulator, Register};
use crate::algorithms::{
    A2qParams, AlgorithmError, Axe, Constraint, Info, Problem, SoftThreshold, Solution, Statistics,
    a2q, beacon, gpfq, gptaq, gptq, qronos, rtn,
};
use crate::quantize::Centring;

/// What all algorithms get.
pub(super) struct Task<'a> {
    pub(super) job: &'a LayerJob,
    pub(super) weights: ArrayView2<'a, f32>,
    pub(super) statistics: &'a Statistics,
    pub(super) grid: &'a WeightGrid,
    /// Codes of the activations.
    pub(super) range: Option<InputRange>,
}

/// What one of them chose.
pub(super) struct Solved {
    pub(super) codes: Array2<u32>,
    pub(super) values: Array2<f32>,
    /// What the grid's scales are multiplied by, per row.
    pub(super) factor: Option<Vec<f32>>,
    pub(super) info: Info,
    pub(super) seconds: f64,
}

impl Task<'_> {
    /// Runs one algorithm.
    pub(super) fn solve(&self, solver: &LayerSolver) -> Result<Solved, LayerError> {
        if matches!(solver, LayerSolver::Beacon(_)) && !self.grid.has_free_scales() {
            return Err(LayerError::FixedScales(self.job.weights.format_name()));
        }
        let axe = self.axe()?;
        let start = Instant::now();
        let problem = Problem {
            weights: self.weights,
            statistics: self.statistics,
            grid: self.grid.grid(),
            constraint: axe.as_ref().map(|axe| axe as &dyn Constraint),
        };
        let (solution, factor) = match solver {
            LayerSolver::Rtn(params) => (rtn(&problem, params)?, None),
            LayerSolver::Gpfq(params) => (gpfq(&problem, params)?, None),
            LayerSolver::Gptq(params) => (gptq(&problem, params)?, None),
            LayerSolver::Qronos(params) => (qronos(&problem, params)?, None),
            LayerSolver::Gptaq(params) => (gptaq(&problem, params)?, None),
            LayerSolver::Beacon(params) => {
                let found = beacon(&problem, params)?;
                (found.solution, Some(found.factor))
            }
            LayerSolver::A2q(centring) => (self.project(solver.name(), *centring)?, None),
        };
        let seconds = start.elapsed().as_secs_f64();
        let Solution { codes, values, info } = solution;
        Ok(Solved { codes, values, factor, info, seconds })
    }

    fn axe(&self) -> Result<Option<Axe>, AlgorithmError> {
        let (Some(wanted), Some(range)) = (self.job.accumulator(), self.range) else {
            return Ok(None);
        };
        let soft = match wanted.constraint {
            AccumulatorConstraint::Axe => SoftThreshold::On,
            AccumulatorConstraint::AxeStrict => SoftThreshold::Off,
            AccumulatorConstraint::None => return Ok(None),
        };
        let inputs = Inputs::Same(range);
        Axe::new(&wanted.accumulator, &inputs, self.weights.ncols(), soft).map(Some)
    }

    fn project(&self, name: &'static str, centring: Centring) -> Result<Solution, LayerError> {
        let stage = self.job.accumulator().and_then(|wanted| first_stage(&wanted.accumulator));
        let (Some((bits, tile)), Some(input)) = (stage, self.range) else {
            return Err(LayerError::NoRegister(name));
        };
        let params = A2qParams { bits, input, tile, centring };
        Ok(a2q(self.weights, self.grid.grid(), &params)?)
    }
}

/// Width and tile of an accumulator that begins with an integer register.
fn first_stage(acc: &Accumulator) -> Option<(u32, Option<usize>)> {
    let stage = acc.stages().first()?;
    let Register::Int { bits, .. } = stage.register else { return None };
    let tile = stage.count.map(|count| usize::try_from(count.get()).unwrap_or(usize::MAX));
    Some((bits, tile))
}
