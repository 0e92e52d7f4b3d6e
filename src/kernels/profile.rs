//! The innermost register, and everything that a report says of it, in one pass that steps hardly anything.
//!
//! The pass runs the exact sum block by block and keeps, per output and block, where the block ends and how far its
//! values may spread; see [`bounded`](super::bounded). A width changes at powers of two only, so of most outputs the
//! ends of their blocks and the bounds between them already need the same number of bits. What is left is stepped, one
//! output and block at a time.

use super::bounded::{BroadcastCodes, columns, products, sum_block};
use super::guarded::BLOCK_UNITS;
use super::outer::Outer;
use super::quads::{HEIGHT, TAKES, WIDTH};
use super::tile::{Extremes, Finish, Inner, TileResult, Watch};
use crate::simd::{ByteLanes, Call};

/// The packed operands of a tile, as of [`GuardedTile`](super::guarded::GuardedTile).
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    pub(super) a: &'a [i32],
    pub(super) b: &'a [i32],
}

/// Words of a block per output: shorter than where a block is only summed, because a closer bound saves steps.
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
    /// Per block, per output.
    ends: Vec<i32>,
    /// Per block, per output: `-t`.
    spreads: Vec<i32>,
    /// Least and greatest end of a block, twice the least and greatest bound; per output.
    extremes: [Vec<i32>; 4],
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
            ends: zeros(blocks * outputs),
            spreads: zeros(blocks * outputs),
            extremes: [0; 4].map(|_| zeros(outputs)),
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

/// Steps, of one vector of outputs of a tile, the blocks whose bounds leave open what is wanted.
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
        let outputs = self.course.outputs;
        let mut start = lanes.splat(0);
        for block in 0..self.course.ends.len() / outputs {
            if block.is_multiple_of(self.course.blocks_per_tile) {
                start = lanes.splat(0);
            }
            let end = lanes.load(&self.course.ends[block * outputs + at..]);
            let spread = lanes.load(&self.course.spreads[block * outputs + at..]);
            let both = lanes.add(start, end);
            if lanes.any_greater(lanes.sub(both, spread), limits.1)
                || lanes.any_greater(limits.0, lanes.add(both, spread))
            {
                let [min, max] = self.step(block, start);
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

    /// Least and greatest sums of one block from `start` on.
    #[inline(always)]
    fn step(&self, block: usize, start: L::V) -> [L::V; 2] {
        let Self { lanes, codes, panel, .. } = self;
        let lanes = *lanes;
        let (mut sum, mut least, mut greatest) = (start, start, start);
        let zero = [[lanes.splat(0)]];
        let width = self.course.width;
        let mut waiting = 0;
        let a = panel.a[block * UNITS * HEIGHT..].chunks(HEIGHT);
        let b = panel.b[block * UNITS * WIDTH..].chunks(WIDTH);
        for (a, b) in a.zip(b).take(UNITS) {
            let b = columns::<L, 1>(lanes, b);
            for place in 0..TAKES {
                let [[product]] = products(lanes, *codes, &zero, a, &b, place);
                sum = lanes.add(sum, product);
                waiting += 1;
                if waiting == width {
                    waiting = 0;
                    least = lanes.min(least, sum);
                    greatest = lanes.max(greatest, sum);
                }
            }
        }
        [least, greatest]
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
        let ends = course.ends.chunks_exact_mut(R * V * L::N);
        let spreads = course.spreads.chunks_exact_mut(R * V * L::N);
        for (((a, b), to_ends), to_spreads) in a.zip(b).zip(ends).zip(spreads) {
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
                    let at = (row * V + col) * L::N;
                    lanes.store(end, &mut to_ends[at..]);
                    lanes.store(spread, &mut to_spreads[at..]);
                }
            }
            registers = sums.ends;
        }
        if blocks > 0 {
            outer.take(lanes, registers.as_flattened());
        }
        // Of the register itself, the course tells.
        let watches = [[<Extremes<L::V> as Watch<L>>::start(lanes); V]; R];
        let inner = Inner { registers: registers.as_flattened(), watches: watches.as_flattened() };
        lanes.vectorize(Finish { lanes, inner, outer, result });
        for (index, extremes) in extremes.as_flattened().iter().enumerate() {
            for (extreme, to) in extremes.iter().zip(&mut course.extremes) {
                lanes.store(*extreme, &mut to[index * L::N..]);
            }
        }
    }
}
