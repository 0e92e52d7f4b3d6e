//! The measurement: one network, many accumulators.

use fewbit::Accumulator;
use ndarray::Array2;
use rayon::prelude::*;

use super::network::{FloatLayer, Network, float_outputs};
use super::results::{Exact, Float, Point};
use super::template::Template;
use crate::error::CliError;
use crate::output::Progress;

/// What is measured.
pub(crate) struct Task {
    /// The network as it was.
    pub(crate) layers: Vec<FloatLayer>,
    /// The quantized network.
    pub(crate) network: Network,
    /// `[samples, inputs]`.
    pub(crate) inputs: Array2<f32>,
    /// The class of each sample, if there are classes.
    pub(crate) labels: Option<Vec<u8>>,
}

impl Task {
    fn accuracy(&self, outputs: &Array2<f32>) -> Option<f64> {
        let labels = self.labels.as_ref()?;
        let right = outputs
            .outer_iter()
            .zip(labels)
            .filter(|(row, label)| {
                first_of_greatest(row.iter().copied()) == Some(usize::from(**label))
            })
            .count();
        Some(right as f64 / labels.len() as f64)
    }
}

/// What was measured.
pub(crate) struct Found {
    /// The network before it was quantized.
    pub(crate) float: Float,
    /// With an accumulator that never overflows.
    pub(crate) exact: Exact,
    /// Template by template, `P` rising.
    pub(crate) points: Vec<Point>,
}

/// Runs the network with every template at every width, once exactly, and once in floats.
pub(crate) fn run(
    task: &Task,
    templates: &[Template],
    bits: impl Iterator<Item = u32> + Clone,
) -> Result<Found, CliError> {
    let accumulators = templates
        .iter()
        .flat_map(|template| bits.clone().map(move |p| (template, p)))
        .map(|(template, p)| Ok((template.policy(), p, template.at(p)?)))
        .collect::<Result<Vec<_>, CliError>>()?;
    let float = float_outputs(&task.layers, task.inputs.view());
    let exact = task.network.run(task.inputs.view(), &"exact".parse()?)?.outputs;
    let progress = Progress::new("accumulators", accumulators.len() as u64);
    let measure = |(policy, bits, acc): &(&'static str, u32, Accumulator)| {
        let pass = task.network.run(task.inputs.view(), acc)?;
        progress.step();
        Ok(Point {
            policy,
            bits: *bits,
            acc: acc.to_string(),
            accuracy: task.accuracy(&pass.outputs),
            overflow_share: pass.overflowed as f64 / pass.sums.max(1) as f64,
            sqnr_db: sqnr_db(&exact, &pass.outputs),
            exact: exact == pass.outputs,
            sqnr_float_db: sqnr_db(&float, &pass.outputs),
            equals_float: float == pass.outputs,
        })
    };
    let points = accumulators.par_iter().map(measure).collect::<Result<_, CliError>>()?;
    Ok(Found {
        float: Float { accuracy: task.accuracy(&float) },
        exact: Exact {
            accuracy: task.accuracy(&exact),
            sqnr_float_db: sqnr_db(&float, &exact),
            equals_float: float == exact,
        },
        points,
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
