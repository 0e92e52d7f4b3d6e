//! Rotations of constants, each as its uses need it.

use std::collections::{BTreeMap, BTreeSet};

use fewbit::algorithms::rotate::Rotation;
use ndarray::ArrayD;

use crate::graph::{Graph, NodeId, ValueId};

use super::super::PassError;
use super::blocks::rotated;
use super::stream::Use;

/// A node, and a place among its inputs.
type Place = (NodeId, usize);

/// Multiplies constants with a rotation along the axes of their uses; weights that both take and make a stream along both.
///
/// A constant that others use too, or that is needed along different axes, is copied: those others keep the old one. A table that is
/// both an embedding and the weights of the last product is rotated once, for both are along the same axis. Gives the number
/// of copies.
pub(super) fn rotate_constants<'a>(
    graph: &mut Graph,
    uses: impl Iterator<Item = &'a Use>,
    rotation: &Rotation,
) -> Result<usize, PassError> {
    let mut places: BTreeMap<Place, BTreeSet<usize>> = BTreeMap::new();
    for found in uses {
        places.entry((found.node, found.place)).or_default().insert(found.axis);
    }
    // Constants, and of each the places that need it along the same axes.
    let mut constants: BTreeMap<ValueId, BTreeMap<BTreeSet<usize>, Vec<Place>>> = BTreeMap::new();
    for (place, axes) in places {
        if let Some(id) = graph.node(place.0).input(place.1) {
            constants.entry(id).or_default().entry(axes).or_default().push(place);
        }
    }
    let mut copies = 0;
    for (id, by_axes) in constants {
        let name = graph.name_of(id).to_owned();
        let found: BTreeSet<Place> = by_axes.values().flatten().copied().collect();
        let stays = graph.is_output(id)
            || by_axes.len() > 1
            || graph.consumers(id).iter().any(|used| !found.contains(used));
        let data = graph.data(id).cloned();
        let missing = || PassError::Missing(format!("`{name}` is no initializer"));
        let array: ArrayD<f32> =
            data.ok_or_else(missing)?.try_into().map_err(PassError::tensor(&name))?;
        for (axes, places) in by_axes {
            let turned = rotated(&array, &axes, rotation).map_err(PassError::algorithm(&name))?;
            if !stays {
                graph.set_data(id, turned);
                continue;
            }
            let copy = graph.add_constant(&name_of_copy(graph, &name, places.first()), turned);
            for (node, place) in places {
                graph.node_mut(node).inputs[place] = Some(copy);
            }
            copies += 1;
        }
    }
    Ok(copies)
}

fn name_of_copy(graph: &Graph, name: &str, place: Option<&Place>) -> String {
    match place {
        Some((node, 1)) => format!("{}.weight", graph.node(*node).name),
        Some((node, 2)) => format!("{}.bias", graph.node(*node).name),
        _ => format!("{name}.rotated"),
    }
}
