//! One job: a panel of lanes against some blocks of the broadcast operand.

use std::ops::Range;

use super::outer::{Outer, Settler};
use super::pack::{Panels, WordKind};
use super::plan::{StagePlan, StageRegister};
use super::steps::Steps;
use super::tally::StageTally;
use super::tile::{
    Blind, Events, Everything, Extremes, Operands, StepKind, TileCall, TileResult, Watch,
};
use crate::simd::{Isa, Lanes, Simd, Task, Word};

/// What is done with the outputs.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// Their values.
    Values(Vec<StagePlan>),
    /// Values and events.
    Events(Vec<StagePlan>),
    /// Values and everything a report says. The exact accumulator runs first: where its extremes fit every register,
    /// nothing overflows and both trajectories are the same. Only the other outputs are stepped through the real one.
    Full { exact: Vec<StagePlan>, real: Vec<StagePlan> },
}

impl Work {
    /// The plan that every output runs through.
    fn plan(&self) -> &[StagePlan] {
        match self {
            Self::Values(plan) | Self::Events(plan) | Self::Full { exact: plan, .. } => plan,
        }
    }

    /// Its first stage; an accumulator has one.
    pub(super) fn innermost(&self) -> StagePlan {
        self.plan()[0]
    }

    /// How many stages it has.
    pub(super) fn stages(&self) -> usize {
        self.plan().len()
    }
}

/// Outputs per block of the broadcast operand and per panel of lanes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) height: usize,
    pub(super) width: usize,
}

/// Which side of the product runs over lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Orientation {
    /// The columns of B; rows of A are broadcast.
    ColumnsInLanes,
    /// The rows of A; columns of B are broadcast.
    RowsInLanes,
}

impl Orientation {
    /// (broadcast, lanes) of (row, column), and back.
    pub(super) fn turn<T>(self, (row, col): (T, T)) -> (T, T) {
        match self {
            Self::ColumnsInLanes => (row, col),
            Self::RowsInLanes => (col, row),
        }
    }
}

impl Geometry {
    pub(super) fn new(isa: Isa, word: WordKind) -> Self {
        let bytes = match isa {
            Isa::Portable | Isa::Avx2 => 2 * 32,
            Isa::Avx512 | Isa::Amx => 4 * 64,
        };
        Self { height: 4, width: bytes / word.bytes() }
    }

    /// Columns in lanes, as they are packed once; unless rows need clearly less padding.
    pub(super) fn orientation(self, m: usize, n: usize) -> Orientation {
        let padded = |broadcast: usize, lanes: usize| {
            broadcast.next_multiple_of(self.height) * lanes.next_multiple_of(self.width)
        };
        if 8 * padded(n, m) < 7 * padded(m, n) {
            Orientation::RowsInLanes
        } else {
            Orientation::ColumnsInLanes
        }
    }
}

/// A job.
pub(super) struct Block<'a> {
    pub(super) work: &'a Work,
    pub(super) word: WordKind,
    pub(super) steps: Steps,
    pub(super) geometry: Geometry,
    pub(super) orientation: Orientation,
    /// Outputs on the broadcast and on the lanes side.
    pub(super) outputs: (usize, usize),
    pub(super) lanes: &'a Panels,
    pub(super) broadcast: &'a Panels,
    pub(super) panel: usize,
    pub(super) blocks: Range<usize>,
}

/// What it gives: `values` are rows of `width` from (`row`, `col`) on.
pub(super) struct BlockOutput {
    pub(super) row: usize,
    pub(super) col: usize,
    pub(super) width: usize,
    pub(super) values: Vec<i64>,
    pub(super) tallies: Vec<StageTally>,
}

impl Task for Block<'_> {
    type Output = BlockOutput;

    fn run<S: Simd>(self, simd: S) -> BlockOutput {
        match self.word {
            WordKind::Pair16 => self.run_in(simd.lanes32()),
            WordKind::One64 => self.run_in(simd.lanes64()),
        }
    }
}

/// One pass over a tile of `R` by `V` vectors, with what it needs again and again.
struct Pass<L: Lanes, W, const R: usize, const V: usize> {
    lanes: L,
    settler: Settler<L::V>,
    outer: Outer<L, W>,
    result: TileResult<L::Word>,
}

impl<L: Lanes, W: Watch<L>, const R: usize, const V: usize> Pass<L, W, R, V> {
    fn new(lanes: L, plan: &[StagePlan]) -> Self {
        Self {
            lanes,
            settler: Settler::new(lanes, plan[0].register),
            outer: Outer::new(lanes, plan, R * V),
            result: TileResult::new(R * V * L::N, plan.len()),
        }
    }

    /// Runs the tile whose first output is `at` in the block and the panel.
    fn run(&mut self, block: &Block<'_>, index: usize, at: (usize, usize)) {
        let Self { lanes, settler, outer, result } = self;
        let takes = L::TAKES;
        let operands = Operands {
            a: block.broadcast.panel::<L::Word>(index).get(at.0..).unwrap_or(&[]),
            a_stride: block.geometry.height,
            b: block.lanes.panel::<L::Word>(block.panel).get(at.1..).unwrap_or(&[]),
            b_stride: block.geometry.width,
            units_per_step: block.steps.units_per_step(takes),
            units_per_tile: block.steps.units_per_tile(takes),
            products: block.steps.k,
            products_per_tile: block.steps.tile,
        };
        let steps = if block.steps.is_single() { StepKind::Product } else { StepKind::Units };
        lanes.vectorize(TileCall::<L, W, R, V> {
            lanes: *lanes,
            settler: *settler,
            operands,
            steps,
            outer,
            result,
        });
    }
}

impl Block<'_> {
    fn run_in<L: Lanes>(self, lanes: L) -> BlockOutput {
        // What fits the registers: 16 of them, or 32.
        if L::N * L::Word::BITS as usize > 256 {
            match self.work {
                Work::Values(plan) => self.values::<L, Blind, 4, 4>(lanes, plan),
                Work::Events(plan) => self.values::<L, Events<L::V>, 4, 2>(lanes, plan),
                Work::Full { exact, real } => self.full::<L, 4, 2, 2, 2>(lanes, exact, real),
            }
        } else {
            match self.work {
                Work::Values(plan) => self.values::<L, Blind, 4, 2>(lanes, plan),
                Work::Events(plan) => self.values::<L, Events<L::V>, 2, 2>(lanes, plan),
                Work::Full { exact, real } => self.full::<L, 2, 2, 2, 1>(lanes, exact, real),
            }
        }
    }

    fn output(&self) -> BlockOutput {
        let Geometry { height, width } = self.geometry;
        let (row, col) = (self.blocks.start * height, self.panel * width);
        let width = width.min(self.outputs.1 - col);
        let rows = (self.blocks.end * height).min(self.outputs.0) - row;
        let tallies = vec![StageTally::default(); self.work.stages()];
        BlockOutput { row, col, width, values: vec![0; rows * width], tallies }
    }

    /// The tiles of `rows` by `cols` outputs that hold any output: block, first output in it.
    fn tiles(&self, rows: usize, cols: usize) -> impl Iterator<Item = (usize, (usize, usize))> {
        let Geometry { height, width } = self.geometry;
        let (outputs, panel) = (self.outputs, self.panel);
        self.blocks.clone().flat_map(move |block| {
            let rows =
                (0..height).step_by(rows).filter(move |row| block * height + row < outputs.0);
            rows.flat_map(move |row| {
                let cols = (0..width).step_by(cols);
                cols.filter(move |col| panel * width + col < outputs.1)
                    .map(move |col| (block, (row, col)))
            })
        })
    }

    /// The outputs of a tile of `rows` by `cols`, row by row: where they are in the tile, and the first one's (broadcast,
    /// lanes) output.
    fn members(
        &self,
        (block, at): (usize, (usize, usize)),
        rows: usize,
        cols: usize,
    ) -> impl Iterator<Item = (Range<usize>, (usize, usize))> + use<> {
        let first = (block * self.geometry.height + at.0, self.panel * self.geometry.width + at.1);
        let rows_left = rows.min(self.outputs.0 - first.0);
        let cols_left = cols.min(self.outputs.1 - first.1);
        (0..rows_left)
            .map(move |row| (row * cols..row * cols + cols_left, (first.0 + row, first.1)))
    }

    /// Adds the events of a row of outputs from `at` on.
    fn add_events<W: Word>(&self, tally: &mut StageTally, at: (usize, usize), events: &[W]) {
        let name = |index| self.orientation.turn((at.0, at.1 + index));
        tally.add_events(events, name(0), name);
    }

    fn values<L: Lanes, W: Watch<L>, const R: usize, const V: usize>(
        &self,
        lanes: L,
        plan: &[StagePlan],
    ) -> BlockOutput {
        let mut output = self.output();
        let mut pass = Pass::<L, W, R, V>::new(lanes, plan);
        for tile in self.tiles(R, V * L::N) {
            pass.run(self, tile.0, tile.1);
            let TileResult { values, traces } = &pass.result;
            for (row, at) in self.members(tile, R, V * L::N) {
                output.set(at, &values[row.clone()]);
                if W::VECTORS == 0 {
                    continue;
                }
                for (tally, [_, _, events]) in output.tallies.iter_mut().zip(traces) {
                    self.add_events(tally, at, &events[row.clone()]);
                }
            }
        }
        output
    }

    fn full<L: Lanes, const R: usize, const V: usize, const R2: usize, const V2: usize>(
        &self,
        lanes: L,
        exact: &[StagePlan],
        real: &[StagePlan],
    ) -> BlockOutput {
        let mut output = self.output();
        let mut profile = Pass::<L, Extremes<L::V>, R, V>::new(lanes, exact);
        let mut stepped = Pass::<L, Everything<L::V>, R2, V2>::new(lanes, real);
        for tile in self.tiles(R, V * L::N) {
            profile.run(self, tile.0, tile.1);
            let TileResult { values, traces } = &profile.result;
            for (row, at) in self.members(tile, R, V * L::N) {
                output.set(at, &values[row.clone()]);
                for (tally, [min, max, _]) in output.tallies.iter_mut().zip(traces) {
                    tally.add_exact(&min[row.clone()], &max[row.clone()]);
                }
            }
            let part_rows = (0..R).step_by(R2);
            for (row, col) in part_rows.flat_map(|r| (0..V).step_by(V2).map(move |v| (r, v * L::N)))
            {
                let part = (tile.0, (tile.1.0 + row, tile.1.1 + col));
                if !self.holds_output(part) {
                    continue;
                }
                let shift = row * V * L::N + col;
                let members = || self.members(part, R2, V2 * L::N);
                // The same outputs in the tile.
                let in_tile = |row: Range<usize>| {
                    let start = shift + row.start / (V2 * L::N) * V * L::N;
                    start..start + row.len()
                };
                let overflows = |(stage, [min, max, _]): (&StagePlan, &[Vec<L::Word>; 3])| {
                    let (low, high) = stage.range();
                    members().any(|(row, _)| {
                        let row = in_tile(row);
                        let reached = min[row.clone()].iter().zip(&max[row]);
                        reached.fold(false, |any, (min, max)| {
                            any | (min.widen() < low) | (max.widen() > high)
                        })
                    })
                };
                if real.iter().zip(traces).any(overflows) {
                    stepped.run(self, part.0, part.1);
                    let TileResult { values, traces } = &stepped.result;
                    for (row, at) in members() {
                        output.set(at, &values[row.clone()]);
                        for (tally, [min, max, events]) in output.tallies.iter_mut().zip(traces) {
                            tally.add_extremes_of(&min[row.clone()], &max[row.clone()]);
                            self.add_events(tally, at, &events[row.clone()]);
                        }
                    }
                } else {
                    for (row, _) in members() {
                        let row = in_tile(row);
                        for (tally, [min, max, _]) in output.tallies.iter_mut().zip(traces) {
                            tally.add_extremes_of(&min[row.clone()], &max[row.clone()]);
                        }
                    }
                }
            }
        }
        output
    }

    fn holds_output(&self, (block, at): (usize, (usize, usize))) -> bool {
        block * self.geometry.height + at.0 < self.outputs.0
            && self.panel * self.geometry.width + at.1 < self.outputs.1
    }
}

impl BlockOutput {
    /// A row of values from output (`row`, `col`) on.
    fn set<W: Word>(&mut self, (row, col): (usize, usize), values: &[W]) {
        let to = &mut self.values[(row - self.row) * self.width + col - self.col..];
        for (to, value) in to.iter_mut().zip(values) {
            *to = value.widen();
        }
    }
}

impl StagePlan {
    /// What the register holds, as far as 64 bits say.
    pub(super) fn range(&self) -> (i64, i64) {
        match self.register {
            StageRegister::Saturate { bits } | StageRegister::Wrap { bits } if bits < 64 => {
                let half = 1i64 << (bits - 1);
                (-half, half - 1)
            }
            _ => (i64::MIN, i64::MAX),
        }
    }
}
