//! Accuracy against the width of accumulators.

use fewbit::ReportLevel;
use fewbit::sweep::{AccumulatorTemplate, BitRange};
use serde::Serialize;

use crate::exec::ExecError;
use crate::exec::integer::{IntegerOptions, IntegerWeights, NodeReport};
use crate::graph::Graph;
use crate::tensor::Tensor;

use super::accuracy::{ExecutionKind, Labels, predictions, run_batches_with};
use super::rows::Row;

/// One network through one accumulator.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SweepPoint {
    /// What `{P}` stands for.
    pub bits: u32,
    /// The accumulator.
    pub acc: String,
    /// The algorithm that chose the codes.
    pub algorithm: String,
    /// What it did about the accumulator.
    pub constraint: String,
    /// The share of right classes, where there are labels.
    pub accuracy: Option<f64>,
    /// Overflow events of all products on all images.
    pub events: u64,
    /// The same product by product, in the order in which they run.
    pub layer_events: Vec<u64>,
}

/// Runs one network, whose weights are prepared, through an accumulator of every width, the same for all of its products.
///
/// # Errors
/// What the network refuses.
#[allow(clippy::too_many_arguments, reason = "a point has a name of each kind")]
pub fn sweep(
    (graph, weights): (&Graph, &IntegerWeights),
    batches: &[Vec<Tensor>],
    labels: Option<&Labels>,
    template: &AccumulatorTemplate,
    bits: &BitRange,
    (algorithm, constraint): (&str, &str),
    options: &IntegerOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<SweepPoint>, ExecError> {
    let mut points = Vec::new();
    for (done, width) in bits.bits().enumerate() {
        progress(done, bits.len());
        let accumulator = template.at(width).map_err(|error| ExecError::Node {
            node: template.to_string(),
            problem: error.to_string(),
        })?;
        let mut graph = graph.clone();
        graph.set_accumulators(&accumulator);
        let options = IntegerOptions { report: ReportLevel::Events, ..options.clone() };
        let how = ExecutionKind::Integer(&options);
        let run = run_batches_with(&graph, Some(weights), batches, &how, &mut |_, _| ())?;
        let classes = predictions(&run.batches)?;
        let of_row = |row: &Row| {
            let node = run.nodes.iter().find(|node| node.name == row.name);
            node.map_or(0, NodeReport::total_events)
        };
        let layer_events: Vec<u64> = Row::all(&graph).iter().map(of_row).collect();
        points.push(SweepPoint {
            bits: width,
            acc: accumulator.to_string(),
            algorithm: algorithm.into(),
            constraint: constraint.into(),
            accuracy: labels.map(|labels| labels.accuracy(&classes)),
            events: layer_events.iter().sum(),
            layer_events,
        });
    }
    Ok(points)
}
