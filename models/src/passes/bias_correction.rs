//! Biases that make up for the mean error of the outputs.

use ndarray::{ArrayD, Axis};

use crate::graph::{Graph, products};
use crate::tensor::Tensor;

use super::merge_batch_norm::set_bias;
use super::walk::Walk;
use super::{PassError, PassReport};

/// Adds to each product's bias the mean difference, per output channel, between what the float network has there and what the
/// quantized network has, product after product, so that each sees what those before it have become.
///
/// # Errors
/// Batches that the network cannot take.
pub fn correct_biases(
    float: &Graph,
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PassReport, PassError> {
    let all = products(graph);
    let mut walk = Walk::new(float, graph, batches)?;
    let mut corrected = 0;
    for id in graph.order().to_vec() {
        walk.step(float, graph, id)?;
        let Some(product) = all.iter().find(|product| product.node == id) else { continue };
        if product.weight_quantizer.is_none() {
            continue;
        }
        progress(corrected, all.len());
        let name = graph.node(id).name.clone();
        let Some(float_output) = float.node(id).output(0) else { continue };
        let shape = graph.data(product.weight).map(|data| data.shape().to_vec());
        let outputs = product.outputs(&shape.unwrap_or_default());
        // Channels of images lie along axis 1, those of rows along the last one.
        let channel = |tensor: &ArrayD<f32>| match product.is_convolution() {
            true => Axis(1),
            false => Axis(tensor.ndim().saturating_sub(1)),
        };
        let (mut sums, mut count) = (vec![0f64; outputs], 0u64);
        walk.each((float, float_output), (graph, product.output), |quantized, reference| {
            let array = |tensor: &Tensor| -> Result<ArrayD<f32>, PassError> {
                tensor.clone().try_into().map_err(PassError::tensor(&name))
            };
            let (quantized, reference) = (array(quantized)?, array(reference)?);
            let axis = channel(&quantized);
            for (sum, (q, r)) in
                sums.iter_mut().zip(quantized.axis_iter(axis).zip(reference.axis_iter(axis)))
            {
                *sum += q.iter().zip(&r).map(|(&q, &r)| f64::from(r) - f64::from(q)).sum::<f64>();
            }
            count += (quantized.len() / outputs.max(1)) as u64;
            Ok(())
        })?;
        let shift: Vec<f64> = sums.iter().map(|sum| sum / count.max(1) as f64).collect();
        let old = match product.bias {
            None => vec![0.0; outputs],
            Some(bias) => {
                let tensor = graph.data(bias).cloned();
                let tensor =
                    tensor.ok_or_else(|| PassError::Missing(format!("`{name}` has no bias")))?;
                let array: ArrayD<f32> = tensor.try_into().map_err(PassError::tensor(&name))?;
                array.iter().copied().collect()
            }
        };
        let bias =
            old.iter().zip(&shift).map(|(&b, shift)| (f64::from(b) + shift) as f32).collect();
        walk.shift(graph, product.output, &shift, |tensor| channel(tensor))?;
        set_bias(graph, product, bias);
        corrected += 1;
    }
    progress(all.len(), all.len());
    graph.sort()?;
    Ok(PassReport::new("correct biases", corrected, "products with quantized weights"))
}
