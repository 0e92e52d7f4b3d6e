//! Batch normalization into the weights before it.

use ndarray::ArrayD;

use crate::graph::{Graph, NodeId, Product, ProductLayout, products, scale_axis};
use crate::ops::Op;

use super::{PassError, PassReport};

/// Merges every BatchNormalization into the product that alone feeds it:
///
/// ```text
/// f = gamma / sqrt(variance + epsilon)      w <- w f      b <- (b - mean) f + beta      per output channel
/// ```
///
/// computed in f64 and rounded once. One that nothing of that kind feeds is left as it is.
///
/// # Errors
/// Initializers that are no floats.
pub fn merge_batch_norm(graph: &mut Graph) -> Result<PassReport, PassError> {
    let mut changed = 0;
    while let Some((product, norm)) = candidate(graph) {
        merge(graph, &product, norm)?;
        changed += 1;
    }
    graph.sort()?;
    Ok(PassReport::new("merge batch norm", changed, "batch normalizations behind a product"))
}

fn candidate(graph: &Graph) -> Option<(Product, NodeId)> {
    products(graph).into_iter().find_map(|product| {
        let consumers = graph.consumers(product.output);
        let [(norm, 0)] = consumers[..] else { return None };
        let node = graph.node(norm);
        let is_constant =
            (1..5).all(|at| node.input(at).is_some_and(|id| graph.data(id).is_some()));
        let suits = matches!(node.op, Op::BatchNormalization(_))
            // It takes no bias.
            && !matches!(graph.node(product.node).op, Op::MatMul(_))
            && is_constant
            && !graph.is_output(product.output)
            && product.weight_quantizer.is_none()
            && product.bias_quantizer.is_none()
            && graph.consumers(product.weight).len() == 1;
        suits.then_some((product, norm))
    })
}

fn merge(graph: &mut Graph, product: &Product, norm: NodeId) -> Result<(), PassError> {
    let node = graph.node(norm).clone();
    let Op::BatchNormalization(op) = &node.op else { return Ok(()) };
    let floats = |graph: &Graph, id| -> Result<ArrayD<f32>, PassError> {
        let missing = || PassError::Missing(format!("`{}` is no initializer", graph.name_of(id)));
        let tensor = graph.data(id).ok_or_else(missing)?.clone();
        tensor.try_into().map_err(PassError::tensor(graph.name_of(id)))
    };
    let parameter = |graph: &Graph, at: usize| {
        let id = node.input(at).unwrap_or(product.weight);
        floats(graph, id).map(|array| array.iter().map(|&x| f64::from(x)).collect::<Vec<_>>())
    };
    let (gamma, beta) = (parameter(graph, 1)?, parameter(graph, 2)?);
    let (mean, variance) = (parameter(graph, 3)?, parameter(graph, 4)?);
    let factors: Vec<f64> = gamma
        .iter()
        .zip(&variance)
        .map(|(gamma, variance)| gamma / (variance + f64::from(op.epsilon)).sqrt())
        .collect();
    let mut weights = floats(graph, product.weight)?;
    let factor = |channel: usize| factors.get(channel).copied().unwrap_or(1.0) as f32;
    if product.layout == ProductLayout::ConvTranspose {
        // The channels of a group lie along axis 1, the groups along axis 0.
        let (per_group, channels) = (weights.shape()[1], weights.shape()[0] / product.groups);
        for (at, w) in weights.indexed_iter_mut() {
            *w *= factor(at[0] / channels.max(1) * per_group + at[1]);
        }
    } else {
        scale_axis(&mut weights, product.output_axis(), factor);
    }
    let old = product.bias.map(|id| floats(graph, id)).transpose()?;
    let bias: Vec<f32> = (0..factors.len())
        .map(|o| {
            let old = old.as_ref().and_then(|bias| bias.iter().nth(o)).copied().unwrap_or(0.0);
            ((f64::from(old) - mean[o]) * factors[o] + beta[o]) as f32
        })
        .collect();
    graph.set_data(product.weight, weights);
    set_bias(graph, product, bias);
    graph.bypass(norm);
    Ok(())
}

/// Gives a product a bias.
pub(super) fn set_bias(graph: &mut Graph, product: &Product, bias: Vec<f32>) {
    let name = format!("{}.bias", graph.node(product.node).name);
    let bias = crate::tensor::Tensor::vector(bias);
    match product.bias {
        Some(id) if graph.consumers(id).len() == 1 => graph.set_data(id, bias),
        _ => {
            let id = graph.add_constant(&name, bias);
            graph.set_bias(product.node, id);
        }
    }
}
