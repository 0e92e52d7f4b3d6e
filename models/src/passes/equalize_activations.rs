//! Activation equalization: channels of activations scaled against those of weights (SmoothQuant, arXiv 2211.10438).

use std::collections::BTreeMap;

use fewbit::algorithms::equalize::{SmoothParams, smoothquant};
use ndarray::{Array1, Array2, ArrayD, IxDyn};

use crate::graph::{Graph, Product, ProductLayout, products};
use crate::ops::Mul;
use crate::tensor::Tensor;

use super::channel_maxima::{ChannelAxis, channel_maxima};
use super::channel_runs::ChannelRuns;
use super::source::floats;
use super::{PassError, PassReport, regions};

/// Where the factors of activations go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EqualizationTarget {
    /// Into what makes the channels: weights, biases, the factors of normalizations. The network gets no new node.
    #[default]
    Sources,
    /// Into a multiplication in front of every product.
    Nodes,
}

/// Parameters of [`equalize_activations`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActivationEqualizeParams {
    /// How much of the range of activations moves into the weights, from 0 to 1.
    pub alpha: f64,
    /// Where the factors go.
    pub target: EqualizationTarget,
}

impl Default for ActivationEqualizeParams {
    /// Brevitas's for vision.
    fn default() -> Self {
        Self { alpha: 0.5, target: EqualizationTarget::default() }
    }
}

/// Evens out the ranges of what products take and of the weights that take it, from what the float network computes of these
/// batches:
///
/// ```text
/// s_j = max|X_j|^alpha / max|W_j|^(1 - alpha)        X_j <- X_j / s_j        W_j <- W_j s_j
/// ```
///
/// for every channel j; 1 where either maximum is 0. In a region ([`regions`]) the maxima are those over all of its sinks. The float
/// network computes the same function, up to rounding. Products whose weights are used elsewhere too are left alone.
///
/// # Errors
/// Batches that the network cannot take; weights that are no floats; alpha outside 0 to 1.
pub fn equalize_activations(
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    params: &ActivationEqualizeParams,
) -> Result<PassReport, PassError> {
    match params.target {
        EqualizationTarget::Sources => into_sources(graph, batches, params.alpha),
        EqualizationTarget::Nodes => into_nodes(graph, batches, params.alpha),
    }
}

fn into_sources(
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    alpha: f64,
) -> Result<PassReport, PassError> {
    let regions = regions(graph);
    let values: BTreeMap<_, _> = regions
        .iter()
        .flat_map(|region| &region.sinks)
        .map(|sink| (sink.input, axis(sink)))
        .collect();
    let found = channel_maxima(graph, batches, &values)?;
    for region in &regions {
        let channels = region.channels(graph);
        let mut most = vec![0f32; channels];
        for sink in &region.sinks {
            fold(found.get(&sink.input), &mut most);
        }
        let name = graph.name_of(region.sinks[0].input).to_owned();
        let scale = factors(&name, &most, &region.taken(graph)?, alpha)?;
        let inverse: Vec<f32> = scale.iter().map(|s| 1.0 / s).collect();
        region.scale(graph, &inverse)?;
    }
    Ok(PassReport::new("equalize activations", regions.len(), "regions of products"))
}

fn into_nodes(
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    alpha: f64,
) -> Result<PassReport, PassError> {
    let suits = |product: &Product| {
        graph.consumers(product.weight).len() == 1 && product.weight_quantizer.is_none()
    };
    let products: Vec<_> = products(graph).into_iter().filter(suits).collect();
    let values = products.iter().map(|product| (product.input, axis(product))).collect();
    let found = channel_maxima(graph, batches, &values)?;
    for product in &products {
        let name = graph.node(product.node).name.clone();
        let mut w = floats(graph, product.weight)?;
        let channels = product.inputs(w.shape());
        let (mut most, mut taken) = (vec![0f32; channels], vec![0f32; channels]);
        fold(found.get(&product.input), &mut most);
        let runs = ChannelRuns::of_inputs(product, w.shape(), channels);
        runs.maxima(&w, &mut taken);
        let scale = factors(&name, &most, &taken, alpha)?;
        runs.map(&mut w, |w, channel| w * scale[channel]);
        let kernel = if product.is_convolution() { w.ndim() - 2 } else { 0 };
        graph.set_data(product.weight, w);
        multiply(graph, product, &name, (&scale, kernel))?;
    }
    graph.sort()?;
    graph.infer()?;
    Ok(PassReport::new("equalize activations", products.len(), "inputs of products"))
}

/// Puts a division by factors per channel, as a multiplication, in front of a product.
fn multiply(
    graph: &mut Graph,
    product: &Product,
    name: &str,
    (scale, kernel): (&Array1<f32>, usize),
) -> Result<(), PassError> {
    let mut shape = vec![scale.len()];
    shape.extend(std::iter::repeat_n(1, kernel));
    let inverse = scale.iter().map(|s| 1.0 / s).collect();
    let inverse = ArrayD::from_shape_vec(IxDyn(&shape), inverse);
    let inverse = inverse.map_err(|error| PassError::Missing(format!("`{name}`: {error}")))?;
    let constant = graph.add_constant(&format!("{name}.equalization"), inverse);
    let scaled = graph.add(&format!("{name}.equalized"), Mul {}, &[product.input, constant]);
    graph.node_mut(product.node).inputs[0] = Some(scaled);
    Ok(())
}

fn axis(product: &Product) -> ChannelAxis {
    match product.layout {
        ProductLayout::Conv | ProductLayout::ConvTranspose => ChannelAxis::Second,
        _ => ChannelAxis::Last,
    }
}

/// Raises the maxima of channels to those of inputs, of which each channel has as many side by side.
fn fold(inputs: Option<&Vec<f32>>, channels: &mut [f32]) {
    let Some(inputs) = inputs else { return };
    let repeat = inputs.len().checked_div(channels.len()).unwrap_or(0).max(1);
    for (to, inputs) in channels.iter_mut().zip(inputs.chunks(repeat)) {
        *to = inputs.iter().fold(*to, |most, x| most.max(*x));
    }
}

/// `max|X|^alpha / max|W|^(1 - alpha)`, channel by channel.
fn factors(
    name: &str,
    inputs: &[f32],
    weights: &[f32],
    alpha: f64,
) -> Result<Array1<f32>, PassError> {
    let row = Array2::from_shape_vec((1, weights.len()), weights.to_vec()).unwrap_or_default();
    let maxima: Array1<f64> = inputs.iter().map(|&x| f64::from(x)).collect();
    let params = SmoothParams { alpha, ..SmoothParams::default() };
    let smoothing = smoothquant(&[row.view()], maxima.view(), &params);
    Ok(smoothing.map_err(PassError::algorithm(name))?.scale)
}
