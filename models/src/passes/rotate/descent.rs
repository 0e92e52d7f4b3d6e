//! Rotations for given weights: descent on the error of rounding them.
//!
//! ```text
//! L(R) = sum over weights M of |M R - Q(M R)|² / |M|²        ∂L/∂R = sum of 2 Mᵀ (M R - Q(M R)) / |M|²
//! ```
//!
//! with the codes held fixed in the gradient, by Cayley steps; weights that both take and make a stream count once for each side. No
//! text is needed, and nothing is run: `on_loss` descends on the loss of the whole model instead.

use fewbit::algorithms::linalg::product;
use fewbit::algorithms::rotate::{CayleyParams, Rotation, cayley_sgd};
use fewbit::quantize::Quantizer;
use fewbit::tensor::Granularity;
use ndarray::{Array2, ArrayD, ArrayView2, s};

use crate::graph::{Graph, Product};

use super::super::PassError;
use super::stream::{Stream, Use};

/// Vectors of each weight that count, which bounds the work.
const VECTORS: usize = 512;

/// How rotations are found.
pub(super) struct Descent {
    /// For weights as `[out, in]`.
    quantizer: Quantizer,
    cayley: CayleyParams,
}

/// Vectors that become `v R`, and how their weights lie to the quantizer.
struct Part {
    /// `[vectors * blocks, block]`.
    rows: Array2<f64>,
    /// Blocks of a vector.
    blocks: usize,
    /// Whether a vector is a column of `[out, in]`, as with the weights of what makes a stream.
    is_source: bool,
    norm: f64,
}

impl Descent {
    /// A quantizer of weights, with its channels along the rows and its groups within them.
    pub(super) fn new(quantizer: &Quantizer, cayley: CayleyParams) -> Result<Self, PassError> {
        let scheme = quantizer.scheme().clone();
        let granularity = match scheme.granularity {
            Granularity::Channel { .. } => Granularity::Channel { axis: 0 },
            Granularity::Group { size, .. } => Granularity::Group { axis: 1, size },
            other => other,
        };
        let quantizer = quantizer.clone().with_scheme(scheme.with_granularity(granularity));
        let quantizer = quantizer.map_err(PassError::quantize("the quantizer of weights"))?;
        Ok(Self { quantizer, cayley })
    }

    /// The best rotation met from a start on, with the loss there and at the end.
    pub(super) fn run(
        &self,
        graph: &Graph,
        stream: &Stream,
        start: &Rotation,
    ) -> Result<(Rotation, [f64; 2]), PassError> {
        let wrong = PassError::algorithm("a rotation");
        let mut parts = Vec::new();
        for (uses, is_source) in [(&stream.sources, true), (&stream.sinks, false)] {
            for place in uses {
                parts.extend(part(graph, place, stream.block, is_source)?);
            }
        }
        let mut failed = None;
        let start = start.matrix().map_err(&wrong)?;
        let found = cayley_sgd(start.view(), &self.cayley, |r, _| {
            self.loss(&parts, r).unwrap_or_else(|error| {
                failed = Some(error);
                (f64::NAN, Array2::zeros(r.dim()))
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let (matrix, info) = found.map_err(&wrong)?;
        let loss = |at: usize| info.losses.get(at).copied().unwrap_or_default();
        let losses = [loss(0), loss(info.best)];
        Ok((Rotation::dense(matrix).map_err(&wrong)?, losses))
    }

    fn loss(
        &self,
        parts: &[Part],
        r: ArrayView2<'_, f64>,
    ) -> Result<(f64, Array2<f64>), PassError> {
        let mut gradient = Array2::zeros(r.dim());
        let mut loss = 0.0;
        for part in parts {
            let turned = product(part.rows.view(), r);
            let error = &turned - &self.rounded(part, &turned)?;
            loss += error.iter().map(|e| e * e).sum::<f64>() / part.norm;
            gradient = gradient + product(part.rows.t(), error.view()) * (2.0 / part.norm);
        }
        Ok((loss, gradient))
    }

    /// Q of rotated vectors.
    fn rounded(&self, part: &Part, turned: &Array2<f64>) -> Result<Array2<f64>, PassError> {
        let (rows, block) = turned.dim();
        let shape = (rows / part.blocks, part.blocks * block);
        let turned = turned.mapv(|x| x as f32).into_shape_with_order(shape).unwrap_or_default();
        let weights = if part.is_source { turned.t() } else { turned.view() };
        let weights = weights.as_standard_layout();
        let values = self.quantizer.simulate(&weights.view());
        let values = values.map_err(PassError::quantize("rotated weights"))?;
        let values = if part.is_source { values.reversed_axes() } else { values };
        let values = values.mapv(f64::from).as_standard_layout().into_owned();
        Ok(values.into_shape_with_order((rows, block)).unwrap_or_default())
    }
}

/// The vectors of a product's weights; tables, biases and other constants are not rounded.
fn part(
    graph: &Graph,
    place: &Use,
    block: usize,
    is_source: bool,
) -> Result<Option<Part>, PassError> {
    let is_weight = Product::of(graph, place.node, graph.node(place.node)).is_some();
    let (Some(id), true) = (place.constant(graph), is_weight && place.place == 1) else {
        return Ok(None);
    };
    let name = graph.name_of(id);
    let Some(data) = graph.data(id).cloned() else { return Ok(None) };
    let array: ArrayD<f32> = data.try_into().map_err(PassError::tensor(name))?;
    let Ok(array) = array.into_dimensionality::<ndarray::Ix2>() else { return Ok(None) };
    let vectors = if place.axis == 0 { array.t() } else { array.view() };
    let vectors = vectors.slice(s![..vectors.nrows().min(VECTORS), ..]).mapv(f64::from);
    let blocks = vectors.ncols() / block;
    let rows = vectors.as_standard_layout().into_owned();
    let rows = rows.into_shape_with_order((vectors.nrows() * blocks, block)).unwrap_or_default();
    let norm = rows.iter().map(|x| x * x).sum::<f64>();
    Ok((norm > 0.0).then_some(Part { rows, blocks, is_source, norm }))
}
