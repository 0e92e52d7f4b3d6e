//! Arrays as batches.

use crate::graph::{Graph, GraphError};
use crate::ops::Dim;
use crate::tensor::Tensor;

/// Cuts named arrays into batches of `size` along their first axis, one tensor per input of the graph; at most `samples`
/// of them.
///
/// With one input the array may have any name. An axis that the graph fixes to one number keeps batches at that; where only
/// some inputs fix their first axis (the states of a recurrent network, `[2, samples, hidden]`), those are cut along the first
/// axis that is not fixed and has as many elements as there are samples. Numbers without axes go to every batch.
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
        let shape = graph.value(id).fact.shape.as_deref().unwrap_or_default();
        let fixed = shape.first().and_then(Dim::size);
        inputs.push(Input { tensor, shape, fixed, axis: Some(0) });
    }
    let open = inputs.iter().filter(|input| input.fixed.is_none());
    let count = open.filter_map(|input| input.tensor.shape().first()).min().copied();
    for input in &mut inputs {
        let open = |&axis: &usize| {
            input.shape.get(axis).is_some_and(|dim| dim.size().is_none())
                && input.tensor.shape().get(axis).copied() == count
        };
        input.axis = match (input.tensor.shape(), input.fixed, count) {
            ([], _, _) => None,
            (extents, Some(_), Some(_)) => (1..extents.len()).find(open).or(Some(0)),
            _ => Some(0),
        };
        if input.axis != Some(0) {
            input.fixed = None;
        }
    }
    let extents = inputs.iter().filter_map(|input| input.tensor.shape().get(input.axis?));
    let count = extents.min().copied().unwrap_or(0).min(samples);
    let fixed = inputs.iter().find_map(|input| input.fixed);
    let size = fixed.unwrap_or(size).max(1);
    let starts = (0..count).step_by(size).filter(|start| fixed.is_none() || start + size <= count);
    Ok(starts
        .map(|start| {
            let end = (start + size).min(count);
            let part = |input: &Input<'_>| match input.axis {
                Some(axis) => input.tensor.part(axis, start..end),
                None => input.tensor.clone(),
            };
            inputs.iter().map(part).collect()
        })
        .collect())
}

/// An array that is cut, for an input of the graph.
struct Input<'a> {
    tensor: &'a Tensor,
    /// What the graph says of its extents.
    shape: &'a [Dim],
    /// The number that the graph fixes the batch to.
    fixed: Option<usize>,
    /// The axis of samples, if there is one.
    axis: Option<usize>,
}

/// The extent of the first axis.
pub(super) fn rows(tensor: &Tensor) -> usize {
    tensor.shape().first().copied().unwrap_or(0)
}
