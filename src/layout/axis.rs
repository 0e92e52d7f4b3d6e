//! Axes of a shape.

use thiserror::Error;

/// An axis that a shape does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("axis {axis} does not exist: the tensor has shape {shape:?}")]
pub struct AxisError {
    /// The axis, as it was given.
    pub axis: isize,
    /// The shape.
    pub shape: Vec<usize>,
}

/// `axis`, counted from the end where it is negative, as an index into `shape`.
///
/// # Errors
/// An axis that does not exist.
///
/// ```
/// assert_eq!(fewbit::layout::resolve_axis(-1, &[2, 5]), Ok(1));
/// ```
pub fn resolve_axis(axis: isize, shape: &[usize]) -> Result<usize, AxisError> {
    let resolved = if axis < 0 { axis + shape.len() as isize } else { axis };
    usize::try_from(resolved)
        .ok()
        .filter(|&axis| axis < shape.len())
        .ok_or_else(|| AxisError { axis, shape: shape.to_vec() })
}
