//! Loops over the steps of sequences, in floats.

use ndarray::{ArcArray, ArrayD, ArrayView, Axis, IxDyn, stack};

use crate::graph::{GraphError, NodeId};
use crate::ops::{OpError, Scan, ScanDirection};
use crate::tensor::{Tensor, map_tensor};

use super::ExecError;
use super::execution::{Constants, Execution, QuantizerMode};

/// When a watcher looks at a node of a loop's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Its inputs are there.
    Before,
    /// Its outputs are there, as far as something uses them.
    After,
}

/// Sees every node of a body at every step.
pub(crate) type Watch<'a> = dyn FnMut(&Execution, NodeId, Moment) -> Result<(), ExecError> + 'a;

/// Sees nothing.
#[allow(clippy::unnecessary_wraps, reason = "a watcher may refuse")]
pub(crate) fn unwatched(_: &Execution, _: NodeId, _: Moment) -> Result<(), ExecError> {
    Ok(())
}

/// The outputs of a loop.
///
/// # Errors
/// Sequences of different lengths, or of no steps; what a node of the body refuses; what the watcher refuses.
pub(crate) fn run_scan(
    op: &Scan,
    inputs: &[Option<&Tensor>],
    mode: QuantizerMode,
    watch: &mut Watch<'_>,
) -> Result<Vec<Tensor>, ExecError> {
    let inputs = inputs.iter().map(|input| input.cloned().ok_or_else(|| missing(op)));
    let inputs = inputs.collect::<Result<Vec<Tensor>, _>>()?;
    let first = |tensor: &Tensor| tensor.shape().first().copied();
    let steps = steps(op, inputs.get(op.states..).unwrap_or_default().iter().map(first))?;
    if inputs.len() < op.states + op.sequences || op.body.outputs().len() < op.states {
        return Err(wrong(op, format!("{} inputs for {} states", inputs.len(), op.states)));
    }
    let constants = Constants::of(&op.body, mode)?;
    let mut states = inputs[..op.states].to_vec();
    let outputs = op.body.outputs().len() - op.states;
    let mut sequences: Vec<Vec<Tensor>> = vec![Vec::with_capacity(steps.len()); outputs];
    for &step in &steps {
        let mut given = states;
        given.extend(inputs[op.states..][..op.sequences].iter().map(|x| element(x, step)));
        given.extend(inputs[op.states + op.sequences..].iter().cloned());
        let mut execution = Execution::with_constants(&op.body, &given, mode, &constants)?;
        for &id in op.body.order() {
            watch(&execution, id, Moment::Before)?;
            execution.step(&op.body, id)?;
            watch(&execution, id, Moment::After)?;
        }
        states = execution.outputs(&op.body)?;
        for (all, one) in sequences.iter_mut().zip(states.split_off(op.states)) {
            all.push(one);
        }
    }
    for mut all in sequences {
        if op.direction == ScanDirection::Backward {
            all.reverse();
        }
        states.push(stacked(&all).map_err(|problem| wrong(op, problem))?);
    }
    Ok(states)
}

/// The steps in their order, from the lengths of the inputs behind the states.
///
/// # Errors
/// Sequences of different lengths, or of no steps; one without axes.
pub(crate) fn steps(
    op: &Scan,
    lengths: impl Iterator<Item = Option<usize>>,
) -> Result<Vec<usize>, ExecError> {
    let lengths: Vec<Option<usize>> = lengths.take(op.sequences).collect();
    let length = match lengths.first() {
        Some(&Some(length)) if length > 0 && lengths.iter().all(|&n| n == Some(length)) => length,
        _ => return Err(wrong(op, format!("sequences of lengths {lengths:?}"))),
    };
    Ok(match op.direction {
        ScanDirection::Forward => (0..length).collect(),
        ScanDirection::Backward => (0..length).rev().collect(),
    })
}

fn missing(op: &Scan) -> ExecError {
    wrong(op, "an input is missing".into())
}

/// An error of a loop.
pub(super) fn wrong(op: &Scan, problem: String) -> ExecError {
    let source = OpError::Shape(problem);
    GraphError::Node { node: op.body.name.clone(), op: "Scan", source }.into()
}

/// One element along the first axis, which there is.
pub(crate) fn element(tensor: &Tensor, at: usize) -> Tensor {
    fn one<T: Clone>(array: &ArcArray<T, IxDyn>, at: usize) -> ArcArray<T, IxDyn> {
        let view = array.index_axis(Axis(0), at);
        view.as_standard_layout().into_owned().into_shared()
    }
    map_tensor!(tensor, array => one(array, at))
}

/// Tensors of one shape along a new first axis.
pub(super) fn stacked(all: &[Tensor]) -> Result<Tensor, String> {
    let views: Result<Vec<ArrayView<'_, f32, IxDyn>>, _> =
        all.iter().map(|tensor| tensor.get::<f32>().map(|array| array.view())).collect();
    let views = views.map_err(|error| error.to_string())?;
    let all: ArrayD<f32> = stack(Axis(0), &views).map_err(|error| error.to_string())?;
    Ok(all.into())
}
