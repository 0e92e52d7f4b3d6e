//! Scales that are codes: the group formats, as they travel and are packed.
//!
//! ```text
//! value = f32((decode(code) - zero point) * scale)        scale = f32(decode(scale code) * outer scale)
//! ```

use fewbit_formats::{BlockScale, Format, GroupFormat, GroupZeroPoint, OuterScale, Span};
use ndarray::ArrayD;

use super::codes::check_codes;
use super::error::TensorError;
use super::granularity::Granularity;
use crate::layout::GroupLayout;

/// The codes that the scales and zero points of a tensor of groups are.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleCodes {
    /// The format of the groups, whose elements the tensor's codes are.
    pub format: GroupFormat,
    /// The code of each scale, of the shape of the scales.
    pub scales: ArrayD<u32>,
    /// The code that stands for zero in each group, of the shape of the scales; `None` in a format without.
    pub zero_points: Option<ArrayD<u32>>,
    /// The codes of the outer scales: of shape `[]` for one of the tensor, else that of the scales with the groups that
    /// share one counted as one; `None` in a format without.
    pub outer: Option<ArrayD<u32>>,
}

impl ScaleCodes {
    /// The values of the outer scales.
    #[must_use]
    pub fn outer_values(&self) -> Option<ArrayD<f32>> {
        let value = |code| self.format.outer_of_code(code).map_or(f32::NAN, |outer| outer.value);
        self.outer.as_ref().map(|codes| codes.mapv(value))
    }

    /// Elements along the axis that share an outer scale, where more than one tensor's is there to share.
    pub(super) fn span(&self) -> Option<usize> {
        match self.format.scale().outer?.span {
            Span::Tensor => None,
            Span::Groups(count) => Some(self.format.size().saturating_mul(count as usize)),
        }
    }

    /// Who shares an outer scale, with groups along `axis`.
    pub(super) fn outer_granularity(&self, axis: isize) -> Granularity {
        self.span().map_or(Granularity::Tensor, |size| Granularity::Group { axis, size })
    }

    /// Whether the codes have the shapes that they must have for elements of this shape, and every one a value.
    pub(super) fn check(&self, shape: &[usize], axis: usize) -> Result<(), TensorError> {
        let format = self.format;
        let along = |size: usize| along(shape, axis, size);
        let scales = along(format.size());
        check(&format, "scale codes", &scales, format.scale().format, &self.scales)?;
        match (&self.zero_points, format.zero_point()) {
            (None, GroupZeroPoint::None) => {}
            (Some(codes), GroupZeroPoint::Code) => {
                check(&format, "zero points", &scales, format.element(), codes)?;
            }
            _ => return Err(TensorError::GroupPart { format, what: "zero points" }),
        }
        match (&self.outer, format.scale().outer) {
            (None, None) => Ok(()),
            (Some(codes), Some(outer)) => {
                let shape = self.span().map_or_else(Vec::new, along);
                check(&format, "outer scale codes", &shape, outer.format, codes)
            }
            _ => Err(TensorError::GroupPart { format, what: "outer scales" }),
        }
    }

    /// What the elements of each group share, row-major, from codes that were checked.
    pub(super) fn blocks(&self, layout: GroupLayout) -> Vec<BlockScale> {
        let format = &self.format;
        let outer: Vec<Option<OuterScale>> =
            self.outer.iter().flatten().map(|&code| format.outer_of_code(code)).collect();
        let groups = layout.row_groups(format).max(1);
        let count = self.span().map_or(groups, |span| span / format.size());
        let of = |index: usize| match outer.as_slice() {
            [] => None,
            [one] => one.as_ref(),
            all => {
                let (column, rest) = (index % layout.behind, index / layout.behind);
                let place = rest / groups * groups.div_ceil(count) + rest % groups / count;
                all.get(place * layout.behind + column)?.as_ref()
            }
        };
        let blocks = self.scales.iter().zip(self.zeros()).enumerate();
        blocks
            .map(|(index, (&code, zero_point))| format.scale_of_code(code, zero_point, of(index)))
            .collect()
    }

    /// The code of zero in each group.
    pub(super) fn zeros(&self) -> impl Iterator<Item = u32> {
        self.zero_points.iter().flatten().copied().chain(std::iter::repeat(0))
    }
}

/// A shape with one element for `size` of an axis.
pub(super) fn along(shape: &[usize], axis: usize, size: usize) -> Vec<usize> {
    let mut shape = shape.to_vec();
    shape[axis] = shape[axis].div_ceil(size);
    shape
}

/// Whether an array of codes has the shape that it must have, and every code a value.
fn check(
    group: &GroupFormat,
    what: &'static str,
    expected: &[usize],
    format: Format,
    codes: &ArrayD<u32>,
) -> Result<(), TensorError> {
    if codes.shape() != expected {
        let (found, expected) = (codes.shape().to_vec(), expected.to_vec());
        return Err(TensorError::GroupShape { format: *group, what, found, expected });
    }
    check_codes(format, codes.view())
}
