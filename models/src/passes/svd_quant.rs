//! A part of low rank beside quantized weights (SVDQuant, Li et al. 2024).

use fewbit::algorithms::lowrank::{SvdQuantParams, svd_quant as decompose};
use fewbit::quantize::Quantizer;
use fewbit::tensor::Granularity;
use ndarray::{Array2, ArrayView2, Ix2};

use crate::graph::{Graph, NodeId, Product, products};
use crate::ops::Add;

use super::rotate::{InFloats, product_in_floats};
use super::weights::weights_of;
use super::{PassError, PassReport};

/// Takes out of the weights of every matrix product that is not in `except` a part of low rank, which stays in floats beside it:
///
/// ```text
/// x W'  =  x R' + (x L₁') L₂'        R = W - L₂ L₁,   L₁ [rank, in], L₂ [out, rank]
/// ```
///
/// where W - L₂ L₁ - Q(R) is what [`svd_quant`](fewbit::algorithms::lowrank::svd_quant) made least, Q being this quantizer. It comes
/// before quantizers are inserted: [`insert_weight_quantizers`](super::insert_weight_quantizers) with the same one then finds the scales
/// of R. L₁ and L₂ are no products to other passes: no quantizer and no accumulator takes them, and their input is the one before
/// the quantizer of the product's.
///
/// # Errors
/// A rank or a number of iterations of 0; weights that the quantizer refuses, or that are quantized already; no matrix product.
pub fn svd_quant(
    graph: &mut Graph,
    quantizer: &Quantizer,
    params: &SvdQuantParams,
    except: &[NodeId],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PassReport, PassError> {
    graph.infer()?;
    if params.rank == 0 {
        return Err(PassError::Missing("a low-rank part of rank 0: at least 1".into()));
    }
    let by_row = by_row(quantizer).map_err(PassError::quantize("the quantizer of weights"))?;
    let suits = |p: &Product| !p.is_convolution() && !except.contains(&p.node);
    let all: Vec<_> = products(graph).into_iter().filter(suits).collect();
    if all.is_empty() {
        return Err(PassError::Missing("there is no matrix product to take a part out of".into()));
    }
    let (mut before, mut after) = (0.0, 0.0);
    for (index, product) in all.iter().enumerate() {
        progress(index, all.len());
        let [whole, rest] = split(graph, product, &by_row, params)?;
        before += whole;
        after += rest;
    }
    progress(all.len(), all.len());
    graph.sort()?;
    graph.infer()?;
    let count = all.len();
    let [before, after] = [before, after].map(|sum| sum / count as f64);
    let detail = format!(
        "{count} products with a part of rank {} in floats; mean relative error of the weights \
         {before:.4} without and {after:.4} with it",
        params.rank
    );
    Ok(PassReport { name: "svd quant", changed: count, detail })
}

/// The quantizer for weights as `[out, in]`.
fn by_row(quantizer: &Quantizer) -> Result<Quantizer, fewbit::quantize::QuantizeError> {
    let scheme = quantizer.scheme().clone();
    let granularity = match scheme.granularity {
        Granularity::Channel { .. } => Granularity::Channel { axis: 0 },
        Granularity::Group { size, .. } => Granularity::Group { axis: 1, size },
        other => other,
    };
    quantizer.clone().with_scheme(scheme.with_granularity(granularity))
}

/// Splits the weights of a product; gives the relative errors of quantizing them whole, and split.
fn split(
    graph: &mut Graph,
    product: &Product,
    quantizer: &Quantizer,
    params: &SvdQuantParams,
) -> Result<[f64; 2], PassError> {
    let name = graph.node(product.node).name.clone();
    if product.weight_quantizer.is_some() {
        let problem = format!("`{name}` is quantized already: low-rank parts come first");
        return Err(PassError::Missing(problem));
    }
    let weights = weights_of(graph, product)?;
    let matrix = product.matrix(&weights);
    let quantize = |w: ArrayView2<'_, f32>| -> Result<Array2<f32>, PassError> {
        let values = quantizer.simulate(&w).map_err(PassError::quantize(&name))?;
        Ok(values.into_dimensionality::<Ix2>().unwrap_or_default())
    };
    let whole = relative(&matrix, &quantize(matrix.view())?);
    let found = decompose(matrix.view(), params, |w| {
        // An error of the algorithm is one at this node.
        quantize(w).map_err(Failure::Pass)
    });
    let found = found.map_err(|failure| match failure {
        Failure::Pass(error) => error,
        Failure::Algorithm(error) => PassError::algorithm(&name)(error),
    })?;
    let residual = product.weights(&found.residual, weights.shape());
    if graph.consumers(product.weight).len() == 1 {
        graph.set_data(product.weight, residual);
    } else {
        let own = graph.add_constant(&format!("{name}.weight"), residual);
        graph.node_mut(product.node).inputs[1] = Some(own);
    }
    // Halves, which are exact, with an alpha of 2: a `Gemm` with an alpha stays in floats.
    let [right, left] = [("right", &found.right), ("left", &found.left)].map(|(what, part)| {
        graph.add_constant(&format!("{name}.low_rank.{what}.weight"), part.mapv(|x| x / 2.0))
    });
    let branch = format!("{name}.low_rank");
    // The product before may have become a sum meanwhile.
    let input = graph.node(product.node).input(0).unwrap_or(product.input);
    let around = InFloats::new(graph, &branch, input, matrix.ncols());
    let step = |what: &str| format!("{branch}.{what}");
    let low = product_in_floats(graph, &step("right"), [around.rows, right], true, 2.0);
    let low = product_in_floats(graph, &step("left"), [low, left], true, 2.0);
    let low = around.back(graph, &branch, low, matrix.nrows());
    let was_output = graph.is_output(product.output);
    let sum = graph.add(&step("sum"), Add {}, &[product.output, low]);
    let behind: Vec<_> = graph.producer(sum).map(|(id, _)| id).into_iter().collect();
    graph.replace_uses_but(product.output, sum, &behind);
    if was_output {
        graph.swap_names(product.output, sum);
    }
    Ok([whole, found.errors.get(found.best).copied().unwrap_or_default()])
}

/// `|W - Q|_F / |W|_F`.
fn relative(w: &Array2<f32>, q: &Array2<f32>) -> f64 {
    let square = |x: f64| x * x;
    let error: f64 = w.iter().zip(q).map(|(&w, &q)| square(f64::from(w) - f64::from(q))).sum();
    let norm: f64 = w.iter().map(|&w| square(f64::from(w))).sum();
    if norm > 0.0 { (error / norm).sqrt() } else { 0.0 }
}

/// What stops the decomposition.
enum Failure {
    Pass(PassError),
    Algorithm(fewbit::algorithms::AlgorithmError),
}

impl From<fewbit::algorithms::AlgorithmError> for Failure {
    fn from(error: fewbit::algorithms::AlgorithmError) -> Self {
        Self::Algorithm(error)
    }
}
