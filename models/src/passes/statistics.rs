//! What is known of the inputs of a product.

use std::borrow::Cow;

use fewbit::algorithms::{Collector, Precision, Statistics};
use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::exec::Patches;
use crate::graph::{Graph, Product};
use crate::tensor::Tensor;

use super::PassError;
use super::walk::Walk;

/// Parts of the batches whose statistics are collected side by side, whatever the number of threads.
const PARTS: usize = 8;
/// Inputs up to which it is parts, and not tiles of one matrix, that threads share.
const FEW_INPUTS: usize = 1024;

/// What is known of the inputs of a product.
pub(super) fn statistics(
    graph: &Graph,
    walk: &Walk<'_>,
    product: &Product,
    name: &str,
) -> Result<Statistics, PassError> {
    let float = walk.float_inputs(product.node, 0).transpose()?;
    let quantized = walk.values(graph, product.input)?;
    let missing = || PassError::Missing("no calibration data".into());
    let columns = Rows::of(graph, product, quantized.first().ok_or_else(missing)?, name)?.columns;
    let parts = if columns <= FEW_INPUTS { PARTS } else { 1 };
    let batches = quantized.len().div_ceil(parts);
    let collect = |(part, quantized): (usize, &[&Tensor])| -> Result<Statistics, PassError> {
        let failed = PassError::algorithm(name);
        let mut collector =
            Collector::new(columns, product.groups, Precision::Single).map_err(&failed)?;
        let (mut pairs, mut padded) = ([Vec::new(), Vec::new()], Vec::new());
        for (index, tensor) in quantized.iter().enumerate() {
            let rows = Rows::of(graph, product, tensor, name)?;
            let float = float.as_ref().and_then(|float| float.get(part * batches + index));
            let float = float.map(|float| Rows::of(graph, product, float, name)).transpose()?;
            for image in 0..rows.images {
                let [x, y] = &mut pairs;
                let x = rows.image(image, &mut padded, x);
                let pushed = match &float {
                    Some(float) => collector.push_pairs(x, float.image(image, &mut padded, y)),
                    None => collector.push(x),
                };
                pushed.map_err(&failed)?;
            }
        }
        Ok(collector.finish())
    };
    let parts: Vec<Result<Statistics, PassError>> =
        quantized.par_chunks(batches.max(1)).enumerate().map(collect).collect();
    // In order, so that threads change nothing.
    let mut parts = parts.into_iter();
    let first = parts.next().ok_or_else(missing)??;
    parts.try_fold(first, |all, part| all.merge(&part?).map_err(PassError::algorithm(name)))
}

/// The inputs of a product as rows that its matrix multiplies, image by image.
struct Rows<'a> {
    values: Cow<'a, [f32]>,
    /// Of a convolution.
    patches: Option<Patches>,
    channels: usize,
    images: usize,
    columns: usize,
}

impl<'a> Rows<'a> {
    fn of(graph: &Graph, product: &Product, x: &'a Tensor, name: &str) -> Result<Self, PassError> {
        let x = x.get::<f32>().map_err(PassError::tensor(name))?;
        let values = match x.as_slice() {
            Some(values) => Cow::Borrowed(values),
            None => Cow::Owned(x.iter().copied().collect()),
        };
        match Patches::of(graph, product, x.shape()) {
            Some(patches) => {
                let patches = patches
                    .map_err(|problem| PassError::Missing(format!("`{name}`: {problem}")))?;
                let (images, channels) = (x.shape()[0], x.shape()[1]);
                let columns = patches.columns(channels);
                Ok(Self { values, patches: Some(patches), channels, images, columns })
            }
            None => {
                let columns = x.shape().last().copied().unwrap_or(0);
                Ok(Self { values, patches: None, channels: 1, images: 1, columns })
            }
        }
    }

    /// The rows of one image; of what is no image, all of them.
    fn image<'b>(
        &'b self,
        image: usize,
        padded: &mut Vec<f32>,
        memory: &'b mut Vec<f32>,
    ) -> ArrayView2<'b, f32> {
        let rows: &[f32] = match &self.patches {
            None => &self.values,
            Some(patches) => {
                let size = self.values.len() / self.images.max(1);
                let image = &self.values[image * size..][..size];
                memory.resize(patches.positions() * self.columns, 0.0);
                patches.image_rows(image, self.channels, 0.0, padded, memory);
                memory
            }
        };
        let count = rows.len().checked_div(self.columns).unwrap_or(0);
        ArrayView2::from_shape((count, self.columns), &rows[..count * self.columns])
            .unwrap_or_else(|_| unreachable!("as many rows as there are"))
    }
}
