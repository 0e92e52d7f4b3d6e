//! What the accumulators of a network did.

use fewbit::StageEvents;
use fewbit::accumulate::Report;
use serde::Serialize;

use crate::tensor::Tensor;

/// What the accumulator of one node did, over all batches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeReport {
    /// The node.
    pub name: String,
    /// Its accumulator.
    pub accumulator: String,
    /// Outputs.
    pub outputs: u64,
    /// Per stage the events, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<StageEvents>>,
    /// The whole report, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

impl NodeReport {
    /// All overflow events of all stages.
    #[must_use]
    pub fn total_events(&self) -> u64 {
        let stages = self.events.iter().flatten().map(|stage| stage.events);
        let report = self.report.iter().flat_map(|report| &report.stages).map(|stage| stage.events);
        if self.report.is_some() { report.sum() } else { stages.sum() }
    }

    /// Adds what the same node did on another batch.
    pub fn merge(&mut self, other: &Self) {
        let rows = self.outputs;
        self.outputs += other.outputs;
        match (&mut self.report, &other.report) {
            (Some(all), Some(more)) => {
                let mut more = more.clone();
                // An event of a later batch is never the first one while an earlier batch has one.
                for (all, more) in all.stages.iter().zip(&mut more.stages) {
                    if all.first.is_some() {
                        more.first = None;
                    } else if let Some(first) = &mut more.first {
                        first.row += rows;
                    }
                }
                all.merge(&more);
            }
            (none @ None, Some(more)) => *none = Some(more.clone()),
            _ => {}
        }
        match (&mut self.events, &other.events) {
            (Some(all), Some(more)) => {
                for (all, more) in all.iter_mut().zip(more) {
                    all.events += more.events;
                    all.outputs += more.outputs;
                    all.first = all.first.or(more.first);
                }
            }
            (none @ None, Some(more)) => *none = Some(more.clone()),
            _ => {}
        }
    }
}

/// A network's outputs and what its accumulators did.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegerRun {
    /// The outputs, as floats where they are codes or sums.
    pub outputs: Vec<Tensor>,
    /// One per product, in the order in which they ran.
    pub nodes: Vec<NodeReport>,
    /// Nodes that had codes or sums for inputs and ran in floats.
    pub in_floats: Vec<String>,
}
