//! Means of the outputs of products, channel by channel.

use std::collections::BTreeMap;

use ndarray::{ArcArray, IxDyn};
use rayon::prelude::*;

use crate::graph::{Graph, NodeId, Product};
use crate::ops::sums::wide_sum;
use crate::tensor::{Tensor, TensorError};

use super::PassError;

/// The mean of every output channel of products, over all positions of all images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChannelMeans(BTreeMap<NodeId, Sums>);

/// Sums of channels, and of how many elements each.
#[derive(Clone, Debug, Default, PartialEq)]
struct Sums {
    channels: Vec<f64>,
    count: u64,
}

impl ChannelMeans {
    /// Adds what a product gives for some batches.
    ///
    /// # Errors
    /// What is no tensor of floats.
    pub(super) fn add(
        &mut self,
        graph: &Graph,
        product: &Product,
        outputs: &[&Tensor],
    ) -> Result<(), PassError> {
        let name = &graph.node(product.node).name;
        let is_convolution = product.is_convolution();
        let of_batch = |output: &&Tensor| Ok(sums(output.get::<f32>()?, is_convolution));
        let batches: Result<Vec<Sums>, TensorError> = outputs.par_iter().map(of_batch).collect();
        let all = self.0.entry(product.node).or_default();
        // In order, so that threads change nothing.
        for batch in batches.map_err(PassError::tensor(name))? {
            all.channels.resize(batch.channels.len(), 0.0);
            all.channels.iter_mut().zip(&batch.channels).for_each(|(all, one)| *all += one);
            all.count += batch.count;
        }
        Ok(())
    }

    /// The means of a product's channels.
    #[must_use]
    pub fn of(&self, product: NodeId) -> Option<Vec<f64>> {
        let sums = self.0.get(&product)?;
        Some(sums.channels.iter().map(|sum| sum / sums.count.max(1) as f64).collect())
    }
}

/// The sums of one batch.
fn sums(array: &ArcArray<f32, IxDyn>, is_convolution: bool) -> Sums {
    let array = array.as_standard_layout();
    let (elements, shape) = (array.as_slice().unwrap_or_default(), array.shape());
    let (channels, run) = match (is_convolution, shape) {
        (true, [_, channels, rest @ ..]) => (*channels, rest.iter().product::<usize>()),
        (_, [.., channels]) => (*channels, 1),
        _ => return Sums::default(),
    };
    let mut all = Sums { channels: vec![0.0; channels], count: 0 };
    if channels == 0 || run == 0 {
        return all;
    }
    for image in elements.chunks_exact(channels * run) {
        for (sum, run) in all.channels.iter_mut().zip(image.chunks_exact(run)) {
            *sum += wide_sum(run);
        }
    }
    all.count = (elements.len() / channels) as u64;
    all
}
