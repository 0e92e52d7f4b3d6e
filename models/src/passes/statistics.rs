//! What is known of the inputs of a product.

use std::borrow::Cow;

use fewbit::algorithms::{AlgorithmError, Collector, Precision, Statistics, WindowCollector};
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

/// What a product takes, batch by batch.
pub(super) struct ProductInputs<'a> {
    /// In the quantized network.
    pub(super) quantized: Vec<&'a Tensor>,
    /// In the float one, if it runs beside.
    pub(super) float: Option<Vec<&'a Tensor>>,
}

impl<'a> ProductInputs<'a> {
    /// Those of a product that comes next.
    pub(super) fn of(
        walk: &'a Walk<'_>,
        graph: &'a Graph,
        product: &Product,
    ) -> Result<Self, PassError> {
        let float = walk.float_inputs(product.node, 0).transpose()?;
        Ok(Self { quantized: walk.values(graph, product.input)?, float })
    }
}

/// What is known of the inputs of a product.
pub(super) fn statistics(
    graph: &Graph,
    ProductInputs { quantized, float }: &ProductInputs<'_>,
    product: &Product,
    name: &str,
) -> Result<Statistics, PassError> {
    let missing = || PassError::Missing("no calibration data".into());
    let columns = Rows::of(graph, product, quantized.first().ok_or_else(missing)?, name)?.columns;
    let parts = if columns <= FEW_INPUTS { PARTS } else { 1 };
    let batches = quantized.len().div_ceil(parts);
    let collect = |(part, quantized): (usize, &[&Tensor])| -> Result<Statistics, PassError> {
        let float = float.as_ref().map(|float| &float[part * batches..][..quantized.len()]);
        let failed = PassError::algorithm(name);
        let first = quantized.first().filter(|_| columns <= FEW_INPUTS);
        let first = first.map(|tensor| Rows::of(graph, product, tensor, name)).transpose()?;
        let windows = first.and_then(|rows| rows.windows(product.groups)).transpose();
        if let Some(mut windows) = windows.map_err(&failed)? {
            for (index, tensor) in quantized.iter().enumerate() {
                let x = Rows::of(graph, product, tensor, name)?;
                let float = float.map(|float| Rows::of(graph, product, float[index], name));
                let float = float.transpose()?;
                for image in 0..x.images {
                    let pushed = match &float {
                        Some(float) => windows.push_pair(x.pixels(image), float.pixels(image)),
                        None => windows.push(x.pixels(image)),
                    };
                    pushed.map_err(&failed)?;
                }
            }
            return Ok(windows.finish());
        }
        let mut collector =
            Collector::new(columns, product.groups, Precision::Single).map_err(&failed)?;
        let (mut pairs, mut padded) = ([Vec::new(), Vec::new()], Vec::new());
        for (index, tensor) in quantized.iter().enumerate() {
            let rows = Rows::of(graph, product, tensor, name)?;
            let float = float.map(|float| Rows::of(graph, product, float[index], name));
            let float = float.transpose()?;
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
    /// Spatial extents of an image.
    size: Vec<usize>,
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
                let size = x.shape()[2..].to_vec();
                Ok(Self { values, patches: Some(patches), channels, size, images, columns })
            }
            None => {
                let columns = x.shape().last().copied().unwrap_or(0);
                let size = Vec::new();
                Ok(Self { values, patches: None, channels: 1, size, images: 1, columns })
            }
        }
    }

    /// A collector that needs no rows, of a convolution for which it is the better way.
    fn windows(&self, groups: usize) -> Option<Result<WindowCollector, AlgorithmError>> {
        let patches = self.patches.as_ref()?;
        let conv = patches.conv2d(groups, 0.0)?;
        let (size, kernel) = (planar(&self.size)?, planar(&patches.kernel())?);
        WindowCollector::new(self.channels, size, kernel, &conv).transpose()
    }

    /// An image, channel after channel.
    fn pixels(&self, image: usize) -> &[f32] {
        let size = self.values.len() / self.images.max(1);
        &self.values[image * size..][..size]
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
                let image = self.pixels(image);
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

/// Two extents; of one, it is that of the columns.
fn planar(extents: &[usize]) -> Option<[usize; 2]> {
    match *extents {
        [columns] => Some([1, columns]),
        [rows, columns] => Some([rows, columns]),
        _ => None,
    }
}
