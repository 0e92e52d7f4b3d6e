//! Products of bytes through registers that overflow: jobs, tiles, reports.

use std::ops::Range;

use ndarray::{ArrayViewMut2, s};

use super::block::Orientation;
use super::bounded::{BroadcastCodes, Shifted, Unsigned};
use super::exact::{self, Operands, Output};
use super::guarded::{BLOCK, GuardedTile, InnerStage, Limits};
use super::narrow::{Narrow, Sought};
use super::outer::{Outer, Settler};
use super::plan::{NarrowForm, StagePlan, StageRegister};
use super::profile::{self, Course, Panel, ProfileTile, Resolve, Wanted};
use super::quads::{self, HEIGHT, TAKES, WIDTH};
use super::split::{Grain, Part, split};
use super::tally::{StageTally, merge};
use super::tile::{Blind, Events, Everything, Extremes, TileResult, Watch};
use crate::simd::{ByteLanes, Isa, IsaError, Lanes, Simd, Task, run};

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
    k <= exact::LONGEST / 2 && quads::units(k, tile) <= exact::LONGEST / TAKES
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
struct Job<'a, 'o, T> {
    part: Part<'o, T>,
    guarded: Guarded<'a>,
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
const ROWS: usize = HEIGHT;
const VECTORS: usize = 2;

/// What one tile works with, made once per job.
struct Pass<L: Lanes, W> {
    outer: Outer<L, W>,
    result: TileResult<i32>,
}

impl<L: Lanes<Word = i32>, W: Watch<L>> Pass<L, W> {
    fn new(lanes: L, stages: &[StagePlan]) -> Self {
        Self {
            outer: Outer::new(lanes, stages, ROWS * VECTORS),
            result: TileResult::new(ROWS * VECTORS * L::N, stages.len()),
        }
    }
}

/// A tile's place: panels, first column in the panel of lanes, first output in the part.
#[derive(Clone, Copy)]
struct Place {
    block: usize,
    panel: usize,
    from: usize,
    row: usize,
    col: usize,
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
    fn places<L: Lanes>(&self) -> impl Iterator<Item = Place> + use<L, T> {
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

    /// The outputs of a tile: index in the tile, row and column in the part.
    fn members<L: Lanes>(
        &self,
        place: Place,
    ) -> impl Iterator<Item = (usize, (usize, usize))> + use<L, T> {
        let (rows, cols) = self.part.out.dim();
        let width = VECTORS * L::N;
        let (high, wide) = (ROWS.min(rows - place.row), width.min(cols - place.col));
        (0..high).flat_map(move |row| {
            (0..wide).map(move |col| (row * width + col, (place.row + row, place.col + col)))
        })
    }

    /// The row and column of C of an output of the part.
    fn name(&self, (row, col): (usize, usize)) -> (usize, usize) {
        let col = self.part.col + col;
        let col = self.guarded.operands.lanes.order.get(col).copied().unwrap_or(col);
        self.guarded.orientation.turn((self.part.row + row, col))
    }

    /// The innermost register's, or a part of it that no bound leaves.
    fn range(&self) -> (i32, i32) {
        let (low, high) = self.guarded.stages[0].range();
        (narrow(low), narrow(high))
    }

    fn panel(&self, place: Place) -> Panel<'a> {
        let Operands { broadcast, lanes, .. } = self.guarded.operands;
        let a = broadcast.panel(place.block);
        let b = lanes.panel(place.panel).get(place.from..).unwrap_or(&[]);
        Panel { a, b }
    }

    /// Runs the tile at `place` through the real registers, where the innermost has been known to reach `known`.
    fn run_tile<L: ByteLanes, S: BroadcastCodes<L>, W: Watch<L>>(
        &self,
        (lanes, codes): (L, S),
        known: (i32, i32),
        place: Place,
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
        let exact = exact::Tiles::new(self.guarded.operands, exact::LONGEST);
        let mut sums = [0; HEIGHT * WIDTH];
        for place in self.places::<L>() {
            if holds(&certificate.blocks, place.block) || holds(&certificate.panels, place.panel) {
                if place.from == 0 {
                    self.certified(lanes, &exact, place, &mut sums);
                }
                continue;
            }
            self.run_tile((lanes, codes), range, place, &mut pass);
            self.write::<L>(place, &pass.result.values);
            for (tally, [_, _, events]) in tallies.iter_mut().zip(&pass.result.traces) {
                if events.iter().any(|&events| events != 0) {
                    for (index, at) in self.members::<L>(place) {
                        tally.add_events(self.name(at), events[index].into());
                    }
                }
            }
        }
        tallies
    }

    /// The values of a tile, row by row.
    fn write<L: Lanes>(&mut self, place: Place, values: &[i32]) {
        let (rows, cols) = self.part.out.dim();
        let width = (VECTORS * L::N).min(cols - place.col);
        let rows = place.row..rows.min(place.row + ROWS);
        let out = s![rows, place.col..place.col + width];
        for (mut out, values) in
            self.part.out.slice_mut(out).outer_iter_mut().zip(values.chunks(VECTORS * L::N))
        {
            for (out, &value) in out.iter_mut().zip(values) {
                *out = T::cut(value.into());
            }
        }
    }

    /// A panel's width of outputs that cannot overflow, from the first column of the panel on.
    fn certified<L: ByteLanes>(
        &mut self,
        lanes: L,
        exact: &exact::Tiles<'_>,
        place: Place,
        sums: &mut [i32; HEIGHT * WIDTH],
    ) {
        let (rows, cols) = self.part.out.dim();
        let size = (ROWS.min(rows - place.row), WIDTH.min(cols - place.col));
        exact.sum(lanes, (place.block, place.panel), size, 0, sums);
        for (row, sums) in sums.chunks(WIDTH).take(size.0).enumerate() {
            for (col, &sum) in sums.iter().take(size.1).enumerate() {
                self.part.out[(place.row + row, place.col + col)] = T::cut(sum.into());
            }
        }
    }

    /// Steps what is not known for certain of the outputs of a tile.
    fn resolve<L: ByteLanes, S: BroadcastCodes<L>>(
        &self,
        (lanes, codes): (L, S),
        place: Place,
        course: &mut Course,
        wanted: Wanted,
    ) {
        let (rows, cols) = self.part.out.dim();
        let panel = self.panel(place);
        for row in 0..ROWS.min(rows - place.row) {
            for col in 0..VECTORS.min((cols - place.col).div_ceil(L::N)) {
                let panel = Panel {
                    a: &panel.a[row.min(panel.a.len())..],
                    b: &panel.b[(col * L::N).min(panel.b.len())..],
                };
                let vector = row * VECTORS + col;
                lanes.vectorize(Resolve { lanes, codes, panel, course, vector, wanted });
            }
        }
    }

    /// Values and everything else.
    fn profiled<L: ByteLanes, S: BroadcastCodes<L>>(
        mut self,
        lanes: L,
        codes: S,
    ) -> Vec<StageTally> {
        let stages = self.guarded.stages;
        let k = self.guarded.operands.k;
        let mut tallies = vec![StageTally::default(); stages.len()];
        let most = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(k.max(1));
        let (tile, width) = (stages[0].count.map_or(k.max(1), most), stages[0].width as usize);
        let mut course = Course::new(ROWS * VECTORS * L::N, k, tile, width);
        let exact: Vec<_> = stages.iter().map(|stage| stage.exact()).collect();
        let mut profile = Pass::<L, Extremes<L::V>>::new(lanes, &exact);
        let mut pass = Pass::<L, Everything<L::V>>::new(lanes, stages);
        let range = self.range();
        let ranges: Vec<_> = stages.iter().map(|stage| stage.range()).collect();
        for place in self.places::<L>() {
            let panel = self.panel(place);
            lanes.vectorize(ProfileTile::<L, S, ROWS, VECTORS> {
                lanes,
                codes,
                panel,
                course: &mut course,
                outer: &mut profile.outer,
                result: &mut profile.result,
            });
            self.resolve((lanes, codes), place, &mut course, Wanted::Width);
            let traces = &profile.result.traces;
            let mut stay = [true; HEIGHT * WIDTH];
            for row in self.rows::<L>(place) {
                for (stage, tally) in tallies.iter_mut().enumerate() {
                    let [min, max] = reached(&course, traces, stage, row.clone());
                    tally.add_exact_row(min, max);
                    let (low, high) = ranges[stage];
                    let all = min.iter().zip(max).zip(&mut stay[row.clone()]);
                    for ((&min, &max), stays) in all {
                        *stays &= i64::from(min) >= low && i64::from(max) <= high;
                    }
                }
            }
            if self.guarded.detail == Detail::Widths {
                continue;
            }
            // Without overflow the exact course is the real one.
            let mut overflows = false;
            let mut add_extremes = |tallies: &mut [StageTally], course: &Course, from: usize| {
                for row in self.rows::<L>(place) {
                    let stay = &stay[row.clone()];
                    overflows |= stay.contains(&false);
                    for (stage, tally) in tallies.iter_mut().enumerate().skip(from) {
                        let [min, max] = reached(course, traces, stage, row.clone());
                        let (mut least, mut greatest) = (0, 0);
                        for ((&min, &max), &stays) in min.iter().zip(max).zip(stay) {
                            least = if stays { min.min(least) } else { least };
                            greatest = if stays { max.max(greatest) } else { greatest };
                        }
                        tally.add_extremes(least.into(), greatest.into());
                    }
                }
            };
            add_extremes(&mut tallies, &course, 0);
            let (low, high) = tallies[0].extremes();
            let (low, high) = (narrow(low), narrow(high));
            self.resolve((lanes, codes), place, &mut course, Wanted::Extremes { low, high, range });
            add_extremes(&mut tallies[..1], &course, 0);
            if !overflows {
                self.write::<L>(place, &profile.result.values);
                continue;
            }
            let (low, high) = tallies[0].extremes();
            self.run_tile((lanes, codes), (narrow(low), narrow(high)), place, &mut pass);
            self.write::<L>(place, &pass.result.values);
            for (tally, [min, max, events]) in tallies.iter_mut().zip(&pass.result.traces) {
                for (index, at) in self.members::<L>(place) {
                    tally.add_extremes(min[index].into(), max[index].into());
                    tally.add_events(self.name(at), events[index].into());
                }
            }
        }
        tallies
    }

    /// The outputs of each row of a tile, as indices in the tile.
    fn rows<L: Lanes>(&self, place: Place) -> impl Iterator<Item = Range<usize>> + use<L, T> {
        let (rows, cols) = self.part.out.dim();
        let width = VECTORS * L::N;
        let (high, wide) = (ROWS.min(rows - place.row), width.min(cols - place.col));
        (0..high).map(move |row| row * width..row * width + wide)
    }
}

/// The least and the greatest exact sum of a row of a tile's outputs in a stage.
fn reached<'a>(
    course: &'a Course,
    traces: &'a [[Vec<i32>; 3]],
    stage: usize,
    row: Range<usize>,
) -> [&'a [i32]; 2] {
    let [min, max]: [&[i32]; 2] = match (stage, &traces[stage]) {
        (0, _) => course.reached(),
        (_, [min, max, _]) => [min, max],
    };
    [&min[row.clone()], &max[row]]
}

/// The nearest value of 30 bits, beyond which no bound lies.
fn narrow(value: i64) -> i32 {
    value.clamp(-(1 << 29), (1 << 29) - 1) as i32
}
