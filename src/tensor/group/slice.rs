//! Parts of a tensor of groups.

use std::ops::Range;

use fewbit_formats::Span;
use ndarray::ArrayD;

use super::{GroupCodes, GroupTensor};
use crate::convert::GroupLayout;
use crate::layout::resolve_axis;
use crate::tensor::TensorError;
use crate::tensor::parts::{check_range, cut, unit_range};

impl GroupTensor {
    /// The elements with these indices on an axis. On the axis of the groups the range begins with a group, and with
    /// the span of an outer scale where there is one, or lies within one; where it ends, the last group is cut short.
    ///
    /// # Errors
    /// An axis that does not exist; a range beyond it, or whose first group would be cut.
    ///
    /// ```
    /// use fewbit::convert::GroupEncoder;
    /// use fewbit::formats::{GroupFormat, Preset};
    /// use fewbit::tensor::GroupTensor;
    /// use ndarray::Array2;
    ///
    /// let policy = "ocp-1.0".parse::<Preset>()?.group_policy(&GroupFormat::MXFP4);
    /// let encoder = GroupEncoder::new(GroupFormat::MXFP4, policy)?;
    /// let x = Array2::from_shape_fn((3, 70), |(i, j)| (i * j) as f32);
    /// let t = GroupTensor::quantize(&encoder, &x.view(), 1)?;
    /// let part = t.slice_axis(1, 32..70)?.slice_axis(0, 2..3)?;
    /// assert_eq!((part.shape(), part.scale().shape()), (&[1, 38][..], &[1, 2][..]));
    /// assert!(t.slice_axis(1, 16..48).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn slice_axis(&self, axis: isize, range: Range<usize>) -> Result<Self, TensorError> {
        let place = resolve_axis(axis, self.shape())?;
        let extent = self.shape()[place];
        let along = resolve_axis(self.axis, self.shape())? == place;
        let (size, unit) = if along { (self.format.size(), self.outer_size()) } else { (1, 1) };
        check_range(axis, &range, extent, unit)?;
        check_range(axis, &range, extent, size)?;
        let cut = |codes: &ArrayD<u32>, size| cut(&codes.view(), place, unit_range(&range, size));
        let codes = self.to_codes();
        let outer =
            codes.outer.map(|outer| if outer.ndim() == 0 { outer } else { cut(&outer, unit) });
        let parts = GroupCodes {
            elements: cut(&codes.elements, 1),
            scales: cut(&codes.scales, size),
            zero_points: codes.zero_points.map(|codes| cut(&codes, size)),
            outer,
        };
        Self::new(self.format, self.axis, parts)
    }

    /// Elements along the axis that share the scarcest of the scales: a group's own, or an outer one.
    pub(super) fn outer_size(&self) -> usize {
        let count = match self.format.scale().outer.map(|outer| outer.span) {
            Some(Span::Groups(count)) => count as usize,
            _ => 1,
        };
        self.format.size().saturating_mul(count)
    }

    /// Where the groups lie.
    pub(super) fn layout(&self) -> GroupLayout {
        // The axis exists, or there would be no tensor.
        let whole = GroupLayout { before: 1, length: self.shape().iter().product(), behind: 1 };
        GroupLayout::of_axis(self.shape(), self.axis).unwrap_or(whole)
    }
}
