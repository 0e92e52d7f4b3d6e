//! One layer's weights, and what a network loses to an accumulator.

use fewbit::algorithms::equalize::SmoothParams;
use fewbit::algorithms::layer::{
    AccumulatorConstraint, Equalization, InputValues, LayerAccumulator, LayerActivations, LayerJob,
    LayerRotation, LayerSolver, LayerWeights, MatrixInputs, ScalarWeights, ScaleSharing,
    WeightScale, quantize_layer,
};
use fewbit::algorithms::{Effort, Order, Precision};
use fewbit::quantize::CodeFormat;
use fewbit::sweep::{
    AccumulatorTemplate, BitRange, FloatLayer, SweepJob, guaranteed_points, sweep as run_sweep,
};
use fewbit_formats::{Format, GroupFormat, GroupFormatError};
use ndarray::Array2;
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArrayDyn};
use pyo3::prelude::*;
use serde::Serialize;

use crate::errors::value_error;
use crate::policy::named;
use crate::products::json;
use crate::tensors::Tensor;
use crate::threads::detached;

/// A rule for scales, or the scales.
#[derive(FromPyObject)]
pub(crate) enum Scale<'py> {
    Rule(String),
    Given(PyReadonlyArrayDyn<'py, f32>),
}

/// What is to be done with a layer, as Python says it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Asked<'py> {
    algorithms: Vec<String>,
    weights: String,
    granularity: Option<String>,
    scale: Option<Scale<'py>>,
    equalize: Option<String>,
    alpha: f64,
    rotate: Option<String>,
    acts: Option<String>,
    quantize_input: bool,
    acc: Option<String>,
    constraint: Option<String>,
    effort: Option<u8>,
    act_order: bool,
    damping: Option<f64>,
    precision: Option<String>,
    seed: u64,
}

fn meaningless(argument: &str, algorithms: &[String]) -> PyErr {
    value_error(format!("{argument} has no meaning for {}: leave it out", algorithms.join(" and ")))
}

impl Asked<'_> {
    fn solvers(&self) -> PyResult<Vec<LayerSolver>> {
        let precision = match self.precision.as_deref() {
            None => None,
            Some("single") => Some(Precision::Single),
            Some("double") => Some(Precision::Double),
            Some(other) => {
                return Err(value_error(format!(
                    "precision is '{other}': expected 'single' or 'double'"
                )));
            }
        };
        let order = if self.act_order { Order::Descending } else { Order::Natural };
        let all: Vec<LayerSolver> =
            self.algorithms.iter().map(|name| named(name)).collect::<PyResult<_>>()?;
        let none = |has_a_use: &dyn Fn(LayerSolver) -> bool| !all.iter().copied().any(has_a_use);
        let refused = [
            ("damping", self.damping.is_some() && none(&|s| s.with_damping(0.0).is_some())),
            (
                "precision",
                precision.is_some() && none(&|s| s.with_precision(Precision::Single).is_some()),
            ),
            ("act_order", self.act_order && none(&|s| s.with_order(Order::Natural).is_some())),
        ];
        if let Some((argument, _)) = refused.iter().find(|(_, refused)| *refused) {
            return Err(meaningless(argument, &self.algorithms));
        }
        let solver = |solver: LayerSolver| {
            let solver = solver.with_order(order).unwrap_or(solver);
            let solver = precision.and_then(|p| solver.with_precision(p)).unwrap_or(solver);
            self.damping.and_then(|damping| solver.with_damping(damping)).unwrap_or(solver)
        };
        Ok(all.into_iter().map(solver).collect())
    }

    fn weights(&self) -> PyResult<LayerWeights> {
        let rule = match &self.scale {
            None => None,
            Some(Scale::Rule(rule)) => Some(named::<WeightScale>(rule)?),
            Some(Scale::Given(scales)) => Some(WeightScale::Given(scales.as_array().to_owned())),
        };
        match self.weights.parse::<GroupFormat>() {
            Ok(format) => {
                if self.granularity.is_some() {
                    return Err(value_error(format!(
                        "granularity has no meaning for {format}, which sets it"
                    )));
                }
                match rule {
                    None => Ok(format.into()),
                    Some(rule) if rule.is_by_loss() => {
                        Ok(LayerWeights::from(format).with_scale(rule))
                    }
                    Some(rule) => Err(value_error(format!(
                        "scale '{rule}' has no meaning for {format}, which sets it: expected 'loss' or 'constrained'"
                    ))),
                }
            }
            Err(GroupFormatError::Unknown(_)) => {
                let format: Format = named(&self.weights)?;
                let sharing = self.granularity.as_deref().map(named::<ScaleSharing>).transpose()?;
                Ok(ScalarWeights {
                    format,
                    sharing: sharing.unwrap_or_default(),
                    scale: rule.unwrap_or_default(),
                }
                .into())
            }
            Err(error) => Err(value_error(error)),
        }
    }

    fn activations(&self) -> PyResult<Option<LayerActivations>> {
        let Some(acts) = &self.acts else {
            return match (&self.acc, self.quantize_input) {
                (None, false) => Ok(None),
                (Some(acc), _) => Err(value_error(format!(
                    "acc is '{acc}', which multiplies codes of the activations: give their format as acts"
                ))),
                (None, true) => {
                    Err(value_error("quantize_input needs the format of the activations, acts"))
                }
            };
        };
        let constraint =
            self.constraint.as_deref().map(named::<AccumulatorConstraint>).transpose()?;
        if self.acc.is_none() && constraint.is_some() {
            return Err(value_error("constraint keeps an accumulator: give acc"));
        }
        let accumulator = match &self.acc {
            None => None,
            Some(acc) => Some(LayerAccumulator {
                accumulator: named(acc)?,
                constraint: constraint.unwrap_or_default(),
            }),
        };
        Ok(Some(LayerActivations {
            format: named::<CodeFormat>(acts)?,
            input_values: match self.quantize_input {
                true => InputValues::OfCodes,
                false => InputValues::AsGiven,
            },
            accumulator,
        }))
    }

    fn job(&self) -> PyResult<LayerJob> {
        let equalization = match self.equalize.as_deref() {
            None => None,
            Some("smoothquant") => Some(Equalization::SmoothQuant(SmoothParams {
                alpha: self.alpha,
                ..SmoothParams::default()
            })),
            Some(other) => {
                return Err(value_error(format!("equalize is '{other}': expected 'smoothquant'")));
            }
        };
        Ok(LayerJob {
            weights: self.weights()?,
            solvers: self.solvers()?,
            equalization,
            rotation: self.rotate.as_deref().map(named::<LayerRotation>).transpose()?,
            activations: self.activations()?,
            effort: self.effort.map(Effort::new).transpose().map_err(value_error)?,
            seed: self.seed,
        })
    }
}

/// What is found about a layer, beside its tensors.
#[derive(Serialize)]
struct LayerEntry<'a, C> {
    activations: Option<fewbit::algorithms::layer::ActivationScale>,
    statistics_seconds: f64,
    weights: String,
    candidates: &'a [C],
}

/// A candidate's tensor, its values, and the matrix that acts on the inputs as they were.
type Arrays<'py> = (Tensor, Bound<'py, PyArray2<f32>>, Bound<'py, PyArray2<f32>>);

/// Chooses the codes of a layer's weights: a report as JSON, and the arrays of each algorithm.
#[pyfunction]
#[pyo3(signature = (weights, inputs, quantized, asked, threads))]
pub(crate) fn layer<'py>(
    py: Python<'py>,
    weights: PyReadonlyArray2<'py, f32>,
    inputs: PyReadonlyArray2<'py, f32>,
    quantized: Option<PyReadonlyArray2<'py, f32>>,
    asked: Asked<'py>,
    threads: Option<usize>,
) -> PyResult<(String, Vec<Arrays<'py>>)> {
    let job = asked.job()?;
    let weights = weights.as_array();
    let float = inputs.as_array();
    let mut inputs = match &quantized {
        None => MatrixInputs::new(float),
        Some(quantized) => MatrixInputs::pairs(float, quantized.as_array()).map_err(value_error)?,
    };
    let found = detached(py, threads, || quantize_layer(weights, &mut inputs, &job, &mut |_| ()))?
        .map_err(value_error)?;
    let report = json(&LayerEntry {
        activations: found.activations,
        statistics_seconds: found.statistics_seconds,
        weights: job.weights.format_name(),
        candidates: &found.candidates,
    })?;
    let mut arrays = Vec::new();
    for candidate in &found.candidates {
        let tensor = found.tensor(candidate).map_err(value_error)?;
        let effective: Array2<f32> = found.effective(candidate).map_err(value_error)?;
        arrays.push((
            Tensor::of(tensor),
            candidate.values.clone().into_pyarray(py),
            effective.into_pyarray(py),
        ));
    }
    Ok((report, arrays))
}

/// What a network loses to accumulators, as JSON.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "one argument per argument of the Python function")]
#[pyo3(signature = (layers, inputs, calibration, labels, weights, acts, acc, bits, constraint, threads))]
pub(crate) fn sweep(
    py: Python<'_>,
    layers: Vec<(PyReadonlyArray2<'_, f32>, Option<PyReadonlyArray1<'_, f32>>)>,
    inputs: PyReadonlyArray2<'_, f32>,
    calibration: Option<PyReadonlyArray2<'_, f32>>,
    labels: Option<Vec<usize>>,
    weights: &str,
    acts: &str,
    acc: Option<Vec<String>>,
    bits: &str,
    constraint: Vec<String>,
    threads: Option<usize>,
) -> PyResult<String> {
    let layers = layers.into_iter().map(|(weights, bias)| {
        let layer = FloatLayer::without_bias(weights.as_array().to_owned());
        let Some(bias) = bias else { return Ok(layer) };
        let bias = bias.as_array().to_owned();
        if bias.len() != layer.weights.nrows() {
            return Err(value_error(format!(
                "{} biases for {} outputs",
                bias.len(),
                layer.weights.nrows()
            )));
        }
        Ok(FloatLayer { bias, ..layer })
    });
    let layers = layers.collect::<PyResult<Vec<_>>>()?;
    let templates: Vec<AccumulatorTemplate> = match acc {
        None => AccumulatorTemplate::defaults(),
        Some(acc) => acc.iter().map(|text| named(text)).collect::<PyResult<_>>()?,
    };
    let mut constraints = Vec::new();
    for name in &constraint {
        let constraint: AccumulatorConstraint = named(name)?;
        if !constraints.contains(&constraint) {
            constraints.push(constraint);
        }
    }
    let inputs = inputs.as_array();
    let calibration = calibration.as_ref().map_or(inputs, |calibration| calibration.as_array());
    let job = SweepJob {
        layers: &layers,
        weights: named(weights)?,
        acts: named(acts)?,
        calibration,
        inputs,
        labels: labels.as_deref(),
        templates: &templates,
        bits: named::<BitRange>(bits)?,
    };
    let unguarded = SweepJob {
        templates: match constraints.contains(&AccumulatorConstraint::None) {
            true => job.templates,
            false => &[],
        },
        ..job.clone()
    };
    let found = detached(py, threads, || {
        let mut found = run_sweep(&unguarded, &|| ())?;
        found.guaranteed = guaranteed_points(&job, &constraints, &|| ())?;
        Ok::<_, fewbit::sweep::SweepError>(found)
    })?
    .map_err(value_error)?;
    json(&found)
}
