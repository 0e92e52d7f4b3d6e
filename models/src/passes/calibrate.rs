//! Scales of activations from calibration data.

use std::collections::{BTreeMap, BTreeSet};

use fewbit::formats::Format;
use fewbit::quantize::calibration::{Average, Calibration, Calibrator, Method};
use fewbit::quantize::{
    Quantizer, ScaleSource, Statistic, ZeroPoint, ZeroPointRounding, ZeroPointSource,
};
use fewbit::tensor::Granularity;
use ndarray::{ArcArray, ArrayD, IxDyn};
use rayon::prelude::*;

use crate::exec::{Constants, ExecError, Execution, Moment, QuantizerMode};
use crate::graph::{Graph, NodeId, products};
use crate::ops::Op;
use crate::tensor::Tensor;

use super::place::Place;
use super::shared_scale::Samples;
use super::{ChannelMeans, PassError, PassReport};

/// Gives every quantizer of activations its scale, from what the float network computes of these batches.
///
/// A batch's statistic is the quantizer's own (a percentile, an extreme), and batches are averaged. Quantizers that share a scale
/// get the one with which their values together have the least squared error, up to what the greatest of their statistics asks
/// for. Quantizers that are meant to look at each tensor anew stay as they are.
///
/// Also gives the means of what the products of the float network make, which corrected biases bring back.
///
/// # Errors
/// Batches that the network cannot take; no batch.
pub fn calibrate(
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
) -> Result<(PassReport, ChannelMeans), PassError> {
    let mut calibrators: BTreeMap<Place, Calibrator> = BTreeMap::new();
    for (id, op, is_constant) in Place::of_quantizers(graph) {
        let node = id.node(graph);
        if op.is_static() || is_constant || !is_collected(&op.quantizer) {
            continue;
        }
        let method = method(&op.quantizer);
        let calibrator = Calibrator::new(method, op.quantizer.scheme().granularity);
        let calibrator = calibrator.map_err(PassError::calibration(&node.name))?;
        calibrators.insert(id, calibrator);
    }
    let sharing: BTreeSet<Place> = calibrators
        .keys()
        .copied()
        .filter(|&id| matches!(&id.node(graph).op, Op::Quantize(op) if op.shared_scale.is_some()))
        .collect();
    let (mut samples, mut means) = (Samples::default(), ChannelMeans::default());
    let products = products(graph);
    let constants = Constants::of(graph, QuantizerMode::Skip)?;
    // Side by side, as many as there are threads.
    for batches in batches.chunks(rayon::current_num_threads().max(1)) {
        let start = |batch: &Vec<Tensor>| {
            Execution::with_constants(graph, batch, QuantizerMode::Skip, &constants)
        };
        let mut executions = batches.iter().map(start).collect::<Result<Vec<_>, _>>()?;
        for &id in graph.order() {
            let place = Place { node: id, inner: None };
            if let Some(calibrator) = calibrators.get_mut(&place)
                && let Some(input) = graph.node(id).input(0)
            {
                let inputs = executions
                    .iter()
                    .map(|execution| {
                        let x = execution.value(graph, input)?.get::<f32>();
                        x.map_err(PassError::tensor(graph.name_of(input)))
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                observe(calibrator, &inputs, graph.name_of(input))?;
                if sharing.contains(&place) {
                    inputs.iter().for_each(|x| samples.add(place, x));
                }
            }
            let seen = executions.par_iter_mut().map(|execution| observed(execution, graph, id));
            for seen in seen.collect::<Result<Vec<_>, ExecError>>()? {
                // All steps of a batch are one observation: a state that is given is as wide as any other.
                for (inner, x) in seen {
                    let place = Place { node: id, inner: Some(inner) };
                    let Some(calibrator) = calibrators.get_mut(&place) else { continue };
                    observe(calibrator, &[&x], &place.node(graph).name)?;
                    if sharing.contains(&place) {
                        samples.add(place, &x);
                    }
                }
            }
            if let Some(product) = products.iter().find(|product| product.node == id) {
                let outputs = executions.iter().map(|e| e.value(graph, product.output));
                let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
                means.add(graph, product, &outputs)?;
            }
        }
    }
    set_scales(graph, &calibrators, &samples)?;
    let report = PassReport::new("calibrate", calibrators.len(), "quantizers without a scale");
    Ok((report, means))
}

/// What the quantizers of a loop's body take, all steps together.
type Seen = BTreeMap<NodeId, ArcArray<f32, IxDyn>>;

/// Runs a node; of a loop, with what the quantizers within it take.
fn observed(execution: &mut Execution, graph: &Graph, id: NodeId) -> Result<Seen, ExecError> {
    let Op::Scan(scan) = &graph.node(id).op else {
        execution.step(graph, id)?;
        return Ok(Seen::new());
    };
    let mut seen: BTreeMap<NodeId, Vec<f32>> = BTreeMap::new();
    execution.step_watched(graph, id, &mut |execution, inner, moment| {
        let node = scan.body.node(inner);
        if let (Op::Quantize(_), Some(input), Moment::Before) = (&node.op, node.input(0), moment)
            && scan.body.data(input).is_none()
            && let Ok(x) = execution.value(&scan.body, input)?.get::<f32>()
        {
            seen.entry(inner).or_default().extend(x);
        }
        Ok(())
    })?;
    let flat = |(inner, x): (NodeId, Vec<f32>)| (inner, ArcArray::from(x).into_dyn());
    Ok(seen.into_iter().map(flat).collect())
}

/// Shows some batches to a calibrator: each to one of its own first where they can be merged.
fn observe(
    calibrator: &mut Calibrator,
    batches: &[&ArcArray<f32, IxDyn>],
    name: &str,
) -> Result<(), PassError> {
    let failed = PassError::calibration(name);
    let Method::Batches { average: Average::Mean, .. } = calibrator.method() else {
        for x in batches {
            calibrator.observe(&x.view()).map_err(&failed)?;
        }
        return Ok(());
    };
    let alone = |x: &&ArcArray<f32, IxDyn>| {
        let one = Calibrator::new(calibrator.method().clone(), Granularity::Tensor);
        let mut one = one.map_err(PassError::calibration(name))?;
        one.observe(&x.view()).map_err(PassError::calibration(name))?;
        Ok(one)
    };
    let parts: Result<Vec<_>, PassError> = batches.par_iter().map(alone).collect();
    for part in parts? {
        calibrator.merge(&part).map_err(&failed)?;
    }
    Ok(())
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
    id: Place,
    quantizer: Quantizer,
    calibration: Calibration,
}

fn set_scales(
    graph: &mut Graph,
    calibrators: &BTreeMap<Place, Calibrator>,
    samples: &Samples,
) -> Result<(), PassError> {
    let mut groups: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    for (&id, calibrator) in calibrators {
        let node = id.node(graph);
        let Op::Quantize(op) = &node.op else { continue };
        let calibration = calibrator.finish().map_err(PassError::calibration(&node.name))?;
        let group = op.shared_scale.clone().unwrap_or_else(|| format!("\0{}", node.name));
        let found = Found { id, quantizer: op.quantizer.clone(), calibration };
        groups.entry(group).or_default().push(found);
    }
    for members in groups.into_values() {
        let scale = common_scale(graph, &members, samples)?;
        for found in &members {
            let name = found.id.node(graph).name.clone();
            let quantizer = with_scale(&found.quantizer, scale, &found.calibration)
                .map_err(PassError::quantize(&name))?;
            if let Some(op) = found.id.quantizer_mut(graph) {
                op.quantizer = quantizer;
            }
        }
    }
    Ok(())
}

/// The scale of one quantizer, or of those that share one.
fn common_scale(graph: &Graph, members: &[Found], samples: &Samples) -> Result<f32, PassError> {
    let scales = members.iter().map(|found| scale_of(graph, found));
    let scales = scales.collect::<Result<Vec<_>, _>>()?;
    let greatest = scales.iter().fold(0f32, |most, &scale| most.max(scale));
    let has_zero = |found: &Found| found.quantizer.scheme().zero_point == ZeroPoint::Zero;
    if members.len() < 2 || !members.iter().all(has_zero) {
        return Ok(greatest);
    }
    let formats: Vec<_> =
        members.iter().map(|found| (found.id, found.quantizer.scheme().format)).collect();
    Ok(samples.best(&formats, greatest))
}

/// The scale that a quantizer gives to what was collected.
fn scale_of(graph: &Graph, found: &Found) -> Result<f32, PassError> {
    let name = &found.id.node(graph).name;
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
