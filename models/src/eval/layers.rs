//! What quantization and accumulators do to each product.

use fewbit::Accumulator;
use ndarray::ArrayD;
use serde::Serialize;

use crate::exec::integer::NodeReport;
use crate::exec::{ExecError, Execution, Moment, QuantizerMode};
use crate::graph::{Graph, NodeId, ValueId};
use crate::ops::Op;
use crate::tensor::Tensor;

use super::bounds::network_bounds;
use super::rows::Row;

/// What quantization and its accumulator do to one product.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerResult {
    /// The node.
    pub name: String,
    /// `10 log10(sum y² / sum (y - y')²)` of its outputs on some images, `y` of the float network; absent where both are the
    /// same.
    pub sqnr_db: Option<f64>,
    /// The least width of one register over all of K that no input overflows.
    pub guaranteed_bits: Option<u32>,
    /// The least width of one register over all of K that these images need.
    pub observed_bits: Option<u32>,
    /// Overflow events of its accumulator on these images.
    pub events: Option<u64>,
    /// Its accumulator.
    pub accumulator: Option<String>,
}

/// The results of all products: of those with constant weights, of those of two activations that quantizers round, and of those
/// within loops over a sequence, whose errors are those of all steps.
///
/// Errors are those on the first batch.
///
/// `widths` are the reports of an integer run through an exact accumulator, `events` those of one through the network's own.
///
/// # Errors
/// What the networks refuse.
pub fn layer_results(
    float: &Graph,
    graph: &Graph,
    batches: &[Vec<Tensor>],
    widths: &[NodeReport],
    events: &[NodeReport],
) -> Result<Vec<LayerResult>, ExecError> {
    let rows = Row::all(graph);
    let mut energies = vec![(0f64, 0f64); rows.len()];
    for batch in batches.iter().take(1) {
        let mut reference = Execution::new(float, batch, QuantizerMode::Skip)?;
        let mut quantized = Execution::new(graph, batch, QuantizerMode::Apply)?;
        for &id in graph.order() {
            if !float.has(id) {
                quantized.step(graph, id)?;
                continue;
            }
            let found = outputs(&mut quantized, graph, id, &rows)?;
            let wanted = outputs(&mut reference, float, id, &rows)?;
            for ((place, y), (other, z)) in wanted.iter().zip(&found) {
                if place == other && y.shape() == z.shape() {
                    add(&mut energies[*place], y, z);
                }
            }
        }
    }
    let bounds = network_bounds(graph, &Accumulator::exact());
    let results = rows.into_iter().zip(&energies).map(|(row, &(signal, noise))| {
        let name = row.name;
        let by_name = |reports: &[NodeReport]| reports.iter().find(|r| r.name == name).cloned();
        let guaranteed = bounds.iter().find(|bound| bound.name == name);
        let own = by_name(events);
        LayerResult {
            sqnr_db: (noise > 0.0).then(|| 10.0 * (signal / noise).log10()),
            guaranteed_bits: guaranteed.and_then(|b| b.required_bits.first()).copied(),
            observed_bits: by_name(widths)
                .and_then(|node| Some(node.report?.stages.first()?.required_bits)),
            events: own.as_ref().map(NodeReport::total_events),
            accumulator: own.map(|node| node.accumulator),
            name,
        }
    });
    Ok(results.collect())
}

/// Runs a node; what the products give that it is or that lie in it, each with its place among the rows, step by step.
fn outputs(
    execution: &mut Execution,
    graph: &Graph,
    id: NodeId,
    rows: &[Row],
) -> Result<Vec<(usize, ArrayD<f32>)>, ExecError> {
    let places: Vec<usize> = (0..rows.len()).filter(|&place| rows[place].node == id).collect();
    let array = |execution: &Execution, graph: &Graph, value: ValueId| {
        let array: Result<ArrayD<f32>, _> = execution.value(graph, value)?.clone().try_into();
        array.map_err(|error: crate::tensor::TensorError| ExecError::Node {
            node: graph.name_of(value).to_owned(),
            problem: error.to_string(),
        })
    };
    let mut found = Vec::new();
    let Op::Scan(scan) = &graph.node(id).op else {
        execution.step(graph, id)?;
        for place in places {
            if let Some(value) = rows[place].output(graph) {
                found.push((place, array(execution, graph, value)?));
            }
        }
        return Ok(found);
    };
    execution.step_watched(graph, id, &mut |execution, inner, moment| {
        let place = places.iter().find(|&&place| rows[place].inner == Some(inner));
        if let (Some(&place), Moment::After) = (place, moment)
            && let Some(value) = rows[place].output(graph)
        {
            found.push((place, array(execution, &scan.body, value)?));
        }
        Ok(())
    })?;
    Ok(found)
}

/// Adds squares of the values, and of what others differ from them.
fn add((signal, noise): &mut (f64, f64), values: &ArrayD<f32>, others: &ArrayD<f32>) {
    for (&y, &z) in values.iter().zip(others) {
        let (y, z) = (f64::from(y), f64::from(z));
        *signal += y * y;
        *noise += (y - z) * (y - z);
    }
}
