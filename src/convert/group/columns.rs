//! Groups along another axis: neighbours in memory belong to different groups, which are scaled side by side.

use fewbit_formats::{BlockScale, OuterScale};

use super::block_lanes::EachQuotients;
use super::encode::{GroupEncoder, TASK};
use super::extent::Extent;
use super::factors::EachFactors;
use super::plan::Quotients;
use super::quotient::BlockQuotient;
use super::scale_lanes::AT_ONCE;
use crate::convert::Code;
use crate::convert::error::ConvertError;
use crate::layout::{GroupLayout, outer_count};
use crate::simd::Vectorized;
use crate::tasks;

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
        tasks::try_for_each(parts, |(indices, mut codes, mut scales)| {
            let room = if behind <= WIDTH { codes.len().min(ROWS * behind) } else { WIDTH };
            let mut scratch = Scratch { quotients: vec![0.0; room], factors: EachFactors::NONE };
            for index in indices {
                let (first, end) = (offset(index), offset(index + 1));
                let (part, rest) = codes.split_at_mut(end - first);
                let (part_scales, scales_rest) = scales.split_at_mut(behind);
                let outer = outer_of(index / groups, index % groups);
                let panel =
                    Panel { first, x: &x[first..end], codes: part, scales: part_scales, outer };
                self.encode_panel(panel, behind, &mut scratch)?;
                (codes, scales) = (rest, scales_rest);
            }
            Ok(())
        })
    }

    fn encode_panel<C: Code>(
        &self,
        panel: Panel<'_, C>,
        behind: usize,
        scratch: &mut Scratch,
    ) -> Result<(), ConvertError> {
        let Panel { first, x, codes, scales, outer } = panel;
        for (start, scales) in (0..behind).step_by(WIDTH).zip(scales.chunks_mut(WIDTH)) {
            let outer = if outer.len() > 1 { &outer[start..start + scales.len()] } else { outer };
            let strip = Strip { first, start, behind, x, outer };
            match &self.plan.quotients {
                Quotients::None => {
                    self.by_specification(&strip, 0..scales.len(), codes, scales)?;
                }
                Quotients::Scaled(quotient) => {
                    self.encode_strip(quotient, &strip, codes, scales, scratch)?;
                }
                Quotients::Shifted(shifted) => {
                    self.encode_strip(&**shifted, &strip, codes, scales, scratch)?;
                }
            }
        }
        Ok(())
    }

    /// As many columns of a strip as there are scales.
    fn encode_strip<Q: BlockQuotient, C: Code>(
        &self,
        of: &Q,
        strip: &Strip<'_>,
        codes: &mut [C],
        scales: &mut [BlockScale],
        scratch: &mut Scratch,
    ) -> Result<(), ConvertError> {
        let Strip { first, start, behind, x, .. } = *strip;
        let Scratch { quotients, factors } = scratch;
        let width = scales.len();
        let mut extents = [Q::Extent::ZERO; WIDTH];
        let extents = &mut extents[..width];
        self.isa.vectorize(Extents { strip, extents: &mut *extents });
        let mut set_aside = Vec::new();
        let outer = |column| strip.outer(column);
        self.find_factors(of, extents, outer, scales, factors, &mut set_aside).map_err(
            |(column, source)| ConvertError::Group { first: first + start + column, source },
        )?;
        let (quotient, shift) = of.in_lanes();
        // Where the strip is as wide as the tensor, its rows follow each other without a gap.
        let rows = if width == behind { quotients.len() / width } else { 1 };
        for row in (start..x.len()).step_by(rows * behind) {
            let end = x.len().min(row + rows * width);
            let (x, quotients) = (&x[row..end], &mut quotients[..end - row]);
            let (factors, to) = (&*factors, &mut *quotients);
            self.isa.run_without_vnni(EachQuotients { quotient, shift, x, width, factors, to });
            // What stands in the place of a block that is set aside must not be refused.
            for &column in &set_aside {
                quotients[column..].iter_mut().step_by(width).for_each(|q| *q = 0.0);
            }
            self.element.encode_from((first + row) as u64, quotients, &mut codes[row..end])?;
        }
        self.by_specification(strip, set_aside, codes, scales)
    }

    /// These columns of a strip, by the specification.
    fn by_specification<C: Code>(
        &self,
        strip: &Strip<'_>,
        columns: impl IntoIterator<Item = usize>,
        codes: &mut [C],
        scales: &mut [BlockScale],
    ) -> Result<(), ConvertError> {
        let Strip { first, start, behind, x, .. } = *strip;
        for column in columns {
            let (at, outer) = (start + column, strip.outer(column));
            scales[column] =
                self.specification(&x[at..], behind, first + at, outer, &mut codes[at..])?;
        }
        Ok(())
    }
}

/// Some columns of a panel, from `start` on.
struct Strip<'a> {
    /// The index of the panel's first element.
    first: usize,
    start: usize,
    behind: usize,
    x: &'a [f32],
    /// None, the tensor's, or those of the columns.
    outer: &'a [OuterScale],
}

impl<'a> Strip<'a> {
    fn outer(&self, column: usize) -> Option<&'a OuterScale> {
        self.outer.get(column).or(self.outer.first())
    }
}

/// Room for what is made of a strip.
struct Scratch {
    quotients: Vec<f32>,
    factors: EachFactors,
}

/// How far each column reaches.
struct Extents<'a, E> {
    strip: &'a Strip<'a>,
    extents: &'a mut [E],
}

impl<E: Extent> Vectorized for Extents<'_, E> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { strip: &Strip { x, start, behind, .. }, extents } = self;
        for row in (start..x.len()).step_by(behind) {
            for (extent, &x) in extents.iter_mut().zip(&x[row..]) {
                *extent = extent.with(x);
            }
        }
    }
}
