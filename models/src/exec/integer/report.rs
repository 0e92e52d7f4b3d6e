//! What the accumulators of a network did.

use fewbit::StageEvents;
use fewbit::accumulate::{FirstEvent, Report};
use fewbit::reference::{FloatFirstEvent, FloatReport};
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
    /// What float registers did, where a report was asked for and the accumulator has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub float: Option<FloatReport>,
}

/// What the accumulator of one product did.
#[derive(Clone, Debug, Default)]
pub(super) struct Reported {
    pub(super) events: Option<Vec<StageEvents>>,
    pub(super) report: Option<Report>,
    pub(super) float: Option<FloatReport>,
}

impl Reported {
    /// Adds what another product did, whose rows lie so far below.
    pub(super) fn merge(&mut self, other: Self, below: u64) {
        merge_events(&mut self.events, other.events, below);
        merge_reports(&mut self.report, other.report, below);
        merge_floats(&mut self.float, other.float, below);
    }
}

impl NodeReport {
    /// All overflow events of all stages.
    #[must_use]
    pub fn total_events(&self) -> u64 {
        let stages = self.events.iter().flatten().map(|stage| stage.events);
        let report = self.report.iter().flat_map(|report| &report.stages).map(|stage| stage.events);
        let floats = self.float.as_ref().map_or(0, FloatReport::events);
        floats + if self.report.is_some() { report.sum::<u64>() } else { stages.sum() }
    }

    /// Adds what the same node did on another batch, whose outputs lie below those before.
    pub fn merge(&mut self, other: &Self) {
        let below = self.outputs;
        self.outputs += other.outputs;
        merge_reports(&mut self.report, other.report.clone(), below);
        merge_events(&mut self.events, other.events.clone(), below);
        merge_floats(&mut self.float, other.float.clone(), below);
    }
}

/// An event with its row so far below.
fn lowered(first: Option<FirstEvent>, below: u64) -> Option<FirstEvent> {
    first.map(|first| FirstEvent { row: first.row + below, ..first })
}

/// Adds the events of outputs whose rows lie so far below those before them.
pub(super) fn merge_events(
    all: &mut Option<Vec<StageEvents>>,
    more: Option<Vec<StageEvents>>,
    below: u64,
) {
    match (all, more) {
        (Some(all), Some(more)) => {
            for (all, more) in all.iter_mut().zip(more) {
                all.events += more.events;
                all.outputs += more.outputs;
                all.first = all.first.or(lowered(more.first, below));
            }
        }
        (none @ None, more) => *none = more,
        _ => {}
    }
}

/// The same for whole reports.
pub(super) fn merge_reports(all: &mut Option<Report>, more: Option<Report>, below: u64) {
    match (all, more) {
        (Some(all), Some(mut more)) => {
            for stage in &mut more.stages {
                stage.first = lowered(stage.first, below);
            }
            all.merge(&more);
        }
        (none @ None, more) => *none = more,
        _ => {}
    }
}

/// The same for reports of float registers.
fn merge_floats(all: &mut Option<FloatReport>, more: Option<FloatReport>, below: u64) {
    match (all, more) {
        (Some(all), Some(mut more)) => {
            for stage in &mut more.stages {
                let lower =
                    |first: FloatFirstEvent| FloatFirstEvent { row: first.row + below, ..first };
                stage.first = stage.first.take().map(lower);
            }
            all.merge(more);
        }
        (none @ None, more) => *none = more,
        _ => {}
    }
}

/// Adds what nodes did to what those of the same names did before.
pub fn merge_nodes(all: &mut Vec<NodeReport>, more: Vec<NodeReport>) {
    for one in more {
        match all.iter_mut().find(|known| known.name == one.name) {
            Some(known) => known.merge(&one),
            None => all.push(one),
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
    /// Nodes that had codes or sums for inputs and ran in floats; of products of codes with the reason.
    pub in_floats: Vec<String>,
}
