//! A full report from block bounds; only ambiguous blocks are stepped.
//!
//! 1. [`BoundTile`] sums a tile block by block and keeps, per output and block, where the block ends and how far its values
//!    may spread; see [`block_bound`](crate::kernels::guarded::block_bound).
//! 2. A width changes at powers of two only, so of most outputs the ends of their blocks and the bounds between them
//!    already need the same number of bits.
//! 3. [`Resolve`] steps what is left, one vector of outputs and block at a time; see [`prefixes`](super::prefixes).

use super::each_product::EachProduct;
use super::prefixes::{Prefixes, State, StepPrefixes};
use super::sums::{HIGH, LOW, MAX, MIN, Trajectory, UNITS};
use crate::kernels::guarded::block::{BroadcastCodes, TilePanels};
use crate::kernels::guarded::block_bound::bound_block;
use crate::kernels::operand::int8::{K_TILE, MR, NR};
use crate::kernels::operand::panels::load_vectors;
use crate::kernels::stages::outer::OuterStages;
use crate::kernels::stages::result::{FinishTile, InnermostStage, TileResult};
use crate::kernels::stages::statistics::Extremes;
use crate::simd::{ByteLanes, Vectorized};

/// What is to be known for certain of an output.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// The width that its values need.
    Width,
    /// Its extremes, as far as they lie beyond these, if it stays within `range`.
    Extremes { low: i32, high: i32, range: (i32, i32) },
}

/// More than any bound: bounds are below half of that.
const NO_LIMIT: i32 = (1 << 30) - 1;

impl Wanted {
    /// Between which values nothing more need be known of an output that reaches `min` and `max`.
    #[inline(always)]
    fn limits(self, min: i32, max: i32) -> (i32, i32) {
        match self {
            Self::Width => {
                // The magnitude with all bits below its highest one set.
                let mut high = max.max(!min);
                for shift in [1, 2, 4, 8, 16] {
                    high |= high >> shift;
                }
                (!high, high)
            }
            Self::Extremes { low, high, range } => {
                if min < range.0 || max > range.1 {
                    (!NO_LIMIT, NO_LIMIT)
                } else {
                    (low.min(min), high.max(max))
                }
            }
        }
    }
}

/// Steps, of one vector of outputs of a tile, the blocks whose bounds leave open what is wanted.
pub(crate) struct Resolve<'a, L, S> {
    pub(crate) lanes: L,
    pub(crate) codes: S,
    /// From the vector's row and first column on.
    pub(crate) panels: TilePanels<'a>,
    pub(crate) trajectory: &'a mut Trajectory,
    /// Index of the vector in the tile.
    pub(crate) vector: usize,
    pub(crate) wanted: Wanted,
}

impl<L: ByteLanes, S: BroadcastCodes<L>> Vectorized for Resolve<'_, L, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = self.lanes;
        let at = self.vector * L::N;
        let mut limits = self.limits();
        let extremes = &self.trajectory.extremes;
        let (least, greatest) =
            (lanes.load(&extremes[LOW][at..]), lanes.load(&extremes[HIGH][at..]));
        if !lanes.any_greater(greatest, limits.1) && !lanes.any_greater(limits.0, least) {
            return;
        }
        let mut start = lanes.splat(0);
        for block in 0..self.trajectory.blocks_in_all() {
            if block.is_multiple_of(self.trajectory.blocks_per_tile) {
                start = lanes.splat(0);
            }
            let from = &self.trajectory.blocks[2 * (block * self.trajectory.outputs + at)..];
            let (end, spread) = (lanes.load(from), lanes.load(&from[L::N..]));
            let both = lanes.add(start, end);
            if lanes.any_greater(lanes.sub(both, spread), limits.1)
                || lanes.any_greater(limits.0, lanes.add(both, spread))
            {
                let State { min, max, .. } = self.step(block, start);
                self.trajectory.stepped += 1;
                let extremes = &mut self.trajectory.extremes;
                let known = [lanes.load(&extremes[MIN][at..]), lanes.load(&extremes[MAX][at..])];
                if lanes.any_greater(known[0], min) || lanes.any_greater(max, known[1]) {
                    lanes.store(lanes.min(known[0], min), &mut extremes[MIN][at..]);
                    lanes.store(lanes.max(known[1], max), &mut extremes[MAX][at..]);
                    limits = self.limits();
                }
            }
            start = end;
        }
    }
}

impl<L: ByteLanes, S: BroadcastCodes<L>> Resolve<'_, L, S> {
    /// Twice the limits of every lane.
    #[inline(always)]
    fn limits(&self) -> (L::V, L::V) {
        const { assert!(L::N <= 16) };
        let at = self.vector * L::N;
        let (mut low, mut high) = ([0; 16], [0; 16]);
        let [min, max, ..] = &self.trajectory.extremes;
        let reached = min[at..at + L::N].iter().zip(&max[at..at + L::N]);
        for (((min, max), low), high) in reached.zip(&mut low).zip(&mut high) {
            let limits = self.wanted.limits(*min, *max);
            (*low, *high) = (2 * limits.0, 2 * limits.1);
        }
        (self.lanes.load(&low), self.lanes.load(&high))
    }

    /// One block from `start` on, by [`StepPrefixes`], or by [`EachProduct`] where that is faster.
    #[inline(always)]
    fn step(&self, block: usize, start: L::V) -> State<L::V> {
        let Self { lanes, codes, panels, ref trajectory, .. } = *self;
        let prefixes = StepPrefixes::<S, K_TILE>(codes);
        let mut state = State::new(start);
        let mut waiting = 0;
        let a = panels.a[block * UNITS * MR..].chunks(MR);
        let b = panels.b[block * UNITS * NR..].chunks(NR);
        if const { !L::DOTS_BYTES } && trajectory.width == 1 {
            const { assert!(L::N <= 16) };
            let (each, mut words, mut states) = (EachProduct(codes), [0; 16 * K_TILE], [state]);
            for (a, b) in a.zip(b).take(UNITS) {
                each.prepare(lanes, lanes.load(b), &mut words);
                each.unit(lanes, &a[..1], &words, &mut states);
            }
            return states[0];
        }
        for (a, b) in a.zip(b).take(UNITS) {
            let (a, [columns]) = (lanes.splat(a[0]), load_vectors::<L, 1>(lanes, b));
            let before = state.sum;
            for place in 0..K_TILE {
                let [prefix, excess] = prefixes.prefix(lanes, columns, place);
                state.sum = lanes.dot_bytes(before, a, prefix);
                if S::OFFSET != 0 {
                    state.sum = lanes.sub(state.sum, excess);
                }
                waiting += 1;
                if waiting == trajectory.width {
                    waiting = 0;
                    state.record(lanes, state.sum);
                }
            }
        }
        state
    }
}

/// Sums a tile and bounds its blocks.
pub(crate) struct BoundTile<'a, L: ByteLanes, S, const R: usize, const V: usize> {
    pub(crate) lanes: L,
    pub(crate) codes: S,
    pub(crate) panels: TilePanels<'a>,
    pub(crate) trajectory: &'a mut Trajectory,
    /// The stages behind the register, without overflow.
    pub(crate) outer: &'a mut OuterStages<L, Extremes<L::V>>,
    pub(crate) result: &'a mut TileResult<i32>,
}

impl<L, S, const R: usize, const V: usize> Vectorized for BoundTile<'_, L, S, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, codes, panels, trajectory, outer, result } = self;
        let TilePanels { a, b, run } = panels;
        let zero = lanes.splat(0);
        outer.restart(lanes);
        let mut blocks = 0;
        let mut registers = [[zero; V]; R];
        let mut extremes = [[[zero; 4]; V]; R];
        let a = a.chunks(MR * UNITS);
        let b = b.chunks(NR * UNITS);
        let to_sums = trajectory.blocks.chunks_exact_mut(2 * R * V * L::N);
        for ((a, b), to_sums) in a.zip(b).zip(to_sums) {
            if blocks == trajectory.blocks_per_tile {
                outer.take(lanes, registers.as_flattened());
                registers = [[zero; V]; R];
                blocks = 0;
            }
            blocks += 1;
            let sums = bound_block(lanes, codes, &registers, (a, b), run);
            for row in 0..R {
                for col in 0..V {
                    let (end, spread) = (sums.ends[row][col], sums.spreads[row][col]);
                    let both = lanes.add(registers[row][col], end);
                    let [min, max, low, high] = extremes[row][col];
                    extremes[row][col] = [
                        lanes.min(min, end),
                        lanes.max(max, end),
                        lanes.min(low, lanes.add(both, spread)),
                        lanes.max(high, lanes.sub(both, spread)),
                    ];
                    let to = &mut to_sums[2 * (row * V + col) * L::N..];
                    lanes.store(end, to);
                    lanes.store(spread, &mut to[L::N..]);
                }
            }
            registers = sums.ends;
        }
        if blocks > 0 {
            outer.take(lanes, registers.as_flattened());
        }
        // Of the register itself, the trajectory tells.
        let inner = InnermostStage { registers: registers.as_flattened(), statistics: &[] };
        lanes.vectorize(FinishTile { lanes, inner, outer, result });
        for (index, extremes) in extremes.as_flattened().iter().enumerate() {
            for (extreme, to) in extremes.iter().zip(&mut trajectory.extremes) {
                lanes.store(*extreme, &mut to[index * L::N..]);
            }
        }
    }
}
