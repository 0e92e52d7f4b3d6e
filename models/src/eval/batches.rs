//! Arrays as batches.

use ndarray::{ArcArray, Axis, IxDyn};

use crate::graph::{Graph, GraphError};
use crate::tensor::{Tensor, map_tensor};

/// Cuts named arrays into batches of `size` along their first axis, one tensor per input of the graph; at most `samples`
/// of them.
///
/// With one input the array may have any name. An axis that the graph fixes to one number keeps batches at that.
///
/// # Errors
/// No array for an input; arrays of different lengths.
pub fn batches(
    graph: &Graph,
    arrays: &[(String, Tensor)],
    size: usize,
    samples: usize,
) -> Result<Vec<Vec<Tensor>>, GraphError> {
    let mut inputs = Vec::new();
    for &id in graph.inputs() {
        let name = graph.name_of(id);
        let by_name = arrays.iter().find(|(given, _)| given == name);
        let found = by_name.or(match (graph.inputs().len(), arrays) {
            (1, [only]) => Some(only),
            _ => None,
        });
        let (_, tensor) = found.ok_or_else(|| GraphError::UnknownValue {
            name: name.into(),
            expected: format!(
                "the arrays are {}",
                arrays.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
            ),
        })?;
        let fixed = graph.value(id).fact.shape.as_ref().and_then(|shape| shape.first()?.size());
        inputs.push((name, tensor, fixed));
    }
    let count = inputs.iter().filter_map(|(_, tensor, _)| tensor.shape().first()).min().copied();
    let count = count.unwrap_or(0).min(samples);
    let fixed = inputs.iter().find_map(|(_, _, fixed)| *fixed);
    let size = fixed.unwrap_or(size).max(1);
    let starts = (0..count).step_by(size).filter(|start| fixed.is_none() || start + size <= count);
    Ok(starts
        .map(|start| {
            let end = (start + size).min(count);
            inputs.iter().map(|(_, tensor, _)| part(tensor, start, end)).collect()
        })
        .collect())
}

/// Elements `start..end` along the first axis.
fn part(tensor: &Tensor, start: usize, end: usize) -> Tensor {
    fn slice<T: Clone>(array: &ArcArray<T, IxDyn>, start: usize, end: usize) -> ArcArray<T, IxDyn> {
        let mut view = array.clone();
        view.slice_axis_inplace(Axis(0), (start..end).into());
        view.as_standard_layout().into_owned().into_shared()
    }
    map_tensor!(tensor, array => slice(array, start, end))
}

/// The extent of the first axis.
pub(super) fn rows(tensor: &Tensor) -> usize {
    tensor.shape().first().copied().unwrap_or(0)
}
