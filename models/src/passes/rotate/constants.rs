//! Rotations of constants, each as its uses need it.

use std::collections::{BTreeMap, BTreeSet};

use fewbit::algorithms::rotate::Rotation;
use ndarray::ArrayD;

use crate::graph::{Graph, ValueId};

use super::super::PassError;
use super::blocks::rotated;
use super::stream::Use;

/// Multiplies constants with a rotation along the axes of their uses.
///
/// A constant that others use too, or that is needed along two axes, is copied: those others keep the old one. A table that is
/// both an embedding and the weights of the last product is rotated once, for both are along the same axis. Gives the number
/// of copies.
pub(super) fn rotate_constants<'a>(
    graph: &mut Graph,
    uses: impl Iterator<Item = &'a Use>,
    rotation: &Rotation,
) -> Result<usize, PassError> {
    let mut constants: BTreeMap<ValueId, BTreeMap<usize, Vec<Use>>> = BTreeMap::new();
    for &place in uses {
        if let Some(id) = place.constant(graph) {
            constants.entry(id).or_default().entry(place.axis).or_default().push(place);
        }
    }
    let mut copies = 0;
    for (id, by_axis) in constants {
        let name = graph.name_of(id).to_owned();
        let found: BTreeSet<_> =
            by_axis.values().flatten().map(|found| (found.node, found.place)).collect();
        let stays = graph.is_output(id)
            || by_axis.len() > 1
            || graph.consumers(id).iter().any(|used| !found.contains(used));
        let data = graph.data(id).cloned();
        let missing = || PassError::Missing(format!("`{name}` is no initializer"));
        let array: ArrayD<f32> =
            data.ok_or_else(missing)?.try_into().map_err(PassError::tensor(&name))?;
        for (axis, uses) in by_axis {
            let turned = rotated(&array, axis, rotation).map_err(PassError::algorithm(&name))?;
            if !stays {
                graph.set_data(id, turned);
                continue;
            }
            let copy = graph.add_constant(&name_of_copy(graph, &name, uses.first()), turned);
            for found in uses {
                graph.node_mut(found.node).inputs[found.place] = Some(copy);
            }
            copies += 1;
        }
    }
    Ok(copies)
}

fn name_of_copy(graph: &Graph, name: &str, place: Option<&Use>) -> String {
    match place {
        Some(Use { node, place: 1, .. }) => format!("{}.weight", graph.node(*node).name),
        Some(Use { node, place: 2, .. }) => format!("{}.bias", graph.node(*node).name),
        _ => format!("{name}.rotated"),
    }
}
