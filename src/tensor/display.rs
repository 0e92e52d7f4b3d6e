//! Tensors for the eye: one line that says what it is, and the corner of its values.

use std::fmt::{self, Display, Formatter};

use ndarray::{ArrayD, ArrayViewD, Axis};

use super::any::each;
use super::scales::ScaleCodes;
use super::{AnyQuantTensor, Element, Granularity, IntTensor, QuantTensor};
use crate::accumulate::bounds::Sign;
use crate::layout::GroupLayout;

/// Rows and columns shown; the rest is counted.
const ROWS: usize = 4;
const COLUMNS: usize = 6;
/// Groups and elements shown where scales are codes.
const GROUPS: usize = 4;
const ELEMENTS: usize = 8;

impl<E: Element> Display for QuantTensor<E> {
    /// Format, shape, scales, and the values of the first rows; where scales are codes, the first groups of the first rows
    /// as `scale * [elements]`.
    ///
    /// ```
    /// use fewbit::formats::Int8;
    /// use fewbit::tensor::{Granularity, QuantTensor};
    /// use ndarray::{arr0, array};
    /// let codes = array![[1u8, 0xff], [2, 3]].into_dyn();
    /// let t = QuantTensor::<Int8>::new(codes, arr0(0.5).into_dyn(), None, Granularity::Tensor)?;
    /// assert_eq!(
    ///     t.to_string(),
    ///     "int8 [2, 2], one scale 0.5\n  [0.5, -0.5]\n  [1, 1.5]\n"
    /// );
    /// # Ok::<(), fewbit::tensor::TensorError>(())
    /// ```
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let (Some(scales), Granularity::Group { axis, .. }) =
            (self.scale_codes(), self.granularity())
        {
            return self.groups(f, scales, axis);
        }
        let what = Summary {
            what: self.format(),
            shape: self.shape(),
            granularity: self.granularity(),
            scale: self.scale(),
            zero_point: self.zero_point(),
        };
        what.fmt(f)?;
        // Only what is shown is decoded.
        match self.corner() {
            Some(corner) => corner_of(f, corner.dequantize().view(), self.shape()),
            None => corner_of(f, self.dequantize().view(), self.shape()),
        }
    }
}

impl<E: Element> QuantTensor<E> {
    /// What it is, and the first groups of the first rows.
    fn groups(&self, f: &mut Formatter<'_>, scales: &ScaleCodes, axis: isize) -> fmt::Result {
        let format = scales.format;
        let bits = format.bits_per_element();
        writeln!(f, "{format} {:?} along axis {axis}, {bits} bits per element", self.shape())?;
        if let Some(values) = scales.outer_values() {
            match values.len() {
                1 => writeln!(
                    f,
                    "  outer scale {:e}",
                    values.iter().next().copied().unwrap_or(f32::NAN)
                )?,
                n => writeln!(f, "  {n} outer scales")?,
            }
        }
        // The axis exists, or there would be no tensor.
        let whole = GroupLayout { before: 1, length: self.codes().len(), behind: 1 };
        let layout = GroupLayout::of_axis(self.shape(), axis).unwrap_or(whole);
        let elements: Vec<f32> = self.decoded().iter().copied().collect();
        let groups = layout.row_groups(&format);
        let scales: Vec<f32> = self.scale().iter().copied().collect();
        for (group, scale) in scales.iter().enumerate().step_by(layout.behind.max(1)).take(GROUPS) {
            let place = group / layout.behind.max(1);
            let (row, start) = (place / groups.max(1), place % groups.max(1) * format.size());
            let end = (start + format.size()).min(layout.length);
            write!(f, "  {:e} * [", scale)?;
            for (shown, i) in (start..end).take(ELEMENTS).enumerate() {
                let value = elements.get((row * layout.length + i) * layout.behind).copied();
                let separator = if shown == 0 { "" } else { ", " };
                write!(f, "{separator}{}", value.unwrap_or(f32::NAN))?;
            }
            let more = (end - start).saturating_sub(ELEMENTS);
            match more {
                0 => f.write_str("]")?,
                more => write!(f, ", and {more} more]")?,
            }
            if let Some(zero) = self.zero_point() {
                write!(f, " - {}", zero.iter().nth(group).copied().unwrap_or(f32::NAN))?;
            }
            writeln!(f)?;
        }
        let shown = GROUPS.min(scales.len().div_ceil(layout.behind.max(1)));
        match scales.len() - shown.min(scales.len()) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more groups"),
        }
    }

    /// A tensor of the elements that are shown; `None` for a single number.
    fn corner(&self) -> Option<Self> {
        let axes = self.shape().len();
        let mut corner: Option<Self> = None;
        for (axis, &extent) in self.shape().iter().enumerate() {
            let most = match axes - axis {
                1 => COLUMNS,
                2 => ROWS,
                _ => 1,
            };
            let whole = corner.as_ref().unwrap_or(self);
            corner = Some(whole.slice_axis(axis as isize, 0..extent.min(most)).ok()?);
        }
        corner
    }
}

impl Display for AnyQuantTensor {
    /// As [`QuantTensor`].
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        each!(self, tensor => tensor.fmt(f))
    }
}

impl Display for IntTensor {
    /// Type, shape, scales, and the integers of the first rows.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let data_type = self.data_type();
        let sign = if data_type.sign == Sign::Unsigned { "u" } else { "" };
        let what = Summary {
            what: format!("{sign}int{}", data_type.bits),
            shape: self.shape(),
            granularity: self.granularity(),
            scale: self.scale(),
            zero_point: self.zero_point(),
        };
        what.fmt(f)?;
        corner_of(f, self.ints().view(), self.shape())
    }
}

/// The first line.
struct Summary<'a, W, S> {
    what: W,
    shape: &'a [usize],
    granularity: Granularity,
    scale: &'a ArrayD<S>,
    zero_point: Option<&'a ArrayD<S>>,
}

impl<W: Display, S: Copy + Display + PartialOrd> Display for Summary<'_, W, S> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { what, shape, granularity, scale, zero_point } = self;
        write!(f, "{what} {shape:?}, {granularity} ")?;
        range(f, scale)?;
        if let Some(zero_point) = zero_point {
            f.write_str(", zero point ")?;
            range(f, zero_point)?;
        }
        writeln!(f)
    }
}

/// The one number, or the least and the greatest.
fn range<S: Copy + Display + PartialOrd>(f: &mut Formatter<'_>, x: &ArrayD<S>) -> fmt::Result {
    let ends = x.iter().fold(None, |ends, &x| match ends {
        None => Some((x, x)),
        Some((least, most)) => {
            Some((if x < least { x } else { least }, if x > most { x } else { most }))
        }
    });
    match ends {
        None => f.write_str("(none)"),
        Some((least, most)) if x.len() == 1 || least == most => write!(f, "{least}"),
        Some((least, most)) => write!(f, "({} from {least} to {most})", x.len()),
    }
}

/// The first rows of the first matrix.
fn corner_of<T: Display>(
    f: &mut Formatter<'_>,
    mut x: ArrayViewD<'_, T>,
    shape: &[usize],
) -> fmt::Result {
    if x.is_empty() {
        return writeln!(f, "  no elements");
    }
    let matrices: usize = shape.iter().rev().skip(2).product();
    while x.ndim() > 2 {
        x = x.index_axis_move(Axis(0), 0);
    }
    if x.ndim() < 2 {
        x = x.insert_axis(Axis(0));
    }
    let columns = shape.last().copied().unwrap_or(1);
    let rows = shape.iter().rev().nth(1).copied().unwrap_or(1);
    for row in x.axis_iter(Axis(0)).take(ROWS) {
        f.write_str("  [")?;
        for (column, value) in row.iter().take(COLUMNS).enumerate() {
            write!(f, "{}{value}", if column == 0 { "" } else { ", " })?;
        }
        match columns.saturating_sub(COLUMNS) {
            0 => writeln!(f, "]")?,
            more => writeln!(f, ", and {more} more]")?,
        }
    }
    match rows.saturating_sub(ROWS) {
        0 => {}
        more => writeln!(f, "  and {more} more rows")?,
    }
    match matrices.saturating_sub(1) {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more matrices"),
    }
}
