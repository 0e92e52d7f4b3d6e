//! Where the groups of a tensor lie.

use fewbit_formats::{GroupFormat, Span};

use super::{AxisError, resolve_axis};

/// A row-major tensor, seen from the axis along which its groups run: the extents before the axis multiplied, the
/// axis's own, those behind it multiplied.
///
/// Scales lie as a tensor whose axis has the extent `ceil(length / size)`, outer scales shared by `count` groups as one
/// whose axis has `ceil(ceil(length / size) / count)`.
///
/// ```
/// use fewbit::layout::GroupLayout;
/// use fewbit::formats::GroupFormat;
/// let layout = GroupLayout::of_axis(&[2, 70, 3], 1)?;
/// assert_eq!(layout, GroupLayout { before: 2, length: 70, behind: 3 });
/// assert_eq!(layout.groups(&GroupFormat::MXFP4), 2 * 3 * 3);
/// # Ok::<(), fewbit::layout::AxisError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupLayout {
    /// Elements apart by a whole axis and what is behind it.
    pub before: usize,
    /// Elements of the axis.
    pub length: usize,
    /// Elements between two neighbours of the axis.
    pub behind: usize,
}

impl GroupLayout {
    /// Groups along an axis, counted from the end where it is negative.
    ///
    /// # Errors
    /// An axis that the shape does not have.
    pub fn of_axis(shape: &[usize], axis: isize) -> Result<Self, AxisError> {
        let axis = resolve_axis(axis, shape)?;
        let (before, rest) = shape.split_at(axis);
        let (length, behind) = rest.split_first().map_or((1, &[][..]), |(n, behind)| (*n, behind));
        Ok(Self { before: before.iter().product(), length, behind: behind.iter().product() })
    }

    /// How many elements there are.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.before * self.length * self.behind
    }

    /// Groups of one row along the axis; the last one may be shorter.
    #[must_use]
    pub fn row_groups(&self, format: &GroupFormat) -> usize {
        self.length.div_ceil(format.size())
    }

    /// How many scales there are.
    #[must_use]
    pub fn groups(&self, format: &GroupFormat) -> usize {
        self.before * self.row_groups(format) * self.behind
    }

    /// How many outer scales there are.
    #[must_use]
    pub fn outer_scales(&self, format: &GroupFormat) -> usize {
        match format.scale().outer.map(|outer| outer.span) {
            None => 0,
            Some(Span::Tensor) => 1,
            Some(Span::Groups(_)) => self.before * self.row_outers(format) * self.behind,
        }
    }

    /// Outer scales of one row along the axis.
    pub(crate) fn row_outers(&self, format: &GroupFormat) -> usize {
        self.row_groups(format).div_ceil(outer_count(format).unwrap_or(1))
    }
}

/// How many groups share an outer scale, where it is not the whole tensor.
pub(crate) fn outer_count(format: &GroupFormat) -> Option<usize> {
    match format.scale().outer?.span {
        Span::Tensor => None,
        Span::Groups(count) => Some(count as usize),
    }
}
