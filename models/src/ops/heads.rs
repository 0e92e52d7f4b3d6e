//! Heads of attention: `[batch, heads, places, size]`, or side by side in `[batch, places, heads size]`.

use std::borrow::Cow;

use ndarray::{ArcArray, IxDyn};

use super::OpError;
use super::typed::dense;

/// How heads lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadLayout {
    /// Four axes.
    Axis,
    /// Three axes, heads side by side in the last one.
    SideBySide,
}

/// Extents of heads, and how they lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadShape {
    pub(super) layout: HeadLayout,
    pub(super) batch: usize,
    pub(super) heads: usize,
    pub(super) places: usize,
    pub(super) size: usize,
}

impl HeadShape {
    /// Of a tensor's shape; `heads` is how many there are where they are side by side.
    ///
    /// # Errors
    /// Another number of axes; heads that do not divide the last one.
    pub(super) fn of(shape: &[usize], heads: usize, name: &str) -> Result<Self, OpError> {
        match *shape {
            [batch, heads, places, size] => {
                Ok(Self { layout: HeadLayout::Axis, batch, heads, places, size })
            }
            [batch, places, width] if heads > 0 && width % heads == 0 => {
                let size = width / heads;
                Ok(Self { layout: HeadLayout::SideBySide, batch, heads, places, size })
            }
            _ => Err(OpError::Shape(format!("{name} of shape {shape:?} with {heads} heads"))),
        }
    }

    /// Where the first element of a head's first place is, and how far its places are apart.
    pub(super) fn start(&self, batch: usize, head: usize) -> (usize, usize) {
        let Self { heads, places, size, .. } = *self;
        match self.layout {
            HeadLayout::Axis => ((batch * heads + head) * places * size, size),
            HeadLayout::SideBySide => (batch * places * heads * size + head * size, heads * size),
        }
    }

    /// Batch and place of a row of `size` elements, rows counted as they lie.
    pub(super) fn place(&self, row: usize) -> (usize, usize) {
        match self.layout {
            HeadLayout::Axis => (row / self.places / self.heads, row % self.places),
            HeadLayout::SideBySide => {
                let at = row / self.heads;
                (at / self.places, at % self.places)
            }
        }
    }
}

/// Heads with their elements.
#[derive(Debug)]
pub(super) struct Heads<'a> {
    pub(super) shape: HeadShape,
    data: Cow<'a, [f32]>,
}

impl<'a> Heads<'a> {
    /// As [`HeadShape::of`].
    pub(super) fn of(
        x: &'a ArcArray<f32, IxDyn>,
        heads: usize,
        name: &str,
    ) -> Result<Self, OpError> {
        Ok(Self { shape: HeadShape::of(x.shape(), heads, name)?, data: dense(x) })
    }

    /// The elements from a head's place on, and how far its places are apart.
    pub(super) fn from(&self, batch: usize, head: usize, place: usize) -> (&[f32], usize) {
        let (start, stride) = self.shape.start(batch, head);
        (&self.data[start + place * stride..], stride)
    }

    /// The elements of a head at a place.
    pub(super) fn row(&self, batch: usize, head: usize, place: usize) -> &[f32] {
        &self.from(batch, head, place).0[..self.shape.size]
    }
}
