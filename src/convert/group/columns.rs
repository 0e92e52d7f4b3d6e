//! Groups along another axis: neighbours in memory belong to different groups, which are scaled side by side.

use fewbit_formats::{BlockScale, OuterScale};
use rayon::prelude::*;

use super::encode::GroupEncoder;
use super::quotient::Quotient;
use crate::convert::Code;
use crate::convert::error::ConvertError;
use crate::convert::lane::{INFINITY, MAGNITUDE};
use crate::layout::{GroupLayout, outer_count};
use crate::simd::Vectorized;

/// Columns that are scaled together.
const WIDTH: usize = 256;
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
        let rows = x
            .par_chunks(row)
            .zip(codes.par_chunks_mut(row))
            .zip(scales.par_chunks_mut(groups * behind));
        rows.enumerate()
            .flat_map(|(index, ((x, codes), scales))| {
                let panels = x
                    .par_chunks(panel)
                    .zip(codes.par_chunks_mut(panel))
                    .zip(scales.par_chunks_mut(behind));
                panels.enumerate().map(move |(group, ((x, codes), scales))| {
                    let first = index * row + group * panel;
                    (Panel { first, x, codes, scales, outer: outer_of(index, group) }, behind)
                })
            })
            .map(|(panel, behind)| self.encode_panel(panel, behind))
            .reduce(|| Ok(()), Result::and)
    }

    fn encode_panel<C: Code>(
        &self,
        panel: Panel<'_, C>,
        behind: usize,
    ) -> Result<(), ConvertError> {
        let Panel { first, x, codes, scales, outer } = panel;
        let mut quotients =
            vec![0.0; if behind <= WIDTH { x.len().min(ROWS * behind) } else { WIDTH }];
        for (start, scales) in (0..behind).step_by(WIDTH).zip(scales.chunks_mut(WIDTH)) {
            let outer = if outer.len() > 1 { &outer[start..start + scales.len()] } else { outer };
            self.encode_strip(first, start, behind, x, codes, scales, outer, &mut quotients)?;
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
        for column in 0..width {
            let magnitude = magnitudes[column];
            set_aside[column] = true;
            if magnitude >= INFINITY {
                continue;
            }
            let outer = outer_of(column);
            let (scale, inverse) = self
                .plan
                .scale(magnitude, outer, &self.format, &self.policy)
                .map_err(|source| ConvertError::Group { first: first + start + column, source })?;
            if self.plan.divides(magnitude, scale.value, inverse) {
                scales[column] = scale;
                (values[column], inverses[column]) = (scale.value, inverse);
                set_aside[column] = false;
            }
        }
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
                for column in (0..width).filter(|&column| set_aside[column]) {
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
