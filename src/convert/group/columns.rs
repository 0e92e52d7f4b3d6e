//! Groups along another axis: neighbours in memory belong to different groups, which are scaled side by side.

use fewbit_formats::{BlockScale, OuterScale};
use rayon::prelude::*;

use super::encode::{GroupEncoder, TASK};
use super::quotient::Quotient;
use super::scale_lanes::AT_ONCE;
use crate::convert::Code;
use crate::convert::error::ConvertError;
use crate::convert::lane::{INFINITY, MAGNITUDE};
use crate::layout::{GroupLayout, outer_count};
use crate::simd::Vectorized;

/// Columns that are scaled together.
const WIDTH: usize = AT_ONCE;
/// Rows that are encoded together, where they follow each other.
const ROWS: usize = 32;

/// One group of every column.
struct Panel<'a, C> {
    /// The index of its first element.
    first: usize,
    x: &'a [f32],
    codes: &'a mut [C],
    scales: &'a mut [BlockScale],
    /// None, the tensor's, or those of the columns.
    outer: &'a [OuterScale],
}

impl GroupEncoder {
    pub(super) fn encode_columns<C: Code>(
        &self,
        x: &[f32],
        layout: GroupLayout,
        outer: &[OuterScale],
        codes: &mut [C],
        scales: &mut [BlockScale],
    ) -> Result<(), ConvertError> {
        let GroupLayout { length, behind, .. } = layout;
        let (row, panel) = (length * behind, self.format.size().saturating_mul(behind));
        let groups = layout.row_groups(&self.format);
        let row_outers = layout.row_outers(&self.format);
        let outer_of = |row: usize, group: usize| match outer_count(&self.format) {
            None => outer,
            Some(count) => {
                let start = (row * row_outers + group / count) * behind;
                &outer[start..start + behind]
            }
        };
        // Panel by panel, as many at once as make a task.
        let offset = |index: usize| index / groups * row + index % groups * panel;
        let (panels, at_once) = (x.len() / row * groups, (TASK / panel).max(1));
        let mut parts = Vec::new();
        let (mut codes, mut scales) = (codes, scales);
        for from in (0..panels).step_by(at_once) {
            let to = panels.min(from + at_once);
            let (part, rest) = codes.split_at_mut(offset(to) - offset(from));
            let (part_scales, scales_rest) = scales.split_at_mut((to - from) * behind);
            parts.push((from..to, part, part_scales));
            (codes, scales) = (rest, scales_rest);
        }
        parts
            .into_par_iter()
            .map(|(indices, mut codes, mut scales)| {
                let mut quotients =
                    vec![0.0; if behind <= WIDTH { codes.len().min(ROWS * behind) } else { WIDTH }];
                for index in indices {
                    let (first, end) = (offset(index), offset(index + 1));
                    let (part, rest) = codes.split_at_mut(end - first);
                    let (part_scales, scales_rest) = scales.split_at_mut(behind);
                    let outer = outer_of(index / groups, index % groups);
                    let panel =
                        Panel { first, x: &x[first..end], codes: part, scales: part_scales, outer };
                    self.encode_panel(panel, behind, &mut quotients)?;
                    (codes, scales) = (rest, scales_rest);
                }
                Ok(())
            })
            .reduce(|| Ok(()), Result::and)
    }

    fn encode_panel<C: Code>(
        &self,
        panel: Panel<'_, C>,
        behind: usize,
        quotients: &mut [f32],
    ) -> Result<(), ConvertError> {
        let Panel { first, x, codes, scales, outer } = panel;
        for (start, scales) in (0..behind).step_by(WIDTH).zip(scales.chunks_mut(WIDTH)) {
            let outer = if outer.len() > 1 { &outer[start..start + scales.len()] } else { outer };
            self.encode_strip(first, start, behind, x, codes, scales, outer, quotients)?;
        }
        Ok(())
    }

    /// The columns from `start` on, as many as there are scales.
    #[expect(clippy::too_many_arguments, reason = "a strip is a window into six slices")]
    fn encode_strip<C: Code>(
        &self,
        first: usize,
        start: usize,
        behind: usize,
        x: &[f32],
        codes: &mut [C],
        scales: &mut [BlockScale],
        outer: &[OuterScale],
        quotients: &mut [f32],
    ) -> Result<(), ConvertError> {
        let width = scales.len();
        let outer_of = |column: usize| outer.get(column).or(outer.first());
        let (mut values, mut inverses) = ([1.0; WIDTH], [1.0; WIDTH]);
        let mut set_aside = [false; WIDTH];
        let magnitudes = match self.plan.quotient {
            Some(_) => self.isa.vectorize(Magnitudes { x, start, behind, width }),
            None => [u32::MAX; WIDTH],
        };
        let found = self.plan.quotient.is_some()
            && self.plan.scales(&magnitudes[..width], outer_of, self.isa, scales);
        for column in 0..width {
            let magnitude = magnitudes[column];
            set_aside[column] = true;
            if magnitude >= INFINITY {
                continue;
            }
            let (scale, inverse) = if found {
                (scales[column], 1.0 / scales[column].value)
            } else {
                let outer = outer_of(column);
                self.plan.scale(magnitude, outer, &self.format, &self.policy).map_err(|source| {
                    ConvertError::Group { first: first + start + column, source }
                })?
            };
            if self.plan.divides(magnitude, scale.value, inverse) {
                scales[column] = scale;
                (values[column], inverses[column]) = (scale.value, inverse);
                set_aside[column] = false;
            }
        }
        let any_aside = set_aside[..width].contains(&true);
        if let Some(quotient) = self.plan.quotient {
            // Where the strip is as wide as the tensor, its rows follow each other without a gap.
            let rows = if width == behind { quotients.len() / width } else { 1 };
            for row in (start..x.len()).step_by(rows * behind) {
                let end = x.len().min(row + rows * width);
                let (x, quotients) = (&x[row..end], &mut quotients[..end - row]);
                let job =
                    Scale { quotient, x, width, values: &values, inverses: &inverses, quotients };
                self.isa.vectorize(job);
                // What stands in the place of a block that is set aside must not be refused.
                for column in (0..if any_aside { width } else { 0 }).filter(|&c| set_aside[c]) {
                    quotients[column..].iter_mut().step_by(width).for_each(|q| *q = 0.0);
                }
                self.element.encode_from((first + row) as u64, quotients, &mut codes[row..end])?;
            }
        }
        for column in (0..width).filter(|&column| set_aside[column]) {
            let at = start + column;
            let outer = outer_of(column);
            scales[column] =
                self.specification(&x[at..], behind, first + at, outer, &mut codes[at..])?;
        }
        Ok(())
    }
}

/// The largest magnitude of each column.
struct Magnitudes<'a> {
    x: &'a [f32],
    start: usize,
    behind: usize,
    width: usize,
}

impl Vectorized for Magnitudes<'_> {
    type Output = [u32; WIDTH];

    #[inline(always)]
    fn call(self) -> [u32; WIDTH] {
        let Self { x, start, behind, width } = self;
        let mut most = [0; WIDTH];
        for row in (start..x.len()).step_by(behind) {
            for (most, x) in most.iter_mut().zip(&x[row..row + width]) {
                *most = (*most).max(x.to_bits() & MAGNITUDE);
            }
        }
        most
    }
}

/// The quotients of some rows.
struct Scale<'a> {
    quotient: Quotient,
    x: &'a [f32],
    width: usize,
    values: &'a [f32; WIDTH],
    inverses: &'a [f32; WIDTH],
    quotients: &'a mut [f32],
}

impl Vectorized for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { quotient, x, width, values, inverses, quotients } = self;
        for (x, quotients) in x.chunks(width).zip(quotients.chunks_mut(width)) {
            quotient.fill_each(x, values, inverses, quotients);
        }
    }
}
