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
    let multiplying = multiplying(graph);
    for (name, text) in own {
        let node = multiplying.iter().find(|&&id| graph.node(id).name == *name);
        let node = node.ok_or_else(|| FlowError::Value {
            key: "accumulators".into(),
            value: name.clone(),
            problem: "there is no product of this name: `fewbit graph` lists them".into(),
        })?;
        graph.set_accumulator(*node, text.parse()?);
    }
    if let Some(all) = all {
        for node in multiplying {
            if graph.accumulator(node).is_none() {
                graph.set_accumulator(node, all.clone());
            }
        }
    }
    Ok(())
}
