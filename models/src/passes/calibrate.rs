//! Scales of activations from calibration data.

use std::collections::BTreeMap;

use fewbit::formats::Format;
use fewbit::quantize::calibration::{Average, Calibration, Calibrator, Method};
use fewbit::quantize::{
    Quantizer, ScaleSource, Statistic, ZeroPoint, ZeroPointRounding, ZeroPointSource,
};
use fewbit::tensor::Granularity;
use ndarray::ArrayD;

use crate::exec::{Execution, QuantizerMode};
use crate::graph::{Graph, NodeId};
use crate::ops::Op;
use crate::tensor::Tensor;

use super::{PassError, PassReport};

/// Gives every quantizer of activations its scale, from what the float network computes of these batches.
///
/// A batch's statistic is the quantizer's own (a percentile, an extreme), batches are averaged, and so are those of quantizers
/// that share a scale. Quantizers that are meant to look at each tensor anew stay as they are.
///
/// # Errors
/// Batches that the network cannot take; no batch.
pub fn calibrate(graph: &mut Graph, batches: &[Vec<Tensor>]) -> Result<PassReport, PassError> {
    let mut calibrators: BTreeMap<NodeId, Calibrator> = BTreeMap::new();
    for (id, node) in graph.nodes() {
        let Op::Quantize(op) = &node.op else { continue };
        let is_constant = node.input(0).is_some_and(|input| graph.data(input).is_some());
        if op.is_static() || is_constant || !is_collected(&op.quantizer) {
            continue;
        }
        let method = method(&op.quantizer);
        let calibrator = Calibrator::new(method, op.quantizer.scheme().granularity);
        let name = node.name.clone();
        let calibrator = calibrator.map_err(|source| PassError::Calibration { name, source })?;
        calibrators.insert(id, calibrator);
    }
    if calibrators.is_empty() {
        return Ok(PassReport::new("calibrate", 0, "quantizers without a scale"));
    }
    for batch in batches {
        let mut execution = Execution::new(graph, batch, QuantizerMode::Skip)?;
        for &id in graph.order() {
            if let Some(calibrator) = calibrators.get_mut(&id)
                && let Some(input) = graph.node(id).input(0)
            {
                let name = graph.name_of(input);
                let x = execution.value(graph, input)?;
                let x = x.get::<f32>().map_err(PassError::tensor(name))?;
                calibrator
                    .observe(&x.view())
                    .map_err(|source| PassError::Calibration { name: name.to_owned(), source })?;
            }
            execution.step(graph, id)?;
        }
    }
    set_scales(graph, &calibrators)?;
    Ok(PassReport::new("calibrate", calibrators.len(), "activation quantizers"))
}

/// Whether a quantizer's scales are to be collected and kept, rather than computed of each tensor anew: those with one scale.
fn is_collected(quantizer: &Quantizer) -> bool {
    matches!(quantizer.scheme().granularity, Granularity::Tensor)
        && match &quantizer.scale_rule().source {
            ScaleSource::Statistic(Statistic::AbsPercentile { .. })
            | ScaleSource::Statistic(Statistic::PercentileInterval { .. })
            | ScaleSource::Mse(_) => true,
            ScaleSource::Statistic(_) => {
                matches!(quantizer.scale_rule().floor, fewbit::quantize::ScaleFloor::Collected(_))
            }
            _ => false,
        }
}

fn method(quantizer: &Quantizer) -> Method {
    match &quantizer.scale_rule().source {
        ScaleSource::Mse(_) => Method::Mse(Box::new(quantizer.clone())),
        ScaleSource::Statistic(statistic) => {
            Method::Batches { statistic: *statistic, average: Average::Mean }
        }
        _ => Method::Pooled(Statistic::AbsMax),
    }
}

/// What a calibration found for one quantizer.
struct Found {
    id: NodeId,
    quantizer: Quantizer,
    calibration: Calibration,
}

fn set_scales(
    graph: &mut Graph,
    calibrators: &BTreeMap<NodeId, Calibrator>,
) -> Result<(), PassError> {
    let mut groups: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for (&id, calibrator) in calibrators {
        let node = graph.node(id);
        let Op::Quantize(op) = &node.op else { continue };
        let name = node.name.clone();
        let calibration =
            calibrator.finish().map_err(|source| PassError::Calibration { name, source })?;
        let group = op.shared_scale.clone().unwrap_or_else(|| format!("\0{}", node.name));
        let found = Found { id, quantizer: op.quantizer.clone(), calibration };
        groups.entry(group).or_default().push(found);
    }
    for members in groups.into_values() {
        let scale = shared_scale(graph, &members)?;
        for found in &members {
            let name = graph.node(found.id).name.clone();
            let quantizer = with_scale(&found.quantizer, scale, &found.calibration)
                .map_err(PassError::quantize(&name))?;
            if let Op::Quantize(op) = &mut graph.node_mut(found.id).op {
                op.quantizer = quantizer;
            }
        }
    }
    Ok(())
}

/// The scale of quantizers that share one: the mean of their statistics over the threshold of a signed one among them.
fn shared_scale(graph: &Graph, members: &[Found]) -> Result<f32, PassError> {
    let is_signed = |found: &&Found| range(found.quantizer.scheme().format).0 < 0.0;
    let Some(like) = members.iter().find(is_signed).or(members.first()) else { return Ok(1.0) };
    let number = |array: &ArrayD<f32>| array.iter().next().copied().unwrap_or(0.0);
    let sum: f64 = members.iter().map(|m| f64::from(number(&m.calibration.statistic))).sum();
    let mean = (sum / members.len() as f64) as f32;
    let calibration =
        Calibration { statistic: ndarray::arr0(mean).into_dyn(), ..like.calibration.clone() };
    scale_of(graph, &Found { calibration, id: like.id, quantizer: like.quantizer.clone() })
}

/// The scale that a quantizer gives to what was collected.
fn scale_of(graph: &Graph, found: &Found) -> Result<f32, PassError> {
    let name = &graph.node(found.id).name;
    let rule = found.quantizer.scale_rule().clone();
    let source = ScaleSource::Collected(found.calibration.statistic.clone());
    let rule = fewbit::quantize::ScaleRule { source, ..rule };
    let quantizer = found
        .quantizer
        .clone()
        .with_scheme(found.quantizer.scheme().clone().with_zero_point(ZeroPoint::Zero))
        .and_then(|quantizer| quantizer.with_scale_rule(rule));
    let quantizer = quantizer.map_err(PassError::quantize(name))?;
    let parameters = quantizer.parameters(&ArrayD::<f32>::zeros(vec![1]).view());
    let parameters = parameters.map_err(PassError::quantize(name))?;
    Ok(parameters.scale.iter().next().copied().unwrap_or(1.0))
}

/// The quantizer with a scale, and the zero point that the lower end then has.
fn with_scale(
    quantizer: &Quantizer,
    scale: f32,
    calibration: &Calibration,
) -> Result<Quantizer, fewbit::quantize::QuantizeError> {
    let scheme = quantizer.scheme().clone();
    let rule = fewbit::quantize::ScaleRule {
        source: ScaleSource::Given(ndarray::arr0(scale).into_dyn()),
        ..quantizer.scale_rule().clone()
    };
    let zero_point = match (&scheme.zero_point, &calibration.offset) {
        (ZeroPoint::Shifted { rounding, .. }, Some(offset)) => {
            let code = offset.iter().next().copied().unwrap_or(0.0) / scale;
            let (low, high) = range(scheme.format);
            let code = match rounding {
                ZeroPointRounding::Code => (code + low).round_ties_even().clamp(low, high),
                _ => code + low,
            };
            ZeroPoint::Shifted {
                source: ZeroPointSource::Given(ndarray::arr0(code).into_dyn()),
                rounding: ZeroPointRounding::Float,
            }
        }
        _ => ZeroPoint::Zero,
    };
    quantizer.clone().with_scheme(scheme.with_zero_point(zero_point))?.with_scale_rule(rule)
}

fn range(format: Format) -> (f32, f32) {
    match format {
        Format::Int(int) => (int.min() as f32, int.max() as f32),
        _ => (f32::MIN, f32::MAX),
    }
}
