//! Which elements share one scale, and the contiguous arrangement in which they are processed.

use std::borrow::Cow;
use std::fmt;

use ndarray::{ArrayD, ArrayViewD, IxDyn};
use serde::{Deserialize, Serialize};

use super::TensorError;
use crate::layout::resolve_axis;

/// Which elements of a tensor share one scale and one zero point.
///
/// An axis may be counted from the end: `-1` is the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Granularity {
    /// All of them: one scale of shape `[]`.
    Tensor,
    /// Those with the same index on `axis`: for a weight `[out, in, ...]` and axis 0, an output channel. The scale
    /// has the extent of that axis and 1 elsewhere.
    Channel {
        /// The axis kept.
        axis: isize,
    },
    /// Those of one row, along the last axis: for activations `[..., in]`, a token. The scale has extent 1 there.
    Row,
    /// Runs of `size` elements along `axis`; the last run of an axis may be shorter. The scale has the extent
    /// `ceil(n / size)` on that axis.
    Group {
        /// The axis cut into groups.
        axis: isize,
        /// Elements of a group, at least 1.
        size: usize,
    },
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tensor => f.write_str("one scale"),
            Self::Channel { axis } => write!(f, "one scale per index of axis {axis}"),
            Self::Row => f.write_str("one scale per row"),
            Self::Group { axis, size } => write!(f, "one scale per {size} elements of axis {axis}"),
        }
    }
}

/// A tensor's elements arranged as `rows` x `length`, each row cut into groups of `group` elements that share a scale.
///
/// Every granularity has this form once the axis that matters is brought to the front (channels) or to the end
/// (groups). Scales are arranged as `rows` x `ceil(length / group)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrangement {
    shape: Vec<usize>,
    granularity: Granularity,
    scale_shape: Vec<usize>,
    /// `None` where the tensor's own order will do.
    order: Option<Vec<usize>>,
    pub(crate) rows: usize,
    pub(crate) length: usize,
    pub(crate) group: usize,
}

impl Arrangement {
    /// The arrangement of a tensor of this shape.
    ///
    /// # Errors
    /// An axis that the shape does not have; a group of no elements.
    pub(crate) fn new(shape: &[usize], granularity: Granularity) -> Result<Self, TensorError> {
        let elements: usize = shape.iter().product();
        let plain = |scale_shape, rows: usize, length: usize, group: usize| Self {
            shape: shape.to_vec(),
            granularity,
            scale_shape,
            order: None,
            rows,
            length,
            group: group.max(1),
        };
        Ok(match granularity {
            Granularity::Tensor => plain(Vec::new(), 1, elements, elements),
            Granularity::Row => {
                let length = shape.last().copied().unwrap_or(1);
                let mut scale_shape = shape.to_vec();
                scale_shape.last_mut().into_iter().for_each(|n| *n = 1);
                plain(scale_shape, shape.iter().rev().skip(1).product(), length, length)
            }
            Granularity::Channel { axis } => {
                let axis = resolve_axis(axis, shape)?;
                let mut scale_shape = vec![1; shape.len()];
                scale_shape[axis] = shape[axis];
                let length = shape.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, n)| n);
                let length = length.product();
                let mut arrangement = plain(scale_shape, shape[axis], length, length);
                arrangement.order = moved(shape.len(), axis, 0);
                arrangement
            }
            Granularity::Group { axis, size } => {
                let axis = resolve_axis(axis, shape)?;
                if size == 0 {
                    return Err(TensorError::GroupSize);
                }
                let mut scale_shape = shape.to_vec();
                scale_shape[axis] = shape[axis].div_ceil(size);
                let rows = shape.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, n)| n);
                let mut arrangement = plain(scale_shape, rows.product(), shape[axis], size);
                arrangement.order = moved(shape.len(), axis, shape.len() - 1);
                arrangement
            }
        })
    }

    /// The shape of the scales.
    pub(crate) fn scale_shape(&self) -> &[usize] {
        &self.scale_shape
    }

    /// How many scales there are.
    pub(crate) fn scales(&self) -> usize {
        self.scale_shape.iter().product()
    }

    /// The granularity it was made for.
    pub(crate) fn granularity(&self) -> Granularity {
        self.granularity
    }

    /// The tensor's shape.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Elements or scales in the arranged order; borrowed where that is how they lie in memory.
    pub(crate) fn arrange<'a, T: Copy>(&self, x: ArrayViewD<'a, T>) -> Cow<'a, [T]> {
        let Some(order) = self.order.as_ref().filter(|order| order.len() == x.ndim()) else {
            return match x.to_slice() {
                Some(slice) => Cow::Borrowed(slice),
                None => Cow::Owned(x.iter().copied().collect()),
            };
        };
        let arranged = x.permuted_axes(IxDyn(order));
        Cow::Owned(arranged.iter().copied().collect())
    }

    /// The arranged elements of each group, in the order of the arranged scales.
    pub(crate) fn split<'a, T>(&self, arranged: &'a [T]) -> impl Iterator<Item = &'a [T]> {
        let group = self.group;
        arranged.chunks(self.length.max(1)).flat_map(move |row| row.chunks(group))
    }

    /// Puts arranged elements back into the tensor's order.
    pub(crate) fn restore<T: Copy>(&self, arranged: Vec<T>) -> Result<ArrayD<T>, TensorError> {
        restored(&self.shape, self.order.as_deref(), arranged)
    }

    /// Puts arranged scales back into the order of the scales' shape.
    pub(crate) fn restore_scales<T: Copy>(
        &self,
        arranged: Vec<T>,
    ) -> Result<ArrayD<T>, TensorError> {
        restored(&self.scale_shape, self.order.as_deref(), arranged)
    }
}

/// The order of axes with axis `from` moved to place `to`; `None` if that is where it is.
fn moved(axes: usize, from: usize, to: usize) -> Option<Vec<usize>> {
    if from == to {
        return None;
    }
    let mut order: Vec<usize> = (0..axes).filter(|&a| a != from).collect();
    order.insert(to, from);
    Some(order)
}

fn restored<T: Copy>(
    shape: &[usize],
    order: Option<&[usize]>,
    arranged: Vec<T>,
) -> Result<ArrayD<T>, TensorError> {
    let Some(order) = order else {
        return array(shape, arranged);
    };
    let arranged_shape: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
    let mut inverse = vec![0; order.len()];
    for (place, &axis) in order.iter().enumerate() {
        inverse[axis] = place;
    }
    let view = array(&arranged_shape, arranged)?.permuted_axes(IxDyn(&inverse));
    array(shape, view.iter().copied().collect())
}

/// Row-major `elements` as an array.
pub(crate) fn array<T>(shape: &[usize], elements: Vec<T>) -> Result<ArrayD<T>, TensorError> {
    let found = elements.len();
    ArrayD::from_shape_vec(IxDyn(shape), elements)
        .map_err(|_| TensorError::Elements { shape: shape.to_vec(), found })
}
