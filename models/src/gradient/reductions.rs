//! Sums and means over axes: every element that went in has the gradient of what came out, of a mean its share.

use ndarray::IxDyn;

use crate::ops::typed::{array, dense};
use crate::ops::{OpError, ReduceMean, ReduceSum};

use super::call::{Call, Found};

pub(super) fn mean(call: &Call<'_>, op: &ReduceMean) -> Found {
    let count = call.input(0)?.len() / call.gradient()?.len().max(1);
    spread(call, op.nothing_without_axes, 1.0 / count.max(1) as f32)
}

pub(super) fn sum(call: &Call<'_>, op: &ReduceSum) -> Found {
    spread(call, op.nothing_without_axes, 1.0)
}

fn spread(call: &Call<'_>, nothing_without_axes: bool, share: f32) -> Found {
    let (g, x) = (call.gradient()?, call.input(0)?);
    let rank = x.ndim();
    let given = call.inputs.integers(1, "axes")?.filter(|axes| !axes.is_empty());
    let over = match given {
        Some(axes) => crate::ops::shape::axes(&axes, rank)?,
        None if nothing_without_axes => Vec::new(),
        None => (0..rank).collect(),
    };
    let kept = |axis: usize| if over.contains(&axis) { 1 } else { x.shape()[axis] };
    let kept: Vec<usize> = (0..rank).map(kept).collect();
    let g = array(&kept, dense(g).iter().map(|g| g * share).collect())?;
    let wide = g.broadcast(IxDyn(x.shape()));
    let wrong = || OpError::Shape(format!("{kept:?} does not broadcast to {:?}", x.shape()));
    Ok(vec![Some(wide.ok_or_else(wrong)?.to_owned().into_shared())])
}
