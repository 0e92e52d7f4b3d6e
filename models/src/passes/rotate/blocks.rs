//! Arrays times a rotation along some of their axes.

use std::collections::BTreeSet;

use fewbit::algorithms::AlgorithmError;
use fewbit::algorithms::rotate::Rotation;
use ndarray::{Array2, ArrayD, Axis};

/// Vectors that are rotated at a time, which bounds the memory of their f64 copies.
const VECTORS: usize = 1024;

/// Every vector `v` along each of these axes as `v R`, computed in f64 and rounded once; block by block where an axis is longer than
/// R.
pub(super) fn rotated(
    array: &ArrayD<f32>,
    axes: &BTreeSet<usize>,
    rotation: &Rotation,
) -> Result<ArrayD<f32>, AlgorithmError> {
    let mut axes = axes.iter();
    let (Some(&first), second) = (axes.next(), axes.next()) else { return Ok(array.clone()) };
    match second {
        None => along(array, first, rotation, |x| f64::from(*x), |x| x as f32),
        Some(&second) => {
            let once: ArrayD<f64> = along(array, first, rotation, |x| f64::from(*x), |x| x)?;
            along(&once, second, rotation, |x| *x, |x| x as f32)
        }
    }
}

fn along<A: Clone, B: Clone + Default>(
    array: &ArrayD<A>,
    axis: usize,
    rotation: &Rotation,
    wide: impl Fn(&A) -> f64,
    narrow: impl Fn(f64) -> B,
) -> Result<ArrayD<B>, AlgorithmError> {
    let extent = array.shape()[axis];
    let rotation = match extent == rotation.inputs() {
        true => rotation.clone(),
        false => rotation.clone().per_group(extent)?,
    };
    let last = array.ndim() - 1;
    let mut moved = array.view();
    moved.swap_axes(axis, last);
    let mut shape = moved.shape().to_vec();
    let mut out = Vec::with_capacity(array.len() / extent.max(1) * rotation.outputs());
    let mut vectors = moved.lanes(Axis(last)).into_iter();
    loop {
        let chunk: Vec<f64> = vectors.by_ref().take(VECTORS).flatten().map(&wide).collect();
        if chunk.is_empty() {
            break;
        }
        let rows = Array2::from_shape_vec((chunk.len() / extent, extent), chunk);
        let turned = rotation.rotate(rows.unwrap_or_default().view())?;
        out.extend(turned.iter().map(|&x| narrow(x)));
    }
    shape[last] = rotation.outputs();
    let mut out = ArrayD::from_shape_vec(shape, out).unwrap_or_default();
    out.swap_axes(axis, last);
    Ok(out.as_standard_layout().into_owned())
}
