//! Weights of their own for products that share them.

use crate::graph::{Graph, products};

use super::super::{PassError, PassReport};

/// Gives a product weights and a bias of its own where something else uses the same ones, such as the last layer of a language
/// model that shares the embedding: passes that merge factors of a normalization into products leave shared weights as they are.
///
/// The elements stay shared in memory until a pass changes one of the two.
///
/// # Errors
/// None for a graph that could be run.
pub fn untie_weights(graph: &mut Graph) -> Result<PassReport, PassError> {
    let mut untied = 0;
    let all = products(graph);
    for product in &all {
        if product.weight_quantizer.is_some() || product.bias_quantizer.is_some() {
            continue;
        }
        for (place, what) in [(1, "weight"), (2, "bias")] {
            let Some(constant) = graph.node(product.node).input(place) else { continue };
            let uses = graph.consumers(constant);
            // Of products that share weights the first one keeps them.
            let is_first = uses.first() == Some(&(product.node, place));
            let others =
                uses.iter().any(|&(id, _)| !products(graph).iter().any(|other| other.node == id));
            if uses.len() < 2 || is_first && !others {
                continue;
            }
            let Some(data) = graph.data(constant).cloned() else { continue };
            let name = format!("{}.{what}", graph.node(product.node).name);
            let own = graph.add_constant(&name, data);
            graph.node_mut(product.node).inputs[place] = Some(own);
            untied += 1;
        }
    }
    Ok(PassReport::new("untie weights", untied, "shared weights and biases"))
}
