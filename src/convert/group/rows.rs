//! Groups along the last axis: a block is a run of memory.

use fewbit_formats::{BlockScale, OuterScale};

use super::block_lanes::{Blocks, Extents, Quotients as QuotientsOf};
use super::encode::{GroupEncoder, TASK};
use super::extent::Extent;
use super::factors::EachFactors;
use super::plan::Quotients;
use super::quotient::BlockQuotient;
use super::scale_lanes::AT_ONCE;
use super::tile::{Padded, Rows, TILE, Tile};
use crate::convert::Code;
use crate::convert::error::ConvertError;
use crate::layout::{GroupLayout, outer_count};
use crate::tasks;

/// A part of a tensor that begins and ends with a group: either whole rows, or a part of one.
struct Part<'a, C> {
    /// The index of its first element.
    first: usize,
    x: &'a [f32],
    codes: &'a mut [C],
    scales: &'a mut [BlockScale],
}

/// Which outer scale a block has.
#[derive(Clone, Copy)]
struct Outers<'a> {
    all: &'a [OuterScale],
    /// Elements of a row, and of an outer scale's span.
    row: usize,
    span: usize,
    row_outers: usize,
}

impl Outers<'_> {
    /// That of the block that begins with this element.
    #[inline(always)]
    fn of(&self, first: usize) -> Option<&OuterScale> {
        match self.all {
            [] | [_] => self.all.first(),
            _ => self.all.get(first / self.row * self.row_outers + first % self.row / self.span),
        }
    }
}

impl GroupEncoder {
    pub(super) fn encode_rows<C: Code>(
        &self,
        x: &[f32],
        layout: GroupLayout,
        outer: &[OuterScale],
        codes: &mut [C],
        scales: &mut [BlockScale],
    ) -> Result<(), ConvertError> {
        let size = self.format.size();
        let outers = Outers {
            all: outer,
            row: layout.length,
            span: outer_count(&self.format).unwrap_or(1).saturating_mul(size),
            row_outers: layout.row_outers(&self.format),
        };
        // Without ragged ends rows follow each other as groups do.
        let row = if layout.length.is_multiple_of(size) { x.len() } else { layout.length };
        let task = match row {
            TASK.. => ((TASK / size).max(1) * size).min(row),
            _ => TASK / row * row,
        };
        let mut parts = Vec::new();
        let (mut codes, mut scales, mut first) = (codes, scales, 0);
        while first < x.len() {
            let left = if row < TASK { x.len() - first } else { row - first % row };
            let length = task.min(left);
            let groups = length / row * row.div_ceil(size) + (length % row).div_ceil(size);
            let (part, rest) = codes.split_at_mut(length);
            let (part_scales, scales_rest) = scales.split_at_mut(groups);
            parts.push(Part {
                first,
                x: &x[first..first + length],
                codes: part,
                scales: part_scales,
            });
            (codes, scales, first) = (rest, scales_rest, first + length);
        }
        let rows = Rows { row, size };
        tasks::try_for_each(parts, |part| match &self.plan.quotients {
            Quotients::None => self.rows_by_specification(part, rows, outers),
            Quotients::Scaled(quotient) => self.rows_in_lanes(quotient, part, rows, outers),
            Quotients::Shifted(shifted) => self.rows_in_lanes(&**shifted, part, rows, outers),
        })
    }

    /// Encodes tile by tile:
    ///
    /// 1. how far the blocks reach;
    /// 2. their scales, and what their values are divided by;
    /// 3. the quotients;
    /// 4. their codes;
    /// 5. blocks that were set aside, by the specification.
    fn rows_in_lanes<Q: BlockQuotient, C: Code>(
        &self,
        of: &Q,
        part: Part<'_, C>,
        rows: Rows,
        outers: Outers<'_>,
    ) -> Result<(), ConvertError> {
        let Part { mut first, mut x, mut codes, mut scales } = part;
        let mut quotients = vec![0.0; TILE.max(rows.size).min(x.len())];
        let (mut ends, mut padded) = (Vec::new(), Padded::default());
        let (mut factors, mut set_aside) = (EachFactors::NONE, Vec::new());
        let (quotient, shift) = of.in_lanes();
        while !x.is_empty() {
            let tile = rows.tile(first, x.len(), &mut ends);
            let (count, length) = (tile.count(), tile.length());
            let (tile_x, rest) = x.split_at(length);
            let (tile_codes, codes_rest) = codes.split_at_mut(length);
            let (tile_scales, scales_rest) = scales.split_at_mut(count);
            let quotients = &mut quotients[..length];
            let (blocks, to) = match tile {
                Tile::Whole { size, .. } => (Blocks { x: tile_x, size }, &mut *quotients),
                Tile::Mixed(ends) => padded.fill(tile_x, ends, rows.padded()),
            };

            let mut extents = [Q::Extent::ZERO; AT_ONCE];
            let extents = &mut extents[..count];
            self.isa.run_without_vnni(Extents { blocks, extents: &mut *extents });
            let start = |block| first + tile.range(block).start;
            let outer = |block| outers.of(start(block));
            self.find_factors(of, extents, outer, tile_scales, &mut factors, &mut set_aside)
                .map_err(|(block, source)| ConvertError::Group { first: start(block), source })?;
            let factors = &factors;
            self.isa.run_without_vnni(QuotientsOf { quotient, shift, blocks, factors, to });
            if let Tile::Mixed(ends) = tile {
                padded.take(ends, rows.padded(), quotients);
            }
            // What stands in the place of a block that is set aside must not be refused.
            for &block in &set_aside {
                quotients[tile.range(block)].fill(0.0);
            }
            self.element.encode_from(first as u64, quotients, tile_codes)?;
            for block in set_aside.drain(..) {
                let (range, first) = (tile.range(block), start(block));
                let codes = &mut tile_codes[range.clone()];
                tile_scales[block] =
                    self.specification(&tile_x[range], 1, first, outer(block), codes)?;
            }
            (first, x, codes, scales) = (first + length, rest, codes_rest, scales_rest);
        }
        Ok(())
    }

    fn rows_by_specification<C: Code>(
        &self,
        part: Part<'_, C>,
        rows: Rows,
        outers: Outers<'_>,
    ) -> Result<(), ConvertError> {
        let Part { mut first, mut x, mut codes, scales } = part;
        for scale in scales {
            let length = rows.size.min(rows.row - first % rows.row).min(x.len());
            let (block, rest) = x.split_at(length);
            let (block_codes, codes_rest) = codes.split_at_mut(length);
            *scale = self.specification(block, 1, first, outers.of(first), block_codes)?;
            (first, x, codes) = (first + length, rest, codes_rest);
        }
        Ok(())
    }
}
