//! Quantizers on biases.

use fewbit::formats::Policy;
use fewbit::formats::{Format, Overflow, Rounding};
use fewbit::quantize::{Quantizer, ScaleRule, ScaleSource, Scheme};
use ndarray::ArrayD;

use crate::graph::{Graph, Product, ProductLayout, products};
use crate::ops::{Op, Quantize};

use super::solve::source_quantizer;
use super::{PassError, PassReport};

/// Rounds the bias of every product to an integer in the scale of its sums, `input scale * weight scale`, where both of these
/// are known before the network runs.
///
/// # Errors
/// A format that is no integer.
pub fn quantize_biases(graph: &mut Graph, format: Format) -> Result<PassReport, PassError> {
    let mut changed = 0;
    for product in products(graph) {
        let (Some(bias), None) = (product.bias, product.bias_quantizer) else { continue };
        let Some(scales) = sum_scales(graph, &product) else { continue };
        let name = graph.name_of(bias).to_owned();
        let outputs = graph.data(bias).map_or(0, |data| data.len());
        let (scheme, scale) = if scales.len() == 1 {
            (Scheme::new(format), ndarray::arr0(scales[0]).into_dyn())
        } else {
            let scales: Vec<f32> = (0..outputs).map(|o| scales[o % scales.len()]).collect();
            (Scheme::new(format).per_channel(0), ndarray::Array1::from(scales).into_dyn())
        };
        let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
        let quantizer = Quantizer::new(scheme, ScaleRule::given(scale), policy);
        let quantizer = quantizer.map_err(PassError::quantize(&name))?;
        let quantized = graph.add(&format!("{name}.quantizer"), Quantize::new(quantizer), &[bias]);
        graph.node_mut(product.node).inputs[2] = Some(quantized);
        changed += 1;
    }
    graph.sort()?;
    Ok(PassReport::new("quantize biases", changed, "biases of products with static scales"))
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
