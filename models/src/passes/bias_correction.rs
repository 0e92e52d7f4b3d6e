//! Biases that make up for the mean error of the outputs.

use ndarray::{ArrayD, Axis};

use crate::exec::QuantizerMode;
use crate::graph::{Graph, Product, ValueId, products};
use crate::ops::Op;
use crate::tensor::Tensor;

use super::merge_batch_norm::set_bias;
use super::walk::Walk;
use super::{ChannelMeans, PassError, PassReport};

/// Adds to each product's bias the difference, per output channel, between the mean that the float network has there and that
/// of the quantized network, product after product, so that each sees what those before it have become.
///
/// # Errors
/// Batches that the network cannot take.
pub fn correct_biases(
    means: &ChannelMeans,
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PassReport, PassError> {
    let all = products(graph);
    let mut walk = Walk::quantized(graph, batches, QuantizerMode::Apply)?;
    let mut corrected = 0;
    for id in graph.order().to_vec() {
        walk.step(graph, id)?;
        let Some(product) = all.iter().find(|product| product.node == id) else { continue };
        if product.weight_quantizer.is_none() {
            continue;
        }
        progress(corrected, all.len());
        correct(means, graph, &mut walk, product)?;
        corrected += 1;
    }
    progress(all.len(), all.len());
    graph.sort()?;
    Ok(PassReport::new("correct biases", corrected, "products with quantized weights"))
}

/// Corrects the bias of a product that has just run, and what it gave.
pub(super) fn correct(
    means: &ChannelMeans,
    graph: &mut Graph,
    walk: &mut Walk,
    product: &Product,
) -> Result<(), PassError> {
    let Some(wanted) = means.of(product.node) else { return Ok(()) };
    let mut found = ChannelMeans::default();
    found.add(graph, product, &walk.values(graph, product.output)?)?;
    let Some(found) = found.of(product.node) else { return Ok(()) };
    let shift: Vec<f64> = wanted.iter().zip(&found).map(|(wanted, found)| wanted - found).collect();
    if let Op::MatMul(_) = graph.node(product.node).op {
        // It has no bias of its own; what is added behind it is one.
        return match added(graph, product, shift.len()) {
            Some(summand) => add_to(graph, summand, &shift),
            None => Ok(()),
        };
    }
    let name = graph.node(product.node).name.clone();
    let old = match product.bias {
        None => vec![0.0; shift.len()],
        Some(bias) => {
            let missing = || PassError::Missing(format!("the bias of `{name}` is no initializer"));
            let tensor = graph.data(bias).ok_or_else(missing)?.clone();
            let array: ArrayD<f32> = tensor.try_into().map_err(PassError::tensor(&name))?;
            array.iter().copied().collect()
        }
    };
    let bias = old.iter().zip(&shift).map(|(&b, shift)| (f64::from(b) + shift) as f32).collect();
    // Channels of images lie along axis 1, those of rows along the last one.
    let is_convolution = product.is_convolution();
    let channel = |array: &ArrayD<f32>| match is_convolution {
        true => Axis(1),
        false => Axis(array.ndim().saturating_sub(1)),
    };
    walk.shift(graph, product.output, &shift, channel)?;
    set_bias(graph, product, bias);
    Ok(())
}

/// The constant of one number per channel that alone is added to what a product gives: the bias of one that has none of its own.
pub(super) fn added(graph: &Graph, product: &Product, channels: usize) -> Option<ValueId> {
    let [(add, place)] = graph.consumers(product.output)[..] else { return None };
    let node = graph.node(add);
    let summand = node.input(1 - place.min(1))?;
    let data = graph.data(summand)?;
    let is_bias = data.len() == channels && data.shape().last() == Some(&channels);
    let suits = matches!(node.op, Op::Add(_)) && is_bias && !graph.is_output(product.output);
    (suits && graph.consumers(summand).len() == 1).then_some(summand)
}

/// Adds numbers to a constant.
pub(super) fn add_to(graph: &mut Graph, constant: ValueId, shift: &[f64]) -> Result<(), PassError> {
    let name = graph.name_of(constant).to_owned();
    let missing = || PassError::Missing(format!("`{name}` is no initializer"));
    let tensor = graph.data(constant).ok_or_else(missing)?.clone();
    let mut array: ArrayD<f32> = tensor.try_into().map_err(PassError::tensor(&name))?;
    array.iter_mut().zip(shift).for_each(|(b, shift)| *b = (f64::from(*b) + shift) as f32);
    graph.set_data(constant, array);
    Ok(())
}
