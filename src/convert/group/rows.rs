//! Groups along the last axis: a block is a run of memory.

use fewbit_formats::{BlockScale, GroupError, OuterScale};

use super::encode::{GroupEncoder, TASK};
use super::extent::{Extent, Magnitude};
use super::plan::Quotients;
use super::quotient::{BlockQuotient, Factors};
use crate::convert::Code;
use crate::convert::error::ConvertError;
use crate::layout::{GroupLayout, outer_count};
use crate::simd::Vectorized;
use crate::tasks;

/// Quotients that are made before they are encoded; they stay in the first-level cache.
pub(super) const TILE: usize = 1 << 11;

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
pub(super) struct Outers<'a> {
    all: &'a [OuterScale],
    /// Elements of a row, and of an outer scale's span.
    row: usize,
    span: usize,
    row_outers: usize,
}

impl Outers<'_> {
    /// That of the block that begins with this element.
    #[inline(always)]
    pub(super) fn of(&self, first: usize) -> Option<&OuterScale> {
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
        tasks::try_for_each(parts, |part| self.encode_part(part, row, outers))
    }

    fn encode_part<C: Code>(
        &self,
        part: Part<'_, C>,
        row: usize,
        outers: Outers<'_>,
    ) -> Result<(), ConvertError> {
        let Part { mut first, mut x, mut codes, mut scales } = part;
        let mut quotients = vec![0.0; TILE.max(self.format.size()).min(x.len())];
        let mut set_aside = Vec::new();
        while !x.is_empty() {
            let mut tile = Tile {
                encoder: self,
                first,
                x,
                row,
                outers,
                scales,
                quotients: &mut quotients,
                set_aside: &mut set_aside,
            };
            let at_once = match &self.plan.quotients {
                Quotients::None => None,
                Quotients::Scaled(quotient) => tile.at_once(quotient),
                Quotients::Shifted(shifted) => tile.at_once(&**shifted),
            };
            let (length, groups) = match at_once {
                Some(done) => done,
                None => self
                    .isa
                    .vectorize(tile)
                    .map_err(|(first, source)| ConvertError::Group { first, source })?,
            };
            let (tile, rest) = codes.split_at_mut(length);
            if !matches!(self.plan.quotients, Quotients::None) {
                self.element.encode_from(first as u64, &quotients[..length], tile)?;
            }
            for (group, start, end) in set_aside.drain(..) {
                let outer = outers.of(first + start);
                scales[group] = self.specification(
                    &x[start..end],
                    1,
                    first + start,
                    outer,
                    &mut tile[start..end],
                )?;
            }
            (first, x, codes, scales) = (first + length, &x[length..], rest, &mut scales[groups..]);
        }
        Ok(())
    }
}

/// As many groups as there is room for: their scales, and their quotients.
pub(super) struct Tile<'a> {
    pub(super) encoder: &'a GroupEncoder,
    pub(super) first: usize,
    pub(super) x: &'a [f32],
    pub(super) row: usize,
    pub(super) outers: Outers<'a>,
    pub(super) scales: &'a mut [BlockScale],
    pub(super) quotients: &'a mut [f32],
    /// Blocks for the specification: the number of the group, its beginning and its end.
    pub(super) set_aside: &'a mut Vec<(usize, usize, usize)>,
}

impl Vectorized for Tile<'_> {
    /// How many elements and groups.
    type Output = Result<(usize, usize), (usize, GroupError)>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        // Usual sizes have loops of their own.
        match (&self.encoder.plan.quotients, self.encoder.format.size()) {
            (Quotients::None, _) => self.all_aside(),
            (Quotients::Scaled(quotient), 16) if self.is_whole() => self.whole::<_, 16>(quotient),
            (Quotients::Scaled(quotient), 32) if self.is_whole() => self.whole::<_, 32>(quotient),
            (Quotients::Scaled(quotient), _) => self.ragged(quotient),
            (Quotients::Shifted(shifted), _) => self.ragged(&**shifted),
        }
    }
}

impl Tile<'_> {
    /// Whether all groups have all their elements.
    fn is_whole(&self) -> bool {
        self.row.is_multiple_of(self.encoder.format.size())
    }

    /// Groups of `N` elements and no others: first all magnitudes, so that memory is read as fast as it can be.
    #[inline(always)]
    fn whole<Q, const N: usize>(self, of: &Q) -> Result<(usize, usize), (usize, GroupError)>
    where
        Q: BlockQuotient<Extent = Magnitude>,
    {
        const MOST: usize = TILE / 16;
        let Self { encoder, first, x, outers, scales, quotients, set_aside, .. } = self;
        let count = (x.len().min(quotients.len()) / N).min(MOST);
        let block = |group: usize| <&[f32; N]>::try_from(&x[group * N..group * N + N]);
        let mut magnitudes = [u32::MAX; MOST];
        for (group, most) in magnitudes.iter_mut().enumerate().take(count) {
            let Ok(block) = block(group) else { break };
            *most = Magnitude::of(block).0;
            // Never so; but a loop without an exit would be turned into one over 16 groups at a time, which gathers its
            // operands word by word.
            if *most == u32::MAX {
                break;
            }
        }
        for group in 0..count {
            let (start, end) = (group * N, group * N + N);
            let Ok(block) = block(group) else { break };
            match scale(encoder, Magnitude(magnitudes[group]), outers.of(first + start)) {
                Ok(Some((scale, factors))) => {
                    scales[group] = scale;
                    quotients[start..end].copy_from_slice(&of.fill_block(block, factors));
                }
                Ok(None) => {
                    quotients[start..end].fill(0.0);
                    set_aside.push((group, start, end));
                }
                Err(error) => return Err((first + start, error)),
            }
        }
        Ok((count * N, count))
    }

    /// Groups of any size, of which the last one of a row may be shorter.
    #[inline(always)]
    fn ragged<Q: BlockQuotient>(self, of: &Q) -> Result<(usize, usize), (usize, GroupError)> {
        self.walk(|tile, group, start, end| {
            let block = &tile.x[start..end];
            let (encoder, outer) = (tile.encoder, tile.outers.of(tile.first + start));
            let to = &mut tile.quotients[start..end];
            match scale(encoder, Q::Extent::of(block), outer) {
                Ok(Some((scale, factors))) => {
                    tile.scales[group] = scale;
                    of.fill(block, factors, to);
                }
                Ok(None) => {
                    to.fill(0.0);
                    tile.set_aside.push((group, start, end));
                }
                Err(error) => return Err((tile.first + start, error)),
            }
            Ok(())
        })
    }

    /// All groups are left to the specification.
    fn all_aside(self) -> Result<(usize, usize), (usize, GroupError)> {
        self.walk(|tile, group, start, end| {
            tile.set_aside.push((group, start, end));
            Ok(())
        })
    }

    /// Goes over as many groups as there is room for: the number of each, its beginning and its end.
    #[inline(always)]
    fn walk(
        mut self,
        mut take: impl FnMut(&mut Self, usize, usize, usize) -> Result<(), (usize, GroupError)>,
    ) -> Result<(usize, usize), (usize, GroupError)> {
        let size = self.encoder.format.size();
        let (mut start, mut place, mut group) = (0, self.first % self.row, 0);
        while start < self.x.len() {
            let length = size.min(self.row - place).min(self.x.len() - start);
            let end = start + length;
            if end > self.quotients.len() {
                break;
            }
            take(&mut self, group, start, end)?;
            place = if place + length == self.row { 0 } else { place + length };
            (start, group) = (end, group + 1);
        }
        Ok((start, group))
    }
}

/// The scale of a block and what its values are divided by; `None` where the specification must encode the block.
#[inline(always)]
fn scale(
    encoder: &GroupEncoder,
    extent: impl Extent,
    outer: Option<&OuterScale>,
) -> Result<Option<(BlockScale, Factors)>, GroupError> {
    if !extent.is_finite() {
        return Ok(None);
    }
    let (scale, factors) = encoder.plan.scale(extent, outer, &encoder.format, &encoder.policy)?;
    Ok(encoder.plan.divides(extent, factors).then_some((scale, factors)))
}
