//! The measurement: one network, many accumulators.

use ndarray::{Array2, ArrayView2};

use super::error::SweepError;
use super::float::{FloatLayer, float_outputs};
use super::network::Network;
use super::range::BitRange;
use super::results::{ExactResult, FloatResult, Sweep, SweepPoint};
use super::template::{AccumulatorTemplate, TemplateKind};
use crate::accumulate::Accumulator;
use crate::quantize::CodeFormat;
use crate::tasks;

/// What is measured.
#[derive(Clone, Debug)]
pub struct SweepJob<'a> {
    /// The network as it was, ReLU between its layers.
    pub layers: &'a [FloatLayer],
    /// Format of the weights, one scale per output.
    pub weights: CodeFormat,
    /// Format of the activations, one scale per layer.
    pub acts: CodeFormat,
    /// What the activations' scales are calibrated on, `[samples, inputs]`.
    pub calibration: ArrayView2<'a, f32>,
    /// What is measured on, `[samples, inputs]`.
    pub inputs: ArrayView2<'a, f32>,
    /// The class of each sample, if there are classes: the number of the output that should be the greatest.
    pub labels: Option<&'a [usize]>,
    /// The accumulators.
    pub templates: &'a [AccumulatorTemplate],
    /// The widths that they have.
    pub bits: BitRange,
}

impl SweepJob<'_> {
    /// Accumulators that are run.
    #[must_use]
    pub fn points(&self) -> usize {
        self.templates.len() * self.bits.len()
    }

    pub(super) fn check(&self) -> Result<(), SweepError> {
        let (labels, samples) = (self.labels.map(<[usize]>::len), self.inputs.nrows());
        match labels.filter(|&labels| labels != samples) {
            Some(labels) => Err(SweepError::Labels { labels, samples }),
            None => Ok(()),
        }
    }

    pub(super) fn accumulators(&self) -> Result<Vec<(TemplateKind, u32, Accumulator)>, SweepError> {
        let of_template = |template| self.bits.bits().map(move |bits| (template, bits));
        let all = self.templates.iter().flat_map(of_template);
        let at = |(template, bits): (&AccumulatorTemplate, u32)| {
            Ok((template.kind(), bits, template.at(bits)?))
        };
        all.map(at).collect()
    }

    pub(super) fn accuracy(&self, outputs: &Array2<f32>) -> Option<f64> {
        let labels = self.labels?;
        let right = outputs
            .outer_iter()
            .zip(labels)
            .filter(|(row, label)| first_of_greatest(row.iter().copied()) == Some(**label))
            .count();
        Some(right as f64 / labels.len() as f64)
    }
}

/// Quantizes a network and runs it with every template at every width, once exactly, and once in floats.
///
/// `progress` is called, from any thread, once for each of the [`SweepJob::points`].
///
/// ```
/// use fewbit::sweep::{BitRange, FloatLayer, SweepJob, sweep};
/// use ndarray::array;
/// let inputs = array![[255.0f32, 255.0]]; // codes 255, scale 1
/// let layers = [FloatLayer::without_bias(array![[7.0, 3.0]])]; // codes 7 and 3, scale 1
/// let templates = ["int{P}-sat".parse()?];
/// let job = SweepJob {
///     layers: &layers,
///     weights: "int4".parse()?,
///     acts: "uint8".parse()?,
///     calibration: inputs.view(),
///     inputs: inputs.view(),
///     labels: None,
///     templates: &templates,
///     bits: BitRange::new(12..=13)?,
/// };
/// let found = sweep(&job, &|| ())?;
/// assert_eq!(found.guaranteed_bits, 13); // (7 + 3) * 255 = 2550 needs 13 bits, signed
/// assert!(!found.points[0].exact && found.points[1].exact); // int12 keeps 2047
/// assert_eq!(found.points[0].overflow_share, 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Layers, inputs and labels that do not fit each other or are not finite; a template without an accumulator of some width.
pub fn sweep(job: &SweepJob<'_>, progress: &(dyn Fn() + Sync)) -> Result<Sweep, SweepError> {
    job.check()?;
    let network = Network::quantize(job.layers, job.weights, job.acts, job.calibration)?;
    let accumulators = job.accumulators()?;
    let float = float_outputs(job.layers, job.inputs)?;
    let exact = network.run(job.inputs, &Accumulator::exact())?.outputs;
    let measure = |(kind, bits, acc): &(TemplateKind, u32, Accumulator)| {
        let pass = network.run(job.inputs, acc)?;
        progress();
        Ok::<_, SweepError>(SweepPoint {
            kind: *kind,
            bits: *bits,
            acc: acc.to_string(),
            accuracy: job.accuracy(&pass.outputs),
            overflow_share: pass.overflowed as f64 / pass.sums.max(1) as f64,
            sqnr_db: sqnr_db(&exact, &pass.outputs),
            exact: exact == pass.outputs,
            sqnr_float_db: sqnr_db(&float, &pass.outputs),
            equals_float: float == pass.outputs,
        })
    };
    let points = tasks::try_map(&accumulators, measure)?;
    Ok(Sweep {
        weights: job.weights.to_string(),
        acts: job.acts.to_string(),
        samples: job.inputs.nrows(),
        float: FloatResult { accuracy: job.accuracy(&float) },
        exact: ExactResult {
            accuracy: job.accuracy(&exact),
            sqnr_float_db: sqnr_db(&float, &exact),
            equals_float: float == exact,
        },
        guaranteed_bits: network.guaranteed_bits()?,
        points,
        #[cfg(feature = "algorithms")]
        guaranteed: Vec::new(),
    })
}

/// `10 log10(sum y^2 / sum (y - y')^2)`; `None` where `y = y'`.
pub(super) fn sqnr_db(exact: &Array2<f32>, found: &Array2<f32>) -> Option<f64> {
    let (mut signal, mut noise) = (0.0f64, 0.0f64);
    for (&y, &other) in exact.iter().zip(found) {
        signal += f64::from(y).powi(2);
        noise += (f64::from(y) - f64::from(other)).powi(2);
    }
    (noise > 0.0).then(|| 10.0 * (signal / noise).log10())
}

/// The index of the greatest value, of several the first.
fn first_of_greatest(values: impl Iterator<Item = f32>) -> Option<usize> {
    let mut best = None;
    for (index, value) in values.enumerate() {
        if best.is_none_or(|(_, greatest)| value > greatest) {
            best = Some((index, value));
        }
    }
    best.map(|(index, _)| index)
}
