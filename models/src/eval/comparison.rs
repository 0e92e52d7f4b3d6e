//! What accumulators of every width do to a network, and what each algorithm under each constraint makes of that.

use fewbit::algorithms::Effort;
use fewbit::algorithms::layer::AccumulatorConstraint;
use fewbit::sweep::{AccumulatorTemplate, BitRange};
use fewbit::{Accumulator, ReportLevel};
use rayon::prelude::*;
use serde::Serialize;

use crate::exec::integer::{IntegerOptions, IntegerWeights};
use crate::flow::{AccumulatorKind, FlowError, QuantizedNetwork, VisionConfig, VisionFlow};
use crate::graph::Graph;
use crate::passes::NoJournal;
use crate::tensor::Tensor;

use super::accuracy::{ExecutionKind, Labels, predictions, run_batches};
use super::batches::rows;
use super::bounds::network_bounds;
use super::report::Accuracy;
use super::sweep::{SweepPoint, sweep};

/// So many networks are quantized at once, at most: each holds what the calibration images make of it.
const SIDE_BY_SIDE: usize = 4;

/// What [`compare`] compares.
#[derive(Clone, Debug)]
pub struct ComparisonJob<'a> {
    /// The network in floats.
    pub graph: &'a Graph,
    /// Formats, scales and all else but algorithm and accumulator.
    pub config: &'a VisionConfig,
    /// What scales and codes are chosen on.
    pub calibration: &'a [Vec<Tensor>],
    /// What is measured on.
    pub data: &'a [Vec<Tensor>],
    /// The right classes of `data`.
    pub labels: Option<&'a Labels>,
    /// Algorithms that choose codes: `rtn`, `gptq`, `gpfq`, `qronos`.
    pub algorithms: &'a [String],
    /// What each does about the accumulator.
    pub constraints: &'a [AccumulatorConstraint],
    /// Accumulators with `{P}` for the number of bits.
    pub templates: &'a [AccumulatorTemplate],
    /// The numbers of bits.
    pub bits: &'a BitRange,
}

/// One algorithm under one constraint, through one kind of accumulator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// The algorithm.
    pub algorithm: String,
    /// What it does about the accumulator.
    pub constraint: String,
    /// The accumulator, with `{P}`.
    pub acc: String,
    /// `P` rising.
    pub points: Vec<SweepPoint>,
}

/// What [`compare`] finds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The float network.
    pub float: Accuracy,
    /// With nearest codes, through exact accumulators.
    pub exact: Accuracy,
    /// The least width at which no register that sums all of K can overflow with these codes, whatever the input; absent where a
    /// product multiplies no codes.
    pub guaranteed_bits: Option<u32>,
    /// Round-to-nearest without a constraint.
    pub points: Vec<SweepPoint>,
    /// Every pair of algorithm and constraint, in this order, through every kind of accumulator.
    pub series: Vec<Series>,
}

impl ComparisonJob<'_> {
    /// How many points there will be.
    #[must_use]
    pub fn len(&self) -> usize {
        let curves = self.algorithms.len() * self.constraints.len() * self.templates.len();
        curves * self.bits.len()
    }

    /// Whether there will be none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The network by an algorithm, under a constraint of this accumulator.
    fn finish(
        &self,
        calibrated: &QuantizedNetwork,
        algorithm: &str,
        constraint: AccumulatorConstraint,
        accumulator: Option<&Accumulator>,
    ) -> Result<QuantizedNetwork, FlowError> {
        let config = VisionConfig {
            accumulator: accumulator.map(ToString::to_string),
            accumulator_constraint: match constraint {
                AccumulatorConstraint::Joint => AccumulatorKind::Joint,
                AccumulatorConstraint::Axe => AccumulatorKind::Axe,
                AccumulatorConstraint::AxeStrict => AccumulatorKind::AxeStrict,
                _ => AccumulatorKind::None,
            },
            gptq: algorithm == "gptq",
            gpfq: algorithm == "gpfq",
            qronos: algorithm == "qronos",
            rtn: algorithm == "rtn" && constraint != AccumulatorConstraint::None,
            // What is compared are the algorithms as they are published.
            effort: match constraint {
                AccumulatorConstraint::Joint => self.config.effort,
                _ => Effort::NONE,
            },
            ..self.config.clone()
        };
        let flow = VisionFlow { config: &config };
        flow.finish(calibrated.clone(), self.calibration, &mut NoJournal, &mut |_: &str, _, _| ())
    }

    fn series(
        &self,
        calibrated: &QuantizedNetwork,
        algorithm: &str,
        constraint: AccumulatorConstraint,
        guaranteed: Option<u32>,
        step: &(dyn Fn() + Sync),
    ) -> Result<Vec<Series>, FlowError> {
        let options = IntegerOptions { report: ReportLevel::Events, ..IntegerOptions::default() };
        let name = constraint.to_string();
        let measure = |(graph, weights): (&Graph, &IntegerWeights), template: &_, bits: &_| {
            let quiet = &mut |_, _| ();
            let names = (algorithm, name.as_str());
            let network = (graph, weights);
            sweep(network, self.data, self.labels, template, bits, names, &options, quiet)
        };
        let once = match constraint {
            AccumulatorConstraint::None => {
                let network = self.finish(calibrated, algorithm, constraint, None)?;
                let weights = IntegerWeights::of(&network.graph)?;
                Some((network, weights))
            }
            _ => None,
        };
        let point = |template: &AccumulatorTemplate, width: u32| -> Result<_, FlowError> {
            let bits = BitRange::new(width..=width)
                .map_err(|error| FlowError::Combination(error.to_string()))?;
            let found = match &once {
                Some((network, weights)) => measure((&network.graph, weights), template, &bits)?,
                None => {
                    let accumulator = template
                        .at(width)
                        .map_err(|error| FlowError::Combination(error.to_string()))?;
                    let own = self.finish(calibrated, algorithm, constraint, Some(&accumulator))?;
                    let weights = IntegerWeights::of(&own.graph)?;
                    measure((&own.graph, &weights), template, &bits)?
                }
            };
            step();
            Ok(found)
        };
        let widths: Vec<u32> = self.bits.bits().collect();
        let enough = match constraint {
            AccumulatorConstraint::None => None,
            _ => guaranteed.and_then(|bits| widths.iter().position(|&width| width >= bits)),
        };
        let (own, wider) = widths.split_at(enough.map_or(widths.len(), |place| place + 1));
        let mut all = Vec::new();
        for template in self.templates {
            let mut points = Vec::new();
            for some in own.chunks(rayon::current_num_threads().clamp(1, SIDE_BY_SIDE)) {
                let found: Result<Vec<_>, _> =
                    some.par_iter().map(|&width| point(template, width)).collect();
                points.extend(found?.into_iter().flatten());
            }
            for &width in wider {
                match points.last().cloned() {
                    // Nothing overflows, so nothing changes where registers are wider.
                    Some(last @ SweepPoint { events: 0, .. }) => {
                        let acc = template
                            .at(width)
                            .map_err(|error| FlowError::Combination(error.to_string()))?;
                        points.push(SweepPoint { bits: width, acc: acc.to_string(), ..last });
                        step();
                    }
                    _ => points.extend(point(template, width)?),
                }
            }
            let (algorithm, constraint) = (algorithm.to_owned(), name.clone());
            all.push(Series { algorithm, constraint, acc: template.to_string(), points });
        }
        Ok(all)
    }
}

/// Accuracy and overflow events against accumulator bits, for every algorithm under every constraint.
///
/// Without a constraint an algorithm's codes are the same for every `P`; with one they are chosen anew for each, up to the first
/// that [`Comparison::guaranteed_bits`] reaches, whose codes serve all wider ones. `step` hears of
/// every point that is done, of [`ComparisonJob::len`].
///
/// # Errors
/// What the flow refuses; a network that the data does not fit.
pub fn compare(job: &ComparisonJob<'_>, step: &(dyn Fn() + Sync)) -> Result<Comparison, FlowError> {
    let flow = VisionFlow { config: job.config };
    let calibrated = flow.calibrated(job.graph, job.calibration, &mut |_: &str, _, _| ())?;
    let images = job.data.iter().filter_map(|batch| batch.first()).map(rows).sum();
    let share = |graph: &Graph, how: &ExecutionKind<'_>| -> Result<Accuracy, FlowError> {
        let run = run_batches(graph, job.data, how, &mut |_, _| ())?;
        let classes = predictions(&run.batches)?;
        Ok(Accuracy { accuracy: job.labels.map(|labels| labels.accuracy(&classes)), images })
    };
    let float = share(job.graph, &ExecutionKind::Float)?;
    let nearest = job.finish(&calibrated, "rtn", AccumulatorConstraint::None, None)?;
    let exact = share(&nearest.graph, &ExecutionKind::Fake)?;
    let bounds = network_bounds(&nearest.graph, &Accumulator::exact());
    let guaranteed = bounds.iter().map(|node| node.required_bits.first().copied());
    let guaranteed_bits = guaranteed.max().flatten();
    let mut series = Vec::new();
    for algorithm in job.algorithms {
        for &constraint in job.constraints {
            series.extend(job.series(&calibrated, algorithm, constraint, guaranteed_bits, step)?);
        }
    }
    let plain = |series: &&Series| series.algorithm == "rtn" && series.constraint == "none";
    let points = series.iter().filter(plain).flat_map(|series| series.points.clone()).collect();
    Ok(Comparison { float, exact, guaranteed_bits, points, series })
}
