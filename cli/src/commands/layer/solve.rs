//! One algorithm on the layer.

use std::time::Instant;

use fewbit::Accumulator;
use fewbit::accumulate::Register;
use fewbit::accumulate::bounds::{InputRange, Inputs};
use fewbit::algorithms::{
    A2qParams, AlgorithmError, Axe, BeaconParams, Constraint, GpfqParams, GptaqParams, GptqParams,
    Info, Problem, QronosParams, RtnParams, SoftThreshold, Solution, Statistics, a2q, beacon, gpfq,
    gptaq, gptq, qronos, rtn,
};
use fewbit::quantize::Centring;
use ndarray::{Array2, ArrayView2};

use super::args::{Algorithm, Args, Keeping};
use super::grid::WeightGrid;
use crate::error::CliError;

/// What all algorithms get.
pub(super) struct Task<'a> {
    pub(super) args: &'a Args,
    pub(super) weights: ArrayView2<'a, f32>,
    pub(super) statistics: &'a Statistics,
    pub(super) grid: &'a WeightGrid,
    /// Codes of the activations.
    pub(super) range: Option<InputRange>,
}

/// What one of them chose.
pub(super) struct Solved {
    pub(super) algorithm: Algorithm,
    pub(super) codes: Array2<u32>,
    pub(super) values: Array2<f32>,
    /// What the grid's scales are multiplied by, per row.
    pub(super) factor: Option<Vec<f32>>,
    pub(super) info: Info,
    pub(super) seconds: f64,
}

impl Task<'_> {
    /// Runs one algorithm.
    pub(super) fn solve(&self, algorithm: Algorithm) -> Result<Solved, CliError> {
        self.check(algorithm)?;
        let axe = self.axe()?;
        let start = Instant::now();
        let problem = Problem {
            weights: self.weights,
            statistics: self.statistics,
            grid: &self.grid.grid,
            constraint: axe.as_ref().map(|axe| axe as &dyn Constraint),
        };
        let (solution, factor) = self.run(algorithm, &problem)?;
        let seconds = start.elapsed().as_secs_f64();
        let Solution { codes, values, info } = solution;
        Ok(Solved { algorithm, codes, values, factor, info, seconds })
    }

    fn run(
        &self,
        algorithm: Algorithm,
        problem: &Problem<'_>,
    ) -> Result<(Solution, Option<Vec<f32>>), CliError> {
        let (order, precision) = (self.args.order(), self.args.precision());
        let damping = self.args.damping;
        let solution = match algorithm {
            Algorithm::Rtn => rtn(problem, &RtnParams { order, precision }),
            Algorithm::Gpfq => gpfq(problem, &GpfqParams { order, precision }),
            Algorithm::Gptq => {
                let plain = GptqParams::default();
                let damping = damping.unwrap_or(plain.damping);
                gptq(problem, &GptqParams { order, precision, damping, ..plain })
            }
            Algorithm::Qronos => {
                let plain = QronosParams::default();
                let damping = damping.unwrap_or(plain.damping);
                qronos(problem, &QronosParams { order, precision, damping, ..plain })
            }
            Algorithm::Gptaq => {
                let plain = GptaqParams::default();
                let damping = damping.unwrap_or(plain.damping);
                gptaq(problem, &GptaqParams { order, precision, damping, ..plain })
            }
            Algorithm::Beacon => {
                let found = beacon(problem, &BeaconParams { order, ..BeaconParams::default() })?;
                return Ok((found.solution, Some(found.factor)));
            }
            Algorithm::A2q => self.project(Centring::None),
            Algorithm::A2qPlus => self.project(Centring::Mean),
        };
        Ok((solution?, None))
    }

    /// Refuses what has no meaning for an algorithm.
    fn check(&self, algorithm: Algorithm) -> Result<(), CliError> {
        let refuse = |what: String| Err(CliError::Arguments(what));
        match algorithm {
            Algorithm::Beacon if !self.grid.has_free_scales() => refuse(format!(
                "beacon chooses scales freely, and those of {} are codes: expected a scalar format, as int4",
                self.args.weights
            )),
            Algorithm::A2q | Algorithm::A2qPlus
                if first_stage(self.args.acc.as_ref()).is_none() =>
            {
                refuse(format!(
                    "{algorithm} projects onto what an accumulator holds: expected --acc with an integer register first, as \
                 int16-sat or int16-sat/64,int24-sat"
                ))
            }
            _ => Ok(()),
        }
    }

    fn axe(&self) -> Result<Option<Axe>, CliError> {
        let soft = match self.args.constraint() {
            Keeping::Axe => SoftThreshold::On,
            Keeping::AxeStrict => SoftThreshold::Off,
            Keeping::None => return Ok(None),
        };
        let (Some(acc), Some(range)) = (&self.args.acc, self.range) else { return Ok(None) };
        Ok(Some(Axe::new(acc, &Inputs::Same(range), self.weights.ncols(), soft)?))
    }

    fn project(&self, centring: Centring) -> Result<Solution, AlgorithmError> {
        let (bits, tile) = first_stage(self.args.acc.as_ref()).unwrap_or((64, None));
        let input = self.range.unwrap_or(InputRange::new(0, 0));
        let params = A2qParams { bits, input, tile, centring };
        a2q(self.weights, &self.grid.grid, &params)
    }
}

/// Width and tile of an accumulator that begins with an integer register.
fn first_stage(acc: Option<&Accumulator>) -> Option<(u32, Option<usize>)> {
    let stage = acc?.stages().first()?;
    let Register::Int { bits, .. } = stage.register else { return None };
    let tile = stage.count.map(|count| usize::try_from(count.get()).unwrap_or(usize::MAX));
    Some((bits, tile))
}
