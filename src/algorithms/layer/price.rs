//! What a guarantee costs: one layer under many accumulators.

use ndarray::ArrayView2;
use serde::Serialize;

use super::activations::ActivationScale;
use super::calibrated::Calibrated;
use super::candidate::LayerCandidate;
use super::inputs::LayerInputs;
use super::job::{AccumulatorConstraint, LayerAccumulator, LayerJob};
use super::judge::Scope;
use super::progress::LayerProgress;
use super::weights::WeightScale;
use crate::accumulate::Accumulator;

/// One layer under many accumulators.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerPrice {
    /// Scale and zero point of the activations' codes.
    pub activations: Option<ActivationScale>,
    /// That summing the statistics took.
    pub statistics_seconds: f64,
    /// One per accumulator, constraint and algorithm, in this order.
    pub points: Vec<PricePoint>,
}

/// One algorithm under one accumulator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PricePoint {
    /// The accumulator.
    pub acc: String,
    /// What was done about it.
    pub constraint: String,
    /// How scales were chosen.
    pub scale: String,
    /// What was chosen, and what it does.
    #[serde(flatten)]
    pub candidate: LayerCandidate,
}

/// Quantizes a layer for every accumulator under every constraint with every algorithm of a job; inputs are summed once.
///
/// Each constraint comes with its scale rule, which takes the place of the job's; `constrained` is `loss` where the constraint
/// is [`AccumulatorConstraint::None`], and group formats keep their own.
///
/// ```
/// use fewbit::algorithms::layer::{
///     AccumulatorConstraint, LayerActivations, LayerJob, MatrixInputs, WeightScale, price_of_guarantee,
/// };
/// use fewbit::formats::Format;
/// use ndarray::array;
///
/// let (weights, inputs) = (array![[4.0f32, -8.0]], array![[255.0f32, 0.0], [1.0, 2.0]]);
/// let job = LayerJob {
///     activations: Some(LayerActivations::new("uint8".parse()?)),
///     ..LayerJob::new(Format::INT4, "rtn".parse()?)
/// };
/// let accumulators = ["int11-sat".parse()?, "int12-sat".parse()?];
/// let constraints = [(AccumulatorConstraint::None, WeightScale::AbsMax)];
/// let mut inputs = MatrixInputs::new(inputs.view());
/// let price = price_of_guarantee(
///     weights.view(), &mut inputs, &job, &accumulators, &constraints, &mut |_| (),
/// )?;
/// // -8 * 255 = -2040 needs 12 bits.
/// let guaranteed: Vec<_> = price.points.iter().map(|p| p.candidate.verdict.guaranteed).collect();
/// assert_eq!(guaranteed, [Some(false), Some(true)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`quantize_layer`](super::quantize_layer).
pub fn price_of_guarantee<I: LayerInputs>(
    weights: ArrayView2<'_, f32>,
    inputs: &mut I,
    job: &LayerJob,
    accumulators: &[Accumulator],
    constraints: &[(AccumulatorConstraint, WeightScale)],
    progress: &mut dyn FnMut(LayerProgress),
) -> Result<LayerPrice, I::Error> {
    let mut calibrated = Calibrated::new(weights, inputs, job, progress)?;
    let mut points = Vec::new();
    for accumulator in accumulators {
        for (constraint, scale) in constraints {
            let scale = match (constraint, scale) {
                (AccumulatorConstraint::None, WeightScale::Constrained) => &WeightScale::Loss,
                _ => scale,
            };
            let mut job = job.clone();
            if let Some(activations) = &mut job.activations {
                let (accumulator, constraint) = (accumulator.clone(), *constraint);
                activations.accumulator = Some(LayerAccumulator { accumulator, constraint });
            }
            job.weights = job.weights.with_scale(scale.clone());
            let (_, candidates) = calibrated.solve(&job, Scope::All)?;
            points.extend(candidates.into_iter().map(|candidate| PricePoint {
                acc: accumulator.to_string(),
                constraint: constraint.to_string(),
                scale: job.weights.scale_name().to_owned(),
                candidate: candidate.without_matrices(),
            }));
        }
    }
    let (activations, statistics_seconds) =
        (calibrated.activations(), calibrated.statistics_seconds);
    Ok(LayerPrice { activations, statistics_seconds, points })
}
