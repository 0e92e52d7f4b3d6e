//! A tensor of groups for the eye.

use std::fmt;

use super::{GroupTensor, OuterScales};

/// Groups and elements shown; the rest is counted.
const GROUPS: usize = 4;
const ELEMENTS: usize = 8;

impl fmt::Display for GroupTensor {
    /// What it is, and the first groups of the first rows as `scale * [elements]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, axis, .. } = self;
        let bits = format.bits_per_element();
        writeln!(f, "{format} {:?} along axis {axis}, {bits} bits per element", self.shape())?;
        if let Some(OuterScales { values, .. }) = &self.outer {
            match values.len() {
                1 => writeln!(
                    f,
                    "  outer scale {:e}",
                    values.iter().next().copied().unwrap_or(f32::NAN)
                )?,
                n => writeln!(f, "  {n} outer scales")?,
            }
        }
        let layout = self.layout();
        let elements = self.tensor.decoded();
        let elements: Vec<f32> = elements.iter().copied().collect();
        let groups = layout.row_groups(format);
        let scales = self.block_scales();
        for (group, scale) in scales.iter().enumerate().step_by(layout.behind.max(1)).take(GROUPS) {
            let place = group / layout.behind.max(1);
            let (row, start) = (place / groups.max(1), place % groups.max(1) * format.size());
            let end = (start + format.size()).min(layout.length);
            write!(f, "  {:e} * [", scale.value)?;
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
            if let Some(zero) = self.zero_points.as_ref().and(self.tensor.zero_point()) {
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
}
