//! Factors and summands of normalizations into the products behind them.

use ndarray::ArrayD;

use crate::graph::{Graph, NodeId, Product, ValueId};
use crate::ops::{Add, Op};
use crate::tensor::Tensor;

use super::bias_correction::{add_to, added};
use super::merge_batch_norm::set_bias;
use super::source::{Factors, floats};
use super::{PassError, PassReport, Region, Source, regions};

/// Merges what LayerNormalization and RMSNormalization end with into the products that alone take it:
///
/// ```text
/// (n(x) γ + β) W + b  =  n(x) (diag(γ) W) + (β W + b)
/// ```
///
/// in f64, rounded once. γ becomes 1 and β is left out; a multiplication and an addition that a normalization in parts ends with
/// are taken away. A matrix product without a summand behind it gets one where β is not 0. A normalization with something
/// else behind it stays as it is. (Brevitas 0.12.1's `MergeLnAffine` divides β by γ once per product behind the normalization, so that
/// with several of them and a β it changes the function.)
///
/// # Errors
/// Constants that are no floats.
pub fn merge_norm_affine(graph: &mut Graph) -> Result<PassReport, PassError> {
    let mut merged = 0;
    for region in regions(graph) {
        let [Source::Factors(factors)] = &region.sources[..] else { continue };
        // Behind a convolution's padding a summand is not the same everywhere.
        if !factors.is_convolution && !region.sinks.iter().any(Product::is_convolution) {
            merge(graph, &region, factors)?;
            merged += 1;
        }
    }
    graph.sort()?;
    graph.infer()?;
    Ok(PassReport::new("merge norm affine", merged, "normalizations in front of products"))
}

fn merge(graph: &mut Graph, region: &Region, factors: &Factors) -> Result<(), PassError> {
    let wide = |graph: &Graph, id: ValueId| -> Result<Vec<f64>, PassError> {
        Ok(floats(graph, id)?.iter().map(|&x| f64::from(x)).collect())
    };
    let gamma = wide(graph, factors.scale)?;
    let mut beta = vec![0.0; gamma.len()];
    for constant in factors.bias.iter().chain(&region.summands) {
        beta.iter_mut().zip(wide(graph, *constant)?).for_each(|(beta, b)| *beta += b);
    }
    for sink in &region.sinks {
        let weights = floats(graph, sink.weight)?;
        let axis = sink.input_axis();
        let mut shift = vec![0f64; sink.outputs(weights.shape())];
        let mut scaled = weights.clone();
        for ((at, w), to) in weights.indexed_iter().zip(&mut scaled) {
            let (input, output) = (at[axis], at[1 - axis]);
            shift[output] += beta[input] * f64::from(*w);
            *to = (f64::from(*w) * gamma[input]) as f32;
        }
        graph.set_data(sink.weight, scaled);
        if beta.iter().any(|&beta| beta != 0.0) {
            shift_bias(graph, sink, &shift)?;
        }
    }
    let summands: Vec<NodeId> = region
        .summands
        .iter()
        .flat_map(|&constant| graph.consumers(constant))
        .map(|(id, _)| id)
        .collect();
    summands.into_iter().for_each(|id| take_out(graph, id));
    if let Op::Mul(_) = graph.node(factors.node).op {
        take_out(graph, factors.node);
        return Ok(());
    }
    let ones = floats(graph, factors.scale)?.mapv(|_| 1.0);
    graph.set_data(factors.scale, ones);
    if factors.bias.is_some() {
        graph.node_mut(factors.node).inputs.truncate(2);
    }
    Ok(())
}

/// Takes out a node of a value and a constant: what used its output uses the value.
fn take_out(graph: &mut Graph, id: NodeId) {
    let node = graph.node(id);
    let value = node.inputs.iter().flatten().find(|&&input| graph.data(input).is_none());
    if let (Some(&value), Some(output)) = (value, node.output(0)) {
        graph.replace_uses(output, value);
        graph.remove(id);
    }
}

/// Adds numbers to the bias of a product.
fn shift_bias(graph: &mut Graph, product: &Product, shift: &[f64]) -> Result<(), PassError> {
    if let Op::MatMul(_) = graph.node(product.node).op {
        if let Some(summand) = added(graph, product, shift.len()) {
            return add_to(graph, summand, shift);
        }
        let name = graph.node(product.node).name.clone();
        let bias = Tensor::vector::<f32>(shift.iter().map(|&b| b as f32).collect());
        let bias = graph.add_constant(&format!("{name}.bias"), bias);
        let was_output = graph.is_output(product.output);
        let sum = graph.add(&format!("{name}.biased"), Add {}, &[product.output, bias]);
        let behind = graph.producer(sum).map(|(id, _)| id);
        graph.replace_uses_but(product.output, sum, &behind.into_iter().collect::<Vec<_>>());
        if was_output {
            graph.swap_names(product.output, sum);
        }
        return Ok(());
    }
    let old: Option<ArrayD<f32>> = product.bias.map(|bias| floats(graph, bias)).transpose()?;
    let old = old.map_or_else(|| vec![0.0; shift.len()], |old| old.iter().copied().collect());
    let bias = old.iter().zip(shift).map(|(&b, shift)| (f64::from(b) + shift) as f32).collect();
    set_bias(graph, product, bias);
    Ok(())
}
