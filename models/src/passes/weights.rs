//! Quantizers on weights.

use std::collections::BTreeMap;

use fewbit::quantize::{Parameters, Quantizer, ScaleSource};
use ndarray::ArrayD;

use crate::graph::{Graph, NodeId, Product, ValueId, products};
use crate::ops::{Op, Quantize};
use crate::tensor::Tensor;

use super::{PassError, PassReport};
use fewbit::tensor::Granularity;

/// Puts a quantizer on the weights of every product, with the scales that it finds for them.
///
/// A scale per channel is one per output channel, whatever the layout of the weights.
///
/// # Errors
/// Weights that the quantizer refuses.
pub fn insert_weight_quantizers(
    graph: &mut Graph,
    quantizer: &Quantizer,
) -> Result<PassReport, PassError> {
    insert_weight_quantizers_but(graph, quantizer, &[])
}

/// The same for the products that are not in `except`.
///
/// # Errors
/// As [`insert_weight_quantizers`].
pub fn insert_weight_quantizers_but(
    graph: &mut Graph,
    quantizer: &Quantizer,
    except: &[NodeId],
) -> Result<PassReport, PassError> {
    let mut quantized: BTreeMap<ValueId, ValueId> = BTreeMap::new();
    for product in products(graph) {
        if product.weight_quantizer.is_some() || except.contains(&product.node) {
            continue;
        }
        let output = match quantized.get(&product.weight) {
            Some(&output) => output,
            None => {
                let name = graph.name_of(product.weight).to_owned();
                let weights = weights_of(graph, &product)?;
                let quantizer =
                    for_layout(quantizer, &product).map_err(PassError::quantize(&name))?;
                let parameters =
                    quantizer.parameters(&weights.view()).map_err(PassError::quantize(&name))?;
                let quantizer =
                    fixed(&quantizer, parameters).map_err(PassError::quantize(&name))?;
                let name = format!("{name}.quantizer");
                graph.add(&name, Quantize::new(quantizer), &[product.weight])
            }
        };
        quantized.insert(product.weight, output);
        graph.node_mut(product.node).inputs[1] = Some(output);
    }
    let mut count = quantized.len();
    for id in graph.order().to_vec() {
        if let Op::Scan(scan) = &mut graph.node_mut(id).op {
            count += insert_weight_quantizers(&mut scan.body, quantizer)?.changed;
        }
    }
    graph.sort()?;
    graph.infer()?;
    Ok(PassReport::new("insert weight quantizers", count, "weights"))
}

/// The weights of a product.
pub(super) fn weights_of(graph: &Graph, product: &Product) -> Result<ArrayD<f32>, PassError> {
    let name = graph.name_of(product.weight);
    let missing = || PassError::Missing(format!("`{name}` is no initializer"));
    let tensor: Tensor = graph.data(product.weight).ok_or_else(missing)?.clone();
    tensor.try_into().map_err(PassError::tensor(name))
}

/// The quantizer with its channels along the output channels of these weights.
pub(super) fn for_layout(
    quantizer: &Quantizer,
    product: &Product,
) -> Result<Quantizer, fewbit::quantize::QuantizeError> {
    let scheme = quantizer.scheme().clone();
    let granularity = match scheme.granularity {
        Granularity::Channel { .. } => {
            Granularity::Channel { axis: product.output_axis() as isize }
        }
        Granularity::Group { size, .. } => {
            Granularity::Group { axis: product.input_axis() as isize, size }
        }
        other => other,
    };
    quantizer.clone().with_scheme(scheme.with_granularity(granularity))
}

/// The quantizer that keeps these parameters; one of a group format keeps its rule, for its scales are codes.
pub(super) fn fixed(
    quantizer: &Quantizer,
    parameters: Parameters,
) -> Result<Quantizer, fewbit::quantize::QuantizeError> {
    if let ScaleSource::Codes(_) = quantizer.scale_rule().source {
        return Ok(quantizer.clone());
    }
    quantizer.clone().with_parameters(parameters)
}
