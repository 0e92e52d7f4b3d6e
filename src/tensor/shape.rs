//! Indices, and parameters repeated to a tensor's shape.

use ndarray::{ArrayD, IxDyn};

use super::Granularity;
use crate::layout::resolve_axis;

/// The index of the `flat`-th element in row-major order: a flat index is no help in a matrix.
///
/// ```
/// assert_eq!(fewbit::tensor::unravel(7, &[2, 5]), [1, 2]);
/// ```
#[must_use]
pub fn unravel(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (place, &extent) in index.iter_mut().zip(shape).rev() {
        *place = flat % extent.max(1);
        flat /= extent.max(1);
    }
    index
}

/// A parameter of the granularity's shape, repeated to `shape`; `lost` where it has another shape.
pub(crate) fn expand<T: Copy>(
    parameter: &ArrayD<T>,
    shape: &[usize],
    granularity: Granularity,
    lost: T,
) -> ArrayD<T> {
    match granularity {
        Granularity::Tensor | Granularity::Channel { .. } | Granularity::Row => {
            match parameter.broadcast(IxDyn(shape)) {
                Some(view) => view.to_owned(),
                None => ArrayD::from_elem(IxDyn(shape), lost),
            }
        }
        Granularity::Group { axis, size } => {
            let lost = || ArrayD::from_elem(IxDyn(shape), lost);
            let Ok(axis) = resolve_axis(axis, shape) else { return lost() };
            let behind: usize = shape[axis + 1..].iter().product();
            let groups = shape[axis].div_ceil(size.max(1));
            let parameter = parameter.as_standard_layout();
            let rows = parameter.as_slice().unwrap_or_default();
            let mut expanded = Vec::with_capacity(shape.iter().product());
            for rows in rows.chunks((groups * behind).max(1)) {
                for index in 0..shape[axis] {
                    let group = index / size.max(1) * behind;
                    expanded.extend_from_slice(rows.get(group..group + behind).unwrap_or_default());
                }
            }
            ArrayD::from_shape_vec(IxDyn(shape), expanded).unwrap_or_else(|_| lost())
        }
    }
}
