//! The innermost register, and everything that a report says of it, in one pass that walks hardly anything.
//!
//! The pass runs the exact sum block by block and keeps, per output and block, where the block ends and how far its
//! values may spread; see [`bounded`](super::bounded). A width changes at powers of two only, so of most outputs the
//! ends of their blocks and the bounds between them already need the same number of bits. What is left is walked, one
//! vector of outputs and block at a time; see [`walk`](super::walk).

use super::bounded::{BroadcastCodes, columns, sum_block};
use super::guarded::BLOCK_UNITS;
use super::outer::Outer;
use super::quads::{HEIGHT, TAKES, WIDTH};
use super::tile::{Extremes, Finish, Inner, TileResult};
use super::walk::{Evenly, State};
use crate::simd::{ByteLanes, Call};

/// The packed operands of a tile, as of [`GuardedTile`](super::guarded::GuardedTile).
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    pub(super) a: &'a [i32],
    pub(super) b: &'a [i32],
}

/// Words of a block per output: shorter than where a block is only summed, because a closer bound saves walks.
const UNITS: usize = BLOCK_UNITS / 2;
/// Products of a block: tiles are whole blocks, and a block is whole steps.
pub(super) const BLOCK: usize = UNITS * TAKES;

/// The exact sums of `R` by `V` vectors of outputs along k.
pub(super) struct Course {
    /// Outputs in a tile of outputs.
    outputs: usize,
    /// Blocks that the register sums before it hands on.
    blocks_per_tile: usize,
    /// Products of a step.
    width: usize,
    /// Per block, per vector: its ends, and `-t`.
    blocks: Vec<i32>,
    /// Least and greatest end of a block, twice the least and greatest bound; per output.
    extremes: [Vec<i32>; 4],
    /// Blocks of vectors that were walked.
    walked: usize,
}

impl Course {
    /// `tile` products in a tile, a multiple of [`BLOCK`] or k; `width` in a step, a divisor of [`BLOCK`].
    pub(super) fn new(outputs: usize, k: usize, tile: usize, width: usize) -> Self {
        let blocks = k.div_ceil(BLOCK);
        let zeros = |count| vec![0; count];
        Self {
            outputs,
            blocks_per_tile: tile.div_ceil(BLOCK).max(1),
            width,
            blocks: zeros(2 * blocks * outputs),
            extremes: [0; 4].map(|_| zeros(outputs)),
            walked: 0,
        }
    }

    /// The units of a tile, if it is not all of k, or more than there are.
    pub(super) fn units_per_tile(&self) -> usize {
        self.blocks_per_tile * UNITS
    }

    /// The units of a step; 1 where there are several steps in one.
    pub(super) fn units_per_step(&self) -> usize {
        (self.width / TAKES).max(1)
    }

    /// The products of a step.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Blocks of an output.
    fn blocks_in_all(&self) -> usize {
        self.blocks.len() / (2 * self.outputs)
    }

    /// Blocks of vectors that were walked since last asked, of so many per vector.
    pub(super) fn take_walked(&mut self) -> (usize, usize) {
        (std::mem::take(&mut self.walked), self.blocks_in_all())
    }

    /// Room for [`Self::reached`].
    pub(super) fn reached_mut(&mut self) -> [&mut [i32]; 2] {
        let [min, max, ..] = &mut self.extremes;
        [min, max]
    }

    /// The least and the greatest value that each output is known to reach.
    pub(super) fn reached(&self) -> [&[i32]; 2] {
        [&self.extremes[MIN], &self.extremes[MAX]]
    }
}

/// Places in [`Course::extremes`].
const MIN: usize = 0;
const MAX: usize = 1;
const LOW: usize = 2;
const HIGH: usize = 3;

/// What is to be known for certain of an output.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
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

/// Walks, of one vector of outputs of a tile, the blocks whose bounds leave open what is wanted.
pub(super) struct Resolve<'a, L, S> {
    pub(super) lanes: L,
    pub(super) codes: S,
    /// From the vector's row and first column on.
    pub(super) panel: Panel<'a>,
    pub(super) course: &'a mut Course,
    /// Index of the vector in the tile.
    pub(super) vector: usize,
    pub(super) wanted: Wanted,
}

impl<L: ByteLanes, S: BroadcastCodes<L>> Call for Resolve<'_, L, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = self.lanes;
        let at = self.vector * L::N;
        let mut limits = self.limits();
        let extremes = &self.course.extremes;
        let (least, greatest) =
            (lanes.load(&extremes[LOW][at..]), lanes.load(&extremes[HIGH][at..]));
        if !lanes.any_greater(greatest, limits.1) && !lanes.any_greater(limits.0, least) {
            return;
        }
        let mut start = lanes.splat(0);
        for block in 0..self.course.blocks_in_all() {
            if block.is_multiple_of(self.course.blocks_per_tile) {
                start = lanes.splat(0);
            }
            let from = &self.course.blocks[2 * (block * self.course.outputs + at)..];
            let (end, spread) = (lanes.load(from), lanes.load(&from[L::N..]));
            let both = lanes.add(start, end);
            if lanes.any_greater(lanes.sub(both, spread), limits.1)
                || lanes.any_greater(limits.0, lanes.add(both, spread))
            {
                let State { min, max, .. } = self.walk(block, start);
                self.course.walked += 1;
                let extremes = &mut self.course.extremes;
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
        let [min, max, ..] = &self.course.extremes;
        let reached = min[at..at + L::N].iter().zip(&max[at..at + L::N]);
        for (((min, max), low), high) in reached.zip(&mut low).zip(&mut high) {
            let limits = self.wanted.limits(*min, *max);
            (*low, *high) = (2 * limits.0, 2 * limits.1);
        }
        (self.lanes.load(&low), self.lanes.load(&high))
    }

    /// One block from `start` on, as [`Evenly`] walks it.
    #[inline(always)]
    fn walk(&self, block: usize, start: L::V) -> State<L::V> {
        let Self { lanes, codes, panel, ref course, .. } = *self;
        let prefixes = Evenly::<S, TAKES>(codes);
        let mut state = State::new(start);
        let mut waiting = 0;
        let a = panel.a[block * UNITS * HEIGHT..].chunks(HEIGHT);
        let b = panel.b[block * UNITS * WIDTH..].chunks(WIDTH);
        for (a, b) in a.zip(b).take(UNITS) {
            let (a, [columns]) = (lanes.splat(a[0]), columns::<L, 1>(lanes, b));
            let before = state.sum;
            for place in 0..TAKES {
                let [prefix, excess] = prefixes.prefix(lanes, columns, place);
                state.sum = lanes.dot_bytes(before, a, prefix);
                if S::OFFSET != 0 {
                    state.sum = lanes.sub(state.sum, excess);
                }
                waiting += 1;
                if waiting == course.width {
                    waiting = 0;
                    state.see(lanes, state.sum);
                }
            }
        }
        state
    }
}

/// Fills in the course of a tile.
pub(super) struct ProfileTile<'a, L: ByteLanes, S, const R: usize, const V: usize> {
    pub(super) lanes: L,
    pub(super) codes: S,
    pub(super) panel: Panel<'a>,
    pub(super) course: &'a mut Course,
    /// The stages behind the register, without overflow.
    pub(super) outer: &'a mut Outer<L, Extremes<L::V>>,
    pub(super) result: &'a mut TileResult<i32>,
}

impl<L, S, const R: usize, const V: usize> Call for ProfileTile<'_, L, S, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, codes, panel: Panel { a, b, .. }, course, outer, result } = self;
        let zero = lanes.splat(0);
        outer.restart(lanes);
        let mut blocks = 0;
        let mut registers = [[zero; V]; R];
        let mut extremes = [[[zero; 4]; V]; R];
        let a = a.chunks(HEIGHT * UNITS);
        let b = b.chunks(WIDTH * UNITS);
        let to_sums = course.blocks.chunks_exact_mut(2 * R * V * L::N);
        for ((a, b), to_sums) in a.zip(b).zip(to_sums) {
            if blocks == course.blocks_per_tile {
                outer.take(lanes, registers.as_flattened());
                registers = [[zero; V]; R];
                blocks = 0;
            }
            blocks += 1;
            let sums = sum_block(lanes, codes, &registers, a, b);
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
        // Of the register itself, the course tells.
        let inner = Inner { registers: registers.as_flattened(), watches: &[] };
        lanes.vectorize(Finish { lanes, inner, outer, result });
        for (index, extremes) in extremes.as_flattened().iter().enumerate() {
            for (extreme, to) in extremes.iter().zip(&mut course.extremes) {
                lanes.store(*extreme, &mut to[index * L::N..]);
            }
        }
    }
}
