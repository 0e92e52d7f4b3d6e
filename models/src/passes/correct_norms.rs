//! Statistics of batch normalizations, re-estimated behind quantized products.

use ndarray::{ArcArray, IxDyn};
use rayon::prelude::*;

use crate::exec::QuantizerMode;
use crate::graph::{Graph, NodeId};
use crate::ops::Op;
use crate::tensor::Tensor;

use super::source::floats;
use super::walk::Walk;
use super::{PassError, PassReport};

/// What becomes of a variance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VarianceRule {
    /// That of what the normalization gets now.
    #[default]
    Estimated,
    /// The geometric mean of that and the old one, which Brevitas 0.12.1's `norm_correction_mode` leaves: it divides the old
    /// variance by `a = sqrt(old / new)`, where its square would undo the change.
    GeometricMean,
}

/// Gives every BatchNormalization the mean and the variance of what it gets from the quantized network, channel by channel:
///
/// ```text
/// mean <- average over batches of mean(x)        variance <- average over batches of sum (x - mean)² / (n - 1)
/// ```
///
/// one after the other, so that each sees what those before it have become. Those that were merged into products are not
/// there any more.
///
/// # Errors
/// Batches that the network cannot take.
pub fn correct_norms(
    graph: &mut Graph,
    batches: &[Vec<Tensor>],
    rule: VarianceRule,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PassReport, PassError> {
    let is_norm = |graph: &Graph, id: NodeId| {
        let node = graph.node(id);
        let is_constant =
            |at: usize| node.input(at).is_some_and(|value| graph.data(value).is_some());
        matches!(node.op, Op::BatchNormalization(_)) && is_constant(3) && is_constant(4)
    };
    let order = graph.order().to_vec();
    let total = order.iter().filter(|&&id| is_norm(graph, id)).count();
    let mut corrected = 0;
    if total > 0 {
        let mut walk = Walk::quantized(graph, batches, QuantizerMode::Apply)?;
        for id in order {
            if is_norm(graph, id) {
                progress(corrected, total);
                correct(graph, &walk, id, rule)?;
                corrected += 1;
            }
            walk.step(graph, id)?;
        }
        progress(total, total);
    }
    Ok(PassReport::new("correct norms", corrected, "batch normalizations that are not merged"))
}

fn correct(
    graph: &mut Graph,
    walk: &Walk<'_>,
    id: NodeId,
    rule: VarianceRule,
) -> Result<(), PassError> {
    let name = graph.node(id).name.clone();
    let inputs = [0, 3, 4].map(|at| graph.node(id).input(at));
    let [Some(x), Some(mean), Some(variance)] = inputs else { return Ok(()) };
    let moments = |tensor: &&Tensor| Ok(moments(tensor.get::<f32>()?));
    let found: Result<Vec<_>, _> = walk.values(graph, x)?.par_iter().map(moments).collect();
    let found = found.map_err(PassError::tensor(&name))?;
    let channels = floats(graph, mean)?.len();
    let average = |of: &dyn Fn(&Moments) -> &Vec<f64>| -> Vec<f64> {
        let sum = |channel: usize| -> f64 {
            found.iter().filter_map(|batch| of(batch).get(channel)).sum()
        };
        (0..channels).map(|channel| sum(channel) / found.len().max(1) as f64).collect()
    };
    let means = average(&|batch| &batch.means);
    let mut variances = average(&|batch| &batch.variances);
    if rule == VarianceRule::GeometricMean {
        let old = floats(graph, variance)?;
        variances
            .iter_mut()
            .zip(&old)
            .for_each(|(new, &old)| *new = (*new * f64::from(old)).sqrt());
    }
    for (at, (value, numbers)) in [(3, (mean, means)), (4, (variance, variances))] {
        let tensor = Tensor::vector::<f32>(numbers.iter().map(|&x| x as f32).collect());
        match graph.consumers(value).len() {
            1 => graph.set_data(value, tensor),
            _ => {
                let own = graph.add_constant(&format!("{name}.corrected"), tensor);
                graph.node_mut(id).inputs[at] = Some(own);
            }
        }
    }
    Ok(())
}

/// Of the channels of one batch.
struct Moments {
    means: Vec<f64>,
    variances: Vec<f64>,
}

fn moments(x: &ArcArray<f32, IxDyn>) -> Moments {
    let mut moments = Moments { means: Vec::new(), variances: Vec::new() };
    if x.ndim() < 2 {
        return moments;
    }
    for channel in x.axis_iter(ndarray::Axis(1)) {
        let count = channel.len() as f64;
        let mean = channel.iter().map(|&x| f64::from(x)).sum::<f64>() / count.max(1.0);
        let squares: f64 = channel.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum();
        moments.means.push(mean);
        moments.variances.push(squares / (count - 1.0).max(1.0));
    }
    moments
}
