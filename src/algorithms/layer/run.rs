//! From a job to a quantized layer.

use ndarray::{Array2, ArrayView2};

use super::activations::ActivationScale;
use super::calibrated::{Calibrated, check_job};
use super::candidate::LayerCandidate;
use super::error::LayerError;
use super::grid::WeightGrid;
use super::inputs::LayerInputs;
use super::job::LayerJob;
use super::judge::Scope;
use super::progress::LayerProgress;
use super::transform::LayerTransform;
use crate::algorithms::Statistics;
use crate::tensor::AnyQuantTensor;

/// Everything that is found about a layer.
#[derive(Clone, Debug)]
pub struct QuantizedLayer {
    /// The values that the weights could take.
    pub grid: WeightGrid,
    /// What was done to weights and inputs first.
    pub transform: LayerTransform,
    /// Scale and zero point of the activations' codes, where there are any.
    pub activations: Option<ActivationScale>,
    /// Of the transformed inputs.
    pub statistics: Statistics,
    /// That summing the statistics took.
    pub statistics_seconds: f64,
    /// What each algorithm chose, in the order of the job.
    pub candidates: Vec<LayerCandidate>,
}

/// Chooses the codes of a layer's weights `[out, in]`, and says what they do to its outputs and in its accumulator.
///
/// ```text
/// W, X, X̃  ->  transformed alike  ->  statistics of X and X̃  ->  grid of values
///          ->  per algorithm: codes  ->  error of the outputs, overflows of the inputs and of the worst ones
/// ```
///
/// The inputs are read once per [`LayerPhase`](super::LayerPhase) that is a pass: for the ranges that equalization and activations need, for
/// the statistics, for the outputs. `progress` is told of every step.
///
/// ```
/// use fewbit::algorithms::layer::{LayerActivations, LayerJob, MatrixInputs, quantize_layer};
/// use fewbit::formats::Format;
/// use ndarray::array;
///
/// let (weights, inputs) = (array![[4.0f32, -8.0]], array![[255.0f32, 0.0], [1.0, 2.0]]);
/// let activations = LayerActivations::new("uint8".parse()?).into_accumulator("int12-sat".parse()?);
/// let job = LayerJob {
///     activations: Some(activations),
///     ..LayerJob::new(Format::INT4, "rtn".parse()?)
/// };
/// let layer = quantize_layer(weights.view(), &mut MatrixInputs::new(inputs.view()), &job, &mut |_| ())?;
/// // A scale of 8 / 8: the weights are codes themselves. At worst 4 * 255 = 1020, -8 * 255 = -2040.
/// let rtn = &layer.candidates[0];
/// assert_eq!(rtn.values, weights);
/// assert_eq!(rtn.verdict.guaranteed_bits, Some(12));
/// assert_eq!((rtn.verdict.relative_error, rtn.verdict.events), (0.0, Some(0)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Weights and inputs that do not fit or are not finite, inputs that cannot be read, and what has no meaning for a format,
/// an algorithm or an accumulator: see [`LayerError`].
pub fn quantize_layer<I: LayerInputs>(
    weights: ArrayView2<'_, f32>,
    inputs: &mut I,
    job: &LayerJob,
    progress: &mut dyn FnMut(LayerProgress),
) -> Result<QuantizedLayer, I::Error> {
    // Before anything is read.
    check_job(job)?;
    let mut calibrated = Calibrated::new(weights, inputs, job, progress)?;
    let (grid, candidates) = calibrated.solve(job, Scope::All)?;
    let activations = calibrated.activations();
    let Calibrated { passes, statistics, statistics_seconds, .. } = calibrated;
    let transform = passes.transform;
    Ok(QuantizedLayer { grid, transform, activations, statistics, statistics_seconds, candidates })
}

impl QuantizedLayer {
    /// A candidate's weights as a tensor: codes, scales and zero points.
    ///
    /// # Errors
    /// A candidate of another layer.
    pub fn tensor(&self, candidate: &LayerCandidate) -> Result<AnyQuantTensor, LayerError> {
        self.grid.tensor(candidate.codes.view(), candidate.scale.as_ref())
    }

    /// The matrix that acts on the inputs as they were as a candidate's values do on the transformed ones, `[out, in]`.
    ///
    /// # Errors
    /// A candidate of another layer.
    pub fn effective(&self, candidate: &LayerCandidate) -> Result<Array2<f32>, LayerError> {
        Ok(self.transform.effective(candidate.values.view())?)
    }
}
