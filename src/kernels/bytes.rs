//! Products of bytes through registers that overflow: jobs, tiles, reports.

use ndarray::ArrayViewMut2;

use super::block::Orientation;
use super::bounded::{BroadcastCodes, Shifted, Unsigned};
use super::guarded::{BLOCK, GuardedTile, InnerStage, Limits};
use super::lane_tally::Area;
use super::narrow::{Narrow, Sought};
use super::outer::{Outer, Settler};
use super::plan::{NarrowForm, StagePlan, StageRegister};
use super::profile::{self, Panel};
use super::quads::{self, HEIGHT, TAKES, WIDTH};
use super::reach::{Reach, Reaches};
use super::split::{Grain, Part, split};
use super::sums::{At, LONGEST, Operands, Output, Product};
use super::tally::{StageTally, merge};
use super::tile::{Blind, Events, TileResult, Watch};
use crate::simd::{ByteLanes, Call, Isa, IsaError, Lanes, Simd, Task, run};

/// What is done with the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    Values,
    Events,
    /// Of stages whose sums are less than 2^29, if [`is_profiled`].
    Full,
    /// The widths that the exact sums need, and no more; of stages as for `Full`.
    Widths,
}

/// Registers wider than this are not guarded: twice their range, and a block more, must fit a lane.
const MOST_BITS: u32 = 30;

/// Whether the stages can run in guarded blocks, given that 32-bit lanes hold all their values.
pub(super) fn is_guarded(stages: &[StagePlan], k: usize) -> bool {
    stages.first().is_some_and(|inner| {
        let (StageRegister::Saturate { bits } | StageRegister::Wrap { bits }) = inner.register
        else {
            return false;
        };
        let single_step = inner.width >= k as u64;
        bits <= MOST_BITS && !single_step && (BLOCK as u64).is_multiple_of(inner.width)
    })
}

/// Whether everything about the innermost register can be told from blocks.
pub(super) fn is_profiled(stages: &[StagePlan], k: usize, product: u128) -> bool {
    let small = (k as u128).saturating_mul(product) < 1 << 29;
    let block = profile::BLOCK as u64;
    small
        && stages.first().is_some_and(|inner| {
            let tiles_are_whole =
                inner.count.is_none_or(|tile| tile.is_multiple_of(block) || tile >= k as u64);
            block.is_multiple_of(inner.width) && tiles_are_whole
        })
}

/// Whether sums over all of k, in tiles of `tile` products, can be certified to fit 32 bits on the way.
pub(super) fn is_certified_in_one(k: usize, tile: usize) -> bool {
    // Tiles are filled up to whole words.
    k <= LONGEST / 2 && quads::units(k, tile) <= LONGEST / TAKES
}

/// Which outputs cannot overflow: all those of a block of the broadcast operand, and of a panel of lanes.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) blocks: Vec<bool>,
    pub(super) panels: Vec<bool>,
}

/// What is computed.
#[derive(Clone, Copy)]
pub(super) struct Guarded<'a> {
    pub(super) operands: Operands<'a>,
    pub(super) stages: &'a [StagePlan],
    pub(super) detail: Detail,
    /// The least and the greatest that a product can be; zero is between them.
    pub(super) products: (i64, i64),
    /// How the innermost register is stepped in 16-bit lanes, if it is.
    pub(super) narrow: Option<NarrowForm>,
    pub(super) orientation: Orientation,
    pub(super) certificate: &'a Certificate,
}

/// The product, written to `out`: the broadcast operand's outputs by those in lanes, in the order that they are packed in.
pub(super) fn multiply<T: Output>(
    out: ArrayViewMut2<'_, T>,
    guarded: Guarded<'_>,
    isa: Isa,
) -> Result<Vec<StageTally>, IsaError> {
    let grain = Grain::new((HEIGHT, WIDTH), out.len(), (1 << 17) / guarded.operands.k.max(1));
    let work = |part: Part<'_, T>| run(isa, Job { part, guarded });
    split(Part { out, row: 0, col: 0 }, grain, &work, &|first, second| {
        let mut tallies = first?;
        merge(&mut tallies, &second?);
        Ok(tallies)
    })
}

/// One part of the outputs.
pub(super) struct Job<'a, 'o, T> {
    pub(super) part: Part<'o, T>,
    pub(super) guarded: Guarded<'a>,
}

impl<T: Output> Task for Job<'_, '_, T> {
    type Output = Vec<StageTally>;

    fn run<S: Simd>(self, simd: S) -> Vec<StageTally> {
        let lanes = simd.lanes32();
        if self.guarded.operands.broadcast.offset == 0 {
            self.of_codes(lanes, Unsigned)
        } else {
            self.of_codes(lanes, Shifted)
        }
    }
}

/// Vectors of a tile: what fits the registers, twice, is 12 of 32, or 4 of 16.
pub(super) const ROWS: usize = HEIGHT;
pub(super) const VECTORS: usize = 2;

/// What one tile works with, made once per job.
pub(super) struct Pass<L: Lanes, W> {
    pub(super) outer: Outer<L, W>,
    pub(super) result: TileResult<i32>,
}

impl<L: Lanes<Word = i32>, W: Watch<L>> Pass<L, W> {
    pub(super) fn new(lanes: L, stages: &[StagePlan]) -> Self {
        Self {
            outer: Outer::new(lanes, stages, ROWS * VECTORS),
            result: TileResult::new(ROWS * VECTORS * L::N, stages.len()),
        }
    }
}

/// A tile's place: panels, first column in the panel of lanes, first output in the part.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) block: usize,
    pub(super) panel: usize,
    pub(super) from: usize,
    pub(super) row: usize,
    pub(super) col: usize,
}

impl<'a, T: Output> Job<'a, '_, T> {
    fn of_codes<L: ByteLanes, S: BroadcastCodes<L>>(self, lanes: L, codes: S) -> Vec<StageTally> {
        match self.guarded.detail {
            Detail::Values => self.guarded::<L, S, Blind>(lanes, codes),
            Detail::Events => self.guarded::<L, S, Events<L::V>>(lanes, codes),
            Detail::Full | Detail::Widths => self.profiled(lanes, codes),
        }
    }

    /// Tile by tile, a panel of lanes at a time.
    pub(super) fn places<L: Lanes>(&self) -> impl Iterator<Item = Place> + use<L, T> {
        let Part { out, row, col } = &self.part;
        let (rows, cols) = out.dim();
        let (first_block, first_panel) = (row / HEIGHT, col / WIDTH);
        (0..cols).step_by(WIDTH).flat_map(move |left| {
            (0..rows).step_by(HEIGHT).flat_map(move |row| {
                (0..WIDTH.min(cols - left)).step_by(VECTORS * L::N).map(move |from| Place {
                    block: first_block + row / HEIGHT,
                    panel: first_panel + left / WIDTH,
                    from,
                    row,
                    col: left + from,
                })
            })
        })
    }

    /// The outputs of a tile.
    pub(super) fn area<L: Lanes>(&self, place: Place) -> Area {
        let (rows, cols) = self.part.out.dim();
        let stride = VECTORS * L::N;
        Area { rows: ROWS.min(rows - place.row), columns: stride.min(cols - place.col), stride }
    }

    /// Adds the events of a tile's outputs to the tally of their stage.
    pub(super) fn add_events<L: Lanes>(
        &self,
        place: Place,
        tally: &mut StageTally,
        events: &[i32],
    ) {
        let Area { rows, columns, stride } = self.area::<L>(place);
        for (row, events) in events.chunks(stride).take(rows).enumerate() {
            let name = |col: usize| self.name((place.row + row, place.col + col));
            let floor = if self.guarded.operands.lanes.order.is_empty() {
                name(0)
            } else {
                self.guarded.orientation.turn((self.part.row + place.row + row, 0))
            };
            tally.add_events(&events[..columns], floor, name);
        }
    }

    /// The row and column of C of an output of the part.
    fn name(&self, (row, col): (usize, usize)) -> (usize, usize) {
        let col = self.part.col + col;
        let col = self.guarded.operands.lanes.order.get(col).copied().unwrap_or(col);
        self.guarded.orientation.turn((self.part.row + row, col))
    }

    /// The innermost register's, or a part of it that no bound leaves.
    pub(super) fn range(&self) -> (i32, i32) {
        let (low, high) = self.guarded.stages[0].range();
        (narrow(low), narrow(high))
    }

    pub(super) fn panel(&self, place: Place) -> Panel<'a> {
        let Operands { broadcast, lanes, .. } = self.guarded.operands;
        let a = broadcast.panel(place.block);
        let b = lanes.panel(place.panel).get(place.from..).unwrap_or(&[]);
        Panel { a, b }
    }

    /// Runs the tile at `place` through the real registers, where the innermost has been known to reach `known`.
    pub(super) fn run_tile<L: ByteLanes, S: BroadcastCodes<L>, W: Watch<L>>(
        &self,
        (lanes, codes): (L, S),
        known: (i32, i32),
        place: Place,
        reach: Reach<'_>,
        pass: &mut Pass<L, W>,
    ) {
        let Panel { a, b } = self.panel(place);
        let Guarded { operands: Operands { k, .. }, stages, narrow, products, .. } = self.guarded;
        let (inner, range) = (stages[0], self.range());
        let limits = (known.0.max(range.0), known.1.min(range.1));
        let low = i64::from(range.0) + products.0;
        let high = i64::from(range.1) + products.1;
        let reached = i64::from(known.0) <= low && i64::from(known.1) >= high;
        let most = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(k.max(1));
        lanes.vectorize(GuardedTile::<L, S, W, ROWS, VECTORS> {
            lanes,
            codes,
            stage: InnerStage {
                settler: Settler::new(lanes, inner.register),
                narrow: narrow.and_then(|form| Narrow::new(lanes, inner.register, form)),
                sought: if reached { Sought::Events } else { Sought::Everything },
                width: most(inner.width),
                tile: inner.count.map_or(k.max(1), most),
                k,
            },
            reach,
            limits: Limits { low: lanes.splat(2 * limits.0), high: lanes.splat(2 * limits.1) },
            a,
            b,
            outer: &mut pass.outer,
            result: &mut pass.result,
        });
    }

    /// Values and events.
    fn guarded<L: ByteLanes, S: BroadcastCodes<L>, W: Watch<L>>(
        mut self,
        lanes: L,
        codes: S,
    ) -> Vec<StageTally> {
        let mut tallies = vec![StageTally::default(); self.guarded.stages.len()];
        let mut pass = Pass::<L, W>::new(lanes, self.guarded.stages);
        let range = self.range();
        let certificate = self.guarded.certificate;
        let holds =
            |certified: &[bool], index: usize| certified.get(index).copied().unwrap_or(false);
        let exact = Product::whole(self.guarded.operands);
        let mut sums = [0; HEIGHT * WIDTH];
        let k = self.guarded.operands.k.max(1);
        let tile =
            self.guarded.stages[0].count.map_or(k, |n| usize::try_from(n).unwrap_or(k).min(k));
        let mut reaches = Reaches::new(tile);
        for place in self.places::<L>() {
            if holds(&certificate.blocks, place.block) || holds(&certificate.panels, place.panel) {
                if place.from == 0 {
                    self.certified(lanes, &exact, place, &mut sums);
                }
                continue;
            }
            let panels =
                self.part.row / HEIGHT..(self.part.row + self.part.out.nrows()).div_ceil(HEIGHT);
            let broadcast = self.guarded.operands.broadcast;
            reaches.of_rows(lanes, codes, panels.clone().map(|panel| broadcast.panel(panel)));
            let Panel { b, .. } = self.panel(Place { from: 0, ..place });
            reaches.of_columns(lanes, place.panel, b);
            let reach = reaches.of(place.block - panels.start, place.from);
            self.run_tile((lanes, codes), range, place, reach, &mut pass);
            self.write(lanes, place, &pass.result.values);
            if W::VECTORS == 0 {
                continue;
            }
            for (tally, [_, _, events]) in tallies.iter_mut().zip(&pass.result.traces) {
                // What is no output has no events.
                if !lanes.vectorize(AnyOf(events)) {
                    continue;
                }
                self.add_events::<L>(place, tally, events);
            }
        }
        tallies
    }

    /// The values of a tile, row by row.
    pub(super) fn write<L: Lanes>(&mut self, lanes: L, place: Place, values: &[i32]) {
        let area = self.area::<L>(place);
        let out = self.part.out.view_mut();
        lanes.vectorize(Write { out, place, area, values });
    }

    /// A panel's width of outputs that cannot overflow, from the first column of the panel on.
    fn certified<L: ByteLanes>(
        &mut self,
        lanes: L,
        exact: &Product<'_>,
        place: Place,
        sums: &mut [i32; HEIGHT * WIDTH],
    ) {
        let (rows, cols) = self.part.out.dim();
        let (height, width) = (ROWS.min(rows - place.row), WIDTH.min(cols - place.col));
        let Place { block, panel, .. } = place;
        exact.sum(lanes, At { block, panel, height, width, chunk: 0 }, sums);
        for (row, sums) in sums.chunks(WIDTH).take(height).enumerate() {
            for (col, &sum) in sums.iter().take(width).enumerate() {
                self.part.out[(place.row + row, place.col + col)] = T::cut(sum.into());
            }
        }
    }
}

/// Whether any word is not zero.
struct AnyOf<'a>(&'a [i32]);

impl Call for AnyOf<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        self.0.iter().fold(0, |any, word| any | word) != 0
    }
}

/// Writes the values of a tile to their places.
struct Write<'a, T> {
    out: ArrayViewMut2<'a, T>,
    place: Place,
    area: Area,
    values: &'a [i32],
}

impl<T: Output> Call for Write<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { mut out, place, area: Area { rows, columns, stride }, values } = self;
        for (row, values) in values.chunks_exact(stride).take(rows).enumerate() {
            let (mut out, values) = (out.row_mut(place.row + row), &values[..columns]);
            if let Some(out) = out.as_slice_mut() {
                for (out, &value) in out[place.col..].iter_mut().zip(values) {
                    *out = T::cut(value.into());
                }
            } else {
                for (out, &value) in out.iter_mut().skip(place.col).zip(values) {
                    *out = T::cut(value.into());
                }
            }
        }
    }
}

/// The nearest value of 30 bits, beyond which no bound lies.
pub(super) fn narrow(value: i64) -> i32 {
    value.clamp(-(1 << 29), (1 << 29) - 1) as i32
}
