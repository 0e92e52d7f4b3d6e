//! Means of the outputs of products, channel by channel.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::graph::{Graph, NodeId, Product};
use crate::tensor::Tensor;

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
    /// Adds what a product gives for one batch.
    ///
    /// # Errors
    /// What is no tensor of floats.
    pub(super) fn add(
        &mut self,
        graph: &Graph,
        product: &Product,
        output: &Tensor,
    ) -> Result<(), PassError> {
        let name = &graph.node(product.node).name;
        let array = output.get::<f32>().map_err(PassError::tensor(name))?;
        let array = array.as_standard_layout();
        let (elements, shape) = (array.as_slice().unwrap_or_default(), array.shape());
        let sums = self.0.entry(product.node).or_default();
        let (channels, run) = match (product.is_convolution(), shape) {
            (true, [_, channels, rest @ ..]) => (*channels, rest.iter().product::<usize>()),
            (_, [.., channels]) => (*channels, 1),
            _ => return Ok(()),
        };
        if channels == 0 || run == 0 {
            return Ok(());
        }
        // Images are summed one by one and in order, so that threads change nothing.
        let of_image = |image: &[f32]| -> Vec<f64> {
            image.chunks_exact(run).map(|run| run.iter().map(|&x| f64::from(x)).sum()).collect()
        };
        let images: Vec<Vec<f64>> = elements.par_chunks(channels * run).map(of_image).collect();
        sums.channels.resize(channels, 0.0);
        for image in images {
            sums.channels.iter_mut().zip(image).for_each(|(all, one)| *all += one);
        }
        sums.count += (elements.len() / channels) as u64;
        Ok(())
    }

    /// The means of a product's channels.
    #[must_use]
    pub fn of(&self, product: NodeId) -> Option<Vec<f64>> {
        let sums = self.0.get(&product)?;
        Some(sums.channels.iter().map(|sum| sum / sums.count.max(1) as f64).collect())
    }
}
