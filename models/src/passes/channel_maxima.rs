//! The greatest magnitude of each channel of some values, over calibration data.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::exec::run_float_observed;
use crate::graph::{Graph, ValueId};
use crate::tensor::Tensor;

use super::PassError;

/// Where the channels of a value lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChannelAxis {
    /// Axis 1, as in images.
    Second,
    /// The last one.
    Last,
}

/// `max |x|` of every channel of these values over all batches.
///
/// # Errors
/// Batches that the network cannot take; values that are no floats.
pub(super) fn channel_maxima(
    graph: &Graph,
    batches: &[Vec<Tensor>],
    values: &BTreeMap<ValueId, ChannelAxis>,
) -> Result<BTreeMap<ValueId, Vec<f32>>, PassError> {
    let one = |batch: &Vec<Tensor>| -> Result<BTreeMap<ValueId, Vec<f32>>, PassError> {
        let mut found = BTreeMap::new();
        let mut wrong = None;
        let inputs = graph.inputs().iter().copied().zip(batch.iter().cloned()).collect();
        run_float_observed(graph, &inputs, &mut |id, tensor| {
            let Some(&axis) = values.get(&id) else { return };
            match maxima(tensor, axis) {
                Ok(most) => drop(found.insert(id, most)),
                Err(error) => wrong = Some(PassError::tensor(graph.name_of(id))(error)),
            }
        })?;
        wrong.map_or(Ok(found), Err)
    };
    let all: Result<Vec<_>, PassError> = batches.par_iter().map(one).collect();
    let mut most: BTreeMap<ValueId, Vec<f32>> = BTreeMap::new();
    for (id, channels) in all?.into_iter().flatten() {
        let to = most.entry(id).or_default();
        to.resize(channels.len().max(to.len()), 0.0);
        to.iter_mut().zip(channels).for_each(|(to, x)| *to = to.max(x));
    }
    Ok(most)
}

fn maxima(tensor: &Tensor, axis: ChannelAxis) -> Result<Vec<f32>, crate::tensor::TensorError> {
    let x = tensor.get::<f32>()?;
    let last = x.ndim().saturating_sub(1);
    let at = match axis {
        ChannelAxis::Second => last.min(1),
        ChannelAxis::Last => last,
    };
    let most = |slice: ndarray::ArrayViewD<'_, f32>| slice.iter().fold(0f32, |m, x| m.max(x.abs()));
    Ok(x.axis_iter(ndarray::Axis(at)).map(most).collect())
}
