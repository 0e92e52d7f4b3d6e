//! Activation-aware scales and clips on the matrix products of a network (AWQ, Lin et al. 2023).

use fewbit::algorithms::Statistics;
use fewbit::algorithms::equalize::{AwqParams, ClipParams, awq_clip, awq_scale};
use fewbit::quantize::Quantizer;
use fewbit::tensor::Granularity;
use ndarray::{Array2, ArrayView2, Axis, concatenate};

use crate::exec::QuantizerMode;
use crate::graph::{Graph, NodeId, Product, products};
use crate::tensor::Tensor;

use super::statistics::{ProductInputs, statistics};
use super::walk::Walk;
use super::weights::weights_of;
use super::{PassError, PassReport, Region, regions};

/// Scales the channels that matrix products take, region by region, with the exponent r for which quantized weights serve best:
///
/// ```text
/// s_j = mean|X_j|^r / sqrt(max s min s)        W_j <- W_j s_j,  what makes channel j is divided by s_j
/// r: the least |X (W - Q(W diag s) diag s⁻¹)ᵀ|² over all products of the region
/// ```
///
/// `quantizer` is that of the weights. A region whose products take different values, or one of which is a convolution, stays as
/// it is. The float network computes the same function, up to rounding.
///
/// # Errors
/// Batches that the network cannot take; weights that the quantizer refuses.
pub fn scale_by_activations(
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    quantizer: &Quantizer,
    params: &AwqParams,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PassReport, PassError> {
    let suits = |region: &Region| {
        let mut sinks = region.sinks.iter();
        let input = region.sinks.first().map(|sink| sink.input);
        sinks.all(|sink| Some(sink.input) == input && !sink.is_convolution())
    };
    let regions: Vec<Region> = regions(graph).into_iter().filter(suits).collect();
    let firsts: Vec<Product> =
        regions.iter().filter_map(|region| region.sinks.first().cloned()).collect();
    each_statistics(&graph.clone(), batches, &firsts, &mut |index, statistics| {
        progress(index, regions.len());
        let region = &regions[index];
        let name = graph.node(region.sinks[0].node).name.clone();
        let matrices = region.sinks.iter().map(|sink| Ok(sink.matrix(&weights_of(graph, sink)?)));
        let matrices = matrices.collect::<Result<Vec<Array2<f32>>, PassError>>()?;
        let views: Vec<_> = matrices.iter().map(|matrix| matrix.view()).collect();
        let stacked = concatenate(Axis(0), &views)
            .map_err(|error| PassError::Missing(format!("`{name}`: {error}")))?;
        let samples = statistics.samples.max(1) as f64;
        let mean_abs = &statistics.quantized.abs_sum / samples;
        let rounded = |w: ArrayView2<'_, f32>| -> Result<Array2<f32>, Failed> {
            let mut start = 0;
            let mut parts = Vec::new();
            for matrix in &matrices {
                let rows = w.slice(ndarray::s![start..start + matrix.nrows(), ..]);
                parts.push(round(quantizer, rows, &name)?);
                start += matrix.nrows();
            }
            let views: Vec<_> = parts.iter().map(|matrix| matrix.view()).collect();
            Ok(concatenate(Axis(0), &views).unwrap_or_default())
        };
        let gram = &statistics.grams[0].h;
        let best = awq_scale(stacked.view(), mean_abs.view(), gram.view(), params, rounded)
            .map_err(|error| error.at(&name))?;
        let inverse: Vec<f32> = best.smoothing.scale.iter().map(|s| 1.0 / s).collect();
        region.scale(graph, &inverse)
    })?;
    progress(regions.len(), regions.len());
    Ok(PassReport::new("scale by activations", regions.len(), "regions of matrix products"))
}

/// Clips the weights of matrix products, run by run of those that share a scale, at the share of the greatest magnitude for which
/// quantized weights serve best; `except` some products, as those of queries and keys.
///
/// # Errors
/// As [`scale_by_activations`].
pub fn clip_weights(
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    quantizer: &Quantizer,
    params: &ClipParams,
    except: &[NodeId],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PassReport, PassError> {
    let suits = |p: &Product| !p.is_convolution() && !except.contains(&p.node);
    let all: Vec<Product> = products(graph).into_iter().filter(suits).collect();
    each_statistics(&graph.clone(), batches, &all, &mut |index, statistics| {
        progress(index, all.len());
        let product = &all[index];
        let name = graph.node(product.node).name.clone();
        let weights = weights_of(graph, product)?;
        let matrix = product.matrix(&weights);
        let group = match quantizer.scheme().granularity {
            Granularity::Group { size, .. } => size,
            _ => matrix.ncols(),
        };
        let rounded = |w: ArrayView2<'_, f32>| round(quantizer, w, &name);
        let gram = &statistics.grams[0].h;
        let clipped = awq_clip(matrix.view(), gram.view(), group, params, rounded)
            .map_err(|error| error.at(&name))?;
        graph.set_data(product.weight, product.weights(&clipped.weights, weights.shape()));
        Ok(())
    })?;
    progress(all.len(), all.len());
    Ok(PassReport::new("clip weights", all.len(), "matrix products"))
}

/// Why a candidate could not be judged.
enum Failed {
    Algorithm(fewbit::algorithms::AlgorithmError),
    Pass(PassError),
}

impl Failed {
    fn at(self, name: &str) -> PassError {
        match self {
            Self::Algorithm(error) => PassError::algorithm(name)(error),
            Self::Pass(error) => error,
        }
    }
}

impl From<fewbit::algorithms::AlgorithmError> for Failed {
    fn from(error: fewbit::algorithms::AlgorithmError) -> Self {
        Self::Algorithm(error)
    }
}

/// Values of the quantized weights of a matrix `[out, in]`.
fn round(
    quantizer: &Quantizer,
    weights: ArrayView2<'_, f32>,
    name: &str,
) -> Result<Array2<f32>, Failed> {
    let scheme = quantizer.scheme().clone();
    let granularity = match scheme.granularity {
        Granularity::Channel { .. } => Granularity::Channel { axis: 0 },
        Granularity::Group { size, .. } => Granularity::Group { axis: 1, size },
        other => other,
    };
    let failed = |error| Failed::Pass(PassError::quantize(name)(error));
    let quantizer =
        quantizer.clone().with_scheme(scheme.with_granularity(granularity)).map_err(failed)?;
    let values = quantizer.quantize(&weights.into_dyn()).map_err(failed)?.dequantize();
    let shape = weights.dim();
    Ok(Array2::from_shape_vec(shape, values.iter().copied().collect()).unwrap_or_default())
}

/// Calls `hear` with the number of each of some products and the statistics of what it takes, in the order in which they run.
fn each_statistics(
    graph: &Graph,
    batches: &[Vec<Tensor>],
    of: &[Product],
    hear: &mut dyn FnMut(usize, &Statistics) -> Result<(), PassError>,
) -> Result<(), PassError> {
    let mut walk = Walk::quantized(graph, batches, QuantizerMode::Apply)?;
    let mut left = of.len();
    for &id in graph.order() {
        for (index, product) in of.iter().enumerate().filter(|(_, p)| p.node == id) {
            let inputs = ProductInputs::of(&walk, graph, product)?;
            hear(index, &statistics(graph, &inputs, product, &graph.node(id).name)?)?;
            left -= 1;
        }
        if left == 0 {
            break;
        }
        walk.step(graph, id)?;
    }
    Ok(())
}
