//! What quantization and accumulators do to each product.

use fewbit::Accumulator;
use ndarray::ArrayD;
use serde::Serialize;

use crate::exec::integer::NodeReport;
use crate::exec::{ExecError, Execution, QuantizerMode};
use crate::graph::{Graph, products};
use crate::tensor::Tensor;

use super::bounds::network_bounds;

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

/// The results of all products.
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
    let products = products(graph);
    let mut energies = vec![(0f64, 0f64); products.len()];
    for batch in batches.iter().take(1) {
        let mut reference = Execution::new(float, batch, QuantizerMode::Skip)?;
        let mut quantized = Execution::new(graph, batch, QuantizerMode::Apply)?;
        for &id in graph.order() {
            quantized.step(graph, id)?;
            if !float.has(id) {
                continue;
            }
            reference.step(float, id)?;
            let Some(place) = products.iter().position(|product| product.node == id) else {
                continue;
            };
            let Some(output) = float.node(id).output(0) else { continue };
            let wrong = |error: crate::tensor::TensorError| ExecError::Node {
                node: graph.node(id).name.clone(),
                problem: error.to_string(),
            };
            let y: ArrayD<f32> =
                reference.value(float, output)?.clone().try_into().map_err(wrong)?;
            let z: ArrayD<f32> = quantized
                .value(graph, products[place].output)?
                .clone()
                .try_into()
                .map_err(wrong)?;
            for (&y, &z) in y.iter().zip(&z) {
                let (y, z) = (f64::from(y), f64::from(z));
                energies[place].0 += y * y;
                energies[place].1 += (y - z) * (y - z);
            }
        }
    }
    let bounds = network_bounds(graph, &Accumulator::exact());
    let results = products.iter().zip(&energies).map(|(product, &(signal, noise))| {
        let name = graph.node(product.node).name.clone();
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
