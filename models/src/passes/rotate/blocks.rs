//! Arrays times a rotation along one axis.

use fewbit::algorithms::AlgorithmError;
use fewbit::algorithms::rotate::Rotation;
use ndarray::{Array2, ArrayD, Axis, s};

/// Rows that are rotated at a time, which bounds the memory of their f64 copies.
const ROWS: usize = 1024;

/// Every vector `v` along an axis as `v R`, computed in f64 and rounded once; block by block where the axis is longer than R.
pub(super) fn rotated(
    array: &ArrayD<f32>,
    axis: usize,
    rotation: &Rotation,
) -> Result<ArrayD<f32>, AlgorithmError> {
    let extent = array.shape()[axis];
    let rotation = match extent == rotation.inputs() {
        true => rotation.clone(),
        false => rotation.clone().per_group(extent)?,
    };
    let last = array.ndim() - 1;
    let mut moved = array.view();
    moved.swap_axes(axis, last);
    let mut shape = moved.shape().to_vec();
    let count = array.len() / extent.max(1);
    let rows = moved.as_standard_layout().into_owned().into_shape_with_order((count, extent));
    let rows: Array2<f32> = rows.unwrap_or_default();
    let mut out = Array2::zeros((count, rotation.outputs()));
    for (from, mut to) in
        rows.axis_chunks_iter(Axis(0), ROWS).zip(out.axis_chunks_iter_mut(Axis(0), ROWS))
    {
        let wide = rotation.rotate(from.mapv(f64::from).view())?;
        to.slice_mut(s![.., ..]).assign(&wide.mapv(|x| x as f32));
    }
    shape[last] = rotation.outputs();
    let mut out = out.into_shape_with_order(shape).unwrap_or_default();
    out.swap_axes(axis, last);
    Ok(out.as_standard_layout().into_owned())
}
