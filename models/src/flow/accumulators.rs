//! The accumulators that keys ask for.

use std::collections::BTreeMap;

use fewbit::Accumulator;
use fewbit::algorithms::layer::AccumulatorConstraint;

use super::FlowError;
use super::table::choices;
use crate::graph::{Graph, multiplying};

choices! {
    /// What algorithms do about accumulators.
    AccumulatorKind {
        /// Scales and codes are chosen together within the budgets.
        Joint = "joint",
        /// AXE as published.
        Axe = "axe",
        /// AXE without its soft threshold.
        AxeStrict = "axe-strict",
        /// Nothing: events are counted.
        None = "none",
    }
}

impl AccumulatorKind {
    /// The constraint of a solver.
    #[must_use]
    pub fn constraint(self) -> AccumulatorConstraint {
        match self {
            Self::Joint => AccumulatorConstraint::Joint,
            Self::Axe => AccumulatorConstraint::Axe,
            Self::AxeStrict => AccumulatorConstraint::AxeStrict,
            Self::None => AccumulatorConstraint::None,
        }
    }
}

/// The accumulator of all products: as it is spelled, or a saturating one of so many bits in tiles of so many products, whose
/// sums are added in 32 bits.
///
/// # Errors
/// An accumulator that cannot be.
pub(super) fn accumulator(
    spelled: Option<&str>,
    bits: Option<u32>,
    tile: Option<u64>,
) -> Result<Option<Accumulator>, FlowError> {
    Ok(match (spelled, bits) {
        (Some(text), _) => Some(text.parse()?),
        (None, Some(bits)) => Some(match tile {
            Some(tile) => format!("int{bits}-sat/{tile},int32-wrap").parse()?,
            None => format!("int{bits}-sat").parse()?,
        }),
        (None, None) => None,
    })
}

/// Gives products their accumulators: those by the names of nodes first, then one for all others.
///
/// # Errors
/// A name that no product has; an accumulator that cannot be.
pub(super) fn set_accumulators(
    graph: &mut Graph,
    all: Option<Accumulator>,
    own: &BTreeMap<String, String>,
) -> Result<(), FlowError> {
    if all.is_some() {
        // Those that the network came with.
        graph.clear_accumulators();
    }
    let mut left = BTreeMap::new();
    for (name, text) in own {
        left.insert(name.as_str(), text.parse::<Accumulator>()?);
    }
    assign(graph, all.as_ref(), &mut left);
    match left.keys().next() {
        None => Ok(()),
        Some(&name) => Err(FlowError::Value {
            key: "accumulators".into(),
            value: name.into(),
            problem: "there is no product of this name: `fewbit graph` lists them".into(),
        }),
    }
}

/// Gives products their accumulators, in graphs within nodes too; those by names are taken out.
fn assign(graph: &mut Graph, all: Option<&Accumulator>, own: &mut BTreeMap<&str, Accumulator>) {
    for id in multiplying(graph) {
        match (own.remove(graph.node(id).name.as_str()), all) {
            (Some(accumulator), _) => graph.set_accumulator(id, accumulator),
            (None, Some(all)) if graph.accumulator(id).is_none() => {
                graph.set_accumulator(id, all.clone());
            }
            _ => {}
        }
    }
    for id in graph.order().to_vec() {
        for graph in graph.node_mut(id).op.graphs_mut() {
            assign(graph, all, own);
        }
    }
}
