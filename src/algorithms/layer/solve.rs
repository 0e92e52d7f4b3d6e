//! One algorithm on the layer.

use std::time::Instant;

use ndarray::{Array2, ArrayView2};

use super::error::LayerError;
use super::grid::WeightGrid;
use super::job::{AccumulatorConstraint, LayerJob};
use super::scales::least_squares;
use super::solver::LayerSolver;
use super::weights::{GroupScale, LayerWeights};
use crate::accumulate::bounds::{InputRange, Inputs};
use crate::accumulate::{Accumulator, Register};
use crate::algorithms::{
    A2qParams, AlgorithmError, Axe, Constraint, Effort, Grid, Info, Problem, ScaleChoice, Scaled,
    SoftThreshold, Solution, Statistics, a2q, beacon, gpfq, gptaq, gptq, joint, polish, qronos,
    rtn, search_scales, search_scales_by,
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
    /// `[out, groups]`, where they were chosen too.
    pub(super) scale: Option<Array2<f32>>,
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
        let candidates = self.scale_candidates()?;
        let scales = candidates.as_deref().map_or(ScaleChoice::Fixed, ScaleChoice::Searched);
        let problem = Problem {
            weights: self.weights,
            statistics: self.statistics,
            grid: self.grid.grid(),
            constraint: axe.as_ref().map(|axe| axe as &dyn Constraint),
        };
        let wanted = self.job.accumulator().map(|wanted| wanted.constraint);
        let is_joint = wanted == Some(AccumulatorConstraint::Joint);
        let found = match (solver.sequential(), scales) {
            (Some(sequential), _) if is_joint => {
                let effort = self.job.effort.unwrap_or_default();
                joint(&problem, axe.as_ref(), sequential, scales, effort)?
            }
            (Some(sequential), ScaleChoice::Searched(candidates)) => self.polished(
                search_scales(&problem, axe.as_ref(), sequential, candidates)?,
                &problem,
                axe.as_ref(),
                scales,
            )?,
            (None, ScaleChoice::Searched(candidates)) => {
                let round = |grid: &Grid| self.round(solver, &problem.on(grid));
                let found = search_scales_by(&problem, axe.as_ref(), &round, candidates)?;
                self.polished(found, &problem, axe.as_ref(), scales)?
            }
            (_, ScaleChoice::Fixed) => {
                let found = self.round(solver, &problem)?;
                // Beacon's scales are free whatever the grid's are.
                let scales = match solver {
                    LayerSolver::Beacon(_) => ScaleChoice::Searched(&[]),
                    _ => ScaleChoice::Fixed,
                };
                self.polished(found, &problem, axe.as_ref(), scales)?
            }
        };
        let seconds = start.elapsed().as_secs_f64();
        let Scaled { solution: Solution { codes, values, info }, scale } = found;
        let scale = (scale != self.grid.grid().scale()).then_some(scale);
        Ok(Solved { codes, values, scale, info, seconds })
    }

    /// Codes and scales of an algorithm as it is published.
    fn round(&self, solver: &LayerSolver, problem: &Problem<'_>) -> Result<Scaled, LayerError> {
        let own = |solution| Scaled { solution, scale: problem.grid.scale().to_owned() };
        Ok(match solver {
            LayerSolver::Rtn(params) => own(rtn(problem, params)?),
            LayerSolver::Gpfq(params) => own(gpfq(problem, params)?),
            LayerSolver::Gptq(params) => own(gptq(problem, params)?),
            LayerSolver::Qronos(params) => own(qronos(problem, params)?),
            LayerSolver::Gptaq(params) => own(gptaq(problem, params)?),
            LayerSolver::Beacon(params) => {
                let found = beacon(problem, params)?;
                let scale = problem.grid.rescaled(&found.factor)?.scale().to_owned();
                Scaled { solution: found.solution, scale }
            }
            LayerSolver::A2q(centring) => {
                own(self.project(solver.name(), *centring, problem.grid)?)
            }
        })
    }

    /// The same after descent, where an effort is asked for.
    fn polished(
        &self,
        found: Scaled,
        problem: &Problem<'_>,
        axe: Option<&Axe>,
        scales: ScaleChoice<'_>,
    ) -> Result<Scaled, LayerError> {
        let Some(effort) = self.job.effort.filter(|effort| *effort > Effort::NONE) else {
            return Ok(found);
        };
        let grid = problem.grid.with_scale(found.scale)?;
        let problem = problem.on(&grid);
        let info = found.solution.info;
        let mut found = polish(&problem, axe, found.solution.codes.view(), scales, effort)?;
        found.solution.info = info;
        Ok(found)
    }

    /// What scales may be besides the grid's own; `None` where they may be nothing else.
    fn scale_candidates(&self) -> Result<Option<Vec<Array2<f32>>>, LayerError> {
        match &self.job.weights {
            LayerWeights::Scalar(wanted) if wanted.scale.is_by_loss() => {
                Ok(Some(least_squares(wanted, self.weights, self.statistics)?))
            }
            LayerWeights::Groups(wanted) if wanted.scale != GroupScale::OfFormat => {
                Ok(Some(Vec::new()))
            }
            _ => Ok(None),
        }
    }

    fn axe(&self) -> Result<Option<Axe>, AlgorithmError> {
        let (Some(wanted), Some(range)) = (self.job.accumulator(), self.range) else {
            return Ok(None);
        };
        let soft = match wanted.constraint {
            AccumulatorConstraint::Joint | AccumulatorConstraint::Axe => SoftThreshold::On,
            AccumulatorConstraint::AxeStrict => SoftThreshold::Off,
            AccumulatorConstraint::None => return Ok(None),
        };
        let inputs = Inputs::Same(range);
        Axe::new(&wanted.accumulator, &inputs, self.weights.ncols(), soft).map(Some)
    }

    fn project(
        &self,
        name: &'static str,
        centring: Centring,
        grid: &Grid,
    ) -> Result<Solution, LayerError> {
        let stage = self.job.accumulator().and_then(|wanted| first_stage(&wanted.accumulator));
        let (Some((bits, tile)), Some(input)) = (stage, self.range) else {
            return Err(LayerError::NoRegister(name));
        };
        let params = A2qParams { bits, input, tile, centring };
        Ok(a2q(self.weights, grid, &params)?)
    }
}

/// Width and tile of an accumulator that begins with an integer register.
fn first_stage(acc: &Accumulator) -> Option<(u32, Option<usize>)> {
    let stage = acc.stages().first()?;
    let Register::Int { bits, .. } = stage.register else { return None };
    let tile = stage.count.map(|count| usize::try_from(count.get()).unwrap_or(usize::MAX));
    Some((bits, tile))
}
