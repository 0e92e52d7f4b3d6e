//! Quantizers on biases.

use fewbit::formats::Policy;
use fewbit::formats::{Format, Overflow, Rounding};
use fewbit::quantize::{Quantizer, ScaleRule, ScaleSource, Scheme};
use ndarray::ArrayD;

use crate::graph::{Graph, NodeId, Product, ProductLayout, ValueId, products};
use crate::ops::{Op, Quantize};

use super::bias_correction::added;
use super::solve::source_quantizer;
use super::{PassError, PassReport};

/// Rounds the bias of every product, or what is added behind one that has none of its own, to an integer in the scale of its sums, `input scale * weight scale`, where both of these
/// are known before the network runs.
///
/// # Errors
/// A format that is no integer.
pub fn quantize_biases(graph: &mut Graph, format: Format) -> Result<PassReport, PassError> {
    let mut changed = 0;
    for product in products(graph) {
        let Some((bias, node, place)) = bias_of(graph, &product) else { continue };
        let Some(scales) = sum_scales(graph, &product) else { continue };
        let name = graph.name_of(bias).to_owned();
        let shape = graph.data(bias).map(|data| data.shape().to_vec()).unwrap_or_default();
        let (outputs, axis) = (shape.iter().product(), shape.len().saturating_sub(1));
        let (scheme, scale) = if scales.len() == 1 {
            (Scheme::new(format), ndarray::arr0(scales[0]).into_dyn())
        } else {
            let scales: Vec<f32> = (0..outputs).map(|o| scales[o % scales.len()]).collect();
            // A bias that is added behind its product may have axes of extent 1 before that of the channels.
            let scales = ArrayD::from_shape_vec(shape, scales).map_err(|_| {
                PassError::Missing(format!("`{name}` has not one element per output channel"))
            })?;
            (Scheme::new(format).per_channel(axis as isize), scales)
        };
        let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
        let quantizer = Quantizer::new(scheme, ScaleRule::given(scale), policy);
        let quantizer = quantizer.map_err(PassError::quantize(&name))?;
        let quantized = graph.add(&format!("{name}.quantizer"), Quantize::new(quantizer), &[bias]);
        graph.node_mut(node).inputs[place] = Some(quantized);
        changed += 1;
    }
    for id in graph.order().to_vec() {
        if let Op::Scan(scan) = &mut graph.node_mut(id).op {
            changed += quantize_biases(&mut scan.body, format)?.changed;
        }
    }
    graph.sort()?;
    Ok(PassReport::new("quantize biases", changed, "biases of products with static scales"))
}

/// The bias of a product that no quantizer rounds, and the place where it is taken.
fn bias_of(graph: &Graph, product: &Product) -> Option<(ValueId, NodeId, usize)> {
    match (product.bias, product.bias_quantizer) {
        (Some(bias), None) => Some((bias, product.node, 2)),
        (Some(_), Some(_)) => None,
        (None, _) => {
            let channels = product.outputs(graph.data(product.weight)?.shape());
            let is_sum = matches!(graph.node(product.node).op, Op::MatMul(_));
            let bias = added(graph, product, channels).filter(|_| is_sum)?;
            let (node, place) = *graph.consumers(bias).first()?;
            Some((bias, node, place))
        }
    }
}

/// The scales of a product's sums, one or one per output channel, if they are known before the network runs.
pub(crate) fn sum_scales(graph: &Graph, product: &Product) -> Option<Vec<f32>> {
    let (input, _) = source_quantizer(graph, product.input)?;
    let input = scales(graph, input)?;
    let weight = scales(graph, product.weight_quantizer?)?;
    let [input] = input.iter().copied().collect::<Vec<_>>()[..] else { return None };
    let weight: Vec<f32> = weight.iter().copied().collect();
    // Scales per group of inputs are not those of sums.
    let shape = graph.data(product.weight)?.shape();
    let outputs = product.outputs(shape);
    let per_group = product.layout == ProductLayout::ConvTranspose && weight.len() == shape[1];
    let fits = weight.len() == 1 || weight.len() == outputs || per_group;
    fits.then(|| weight.iter().map(|weight| input * weight).collect())
}

/// The scales of a quantizer, if they are given.
fn scales(graph: &Graph, id: crate::graph::NodeId) -> Option<ArrayD<f32>> {
    let Op::Quantize(op) = &graph.node(id).op else { return None };
    match &op.quantizer.scale_rule().source {
        ScaleSource::Given(scale) => Some(scale.clone()),
        _ => None,
    }
}
