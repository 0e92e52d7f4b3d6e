//! One register over all of k, and everything that a report says of it, in one pass that steps hardly anything.
//!
//! The pass runs the exact sum block by block and keeps, per output and block, where the block ends and how far its
//! values may spread; see [`bounded`](super::bounded). A width changes at powers of two only, so of most outputs the
//! ends of their blocks and the bounds between them already need the same number of bits. What is left is stepped, one
//! output and block at a time.

use super::bounded::{BroadcastCodes, sum_block};
use super::guarded::BLOCK_UNITS;
use super::quads::{HEIGHT, TAKES, WIDTH};
use crate::accumulate::required_bits_of_range;
use crate::simd::{ByteLanes, Call};

/// The packed operands of a tile, as of [`GuardedTile`](super::guarded::GuardedTile).
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    pub(super) a: &'a [i32],
    pub(super) b: &'a [i32],
    /// What a code of `a` exceeds its byte by.
    pub(super) offset: i32,
    pub(super) k: usize,
}

/// Words of a block per output: shorter than where a block is only summed, because a closer bound saves steps.
pub(super) const UNITS: usize = BLOCK_UNITS / 2;

/// The exact sums of `R` by `V` vectors of outputs along k.
pub(super) struct Course {
    /// Outputs in a tile.
    outputs: usize,
    /// Per block, per output.
    ends: Vec<i32>,
    /// Per block, per output: `-t`.
    spreads: Vec<i32>,
    /// Least and greatest end of a block, twice the least and greatest bound; per output.
    extremes: [Vec<i32>; 4],
}

impl Course {
    pub(super) fn new(outputs: usize, k: usize) -> Self {
        let blocks = k.div_ceil(UNITS * TAKES);
        let zeros = |count| vec![0; count];
        Self {
            outputs,
            ends: zeros(blocks * outputs),
            spreads: zeros(blocks * outputs),
            extremes: [0; 4].map(|_| zeros(outputs)),
        }
    }

    /// The exact sum of an output.
    pub(super) fn value(&self, output: usize) -> i32 {
        self.ends.len().checked_sub(self.outputs).map_or(0, |last| self.ends[last + output])
    }

    /// What is known of an output before anything is stepped.
    pub(super) fn known(&self, output: usize) -> Known {
        let [min, max, low, high] = [0, 1, 2, 3].map(|i| self.extremes[i][output]);
        Known { min, max, low: low / 2, high: high / 2 }
    }

    /// Steps what may lie below `low` or above `high`, where each is asked anew after each block that was stepped.
    pub(super) fn resolve(
        &self,
        panel: Panel<'_>,
        output: (usize, usize),
        known: &mut Known,
        limits: impl Fn(Known) -> (i32, i32),
    ) {
        let (row, col) = output;
        let index = row * (self.outputs / HEIGHT) + col;
        let (mut low, mut high) = limits(*known);
        let mut start = 0;
        let blocks =
            self.ends.chunks_exact(self.outputs).zip(self.spreads.chunks_exact(self.outputs));
        for (block, (ends, spreads)) in blocks.enumerate() {
            let (end, spread) = (ends[index], spreads[index]);
            let (least, greatest) = ((start + end + spread) / 2, (start + end - spread) / 2);
            if least < low || greatest > high {
                let (least, greatest) = panel.step(block * UNITS, (row, col), start);
                known.min = known.min.min(least);
                known.max = known.max.max(greatest);
                (low, high) = limits(*known);
            }
            start = end;
        }
    }
}

impl Panel<'_> {
    /// Least and greatest sum of one block of one output from `start` on.
    fn step(&self, unit: usize, (row, col): (usize, usize), start: i32) -> (i32, i32) {
        let (mut sum, mut least, mut greatest) = (start, start, start);
        let mut left = self.k - unit * TAKES;
        let a = self.a[unit * HEIGHT + row..].iter().step_by(HEIGHT);
        let b = self.b[unit * WIDTH + col..].iter().step_by(WIDTH);
        for (a, b) in a.zip(b).take(UNITS) {
            for (a, b) in a.to_le_bytes().into_iter().zip(b.to_le_bytes()).take(left) {
                sum += (i32::from(a) + self.offset) * i32::from(b.cast_signed());
                least = least.min(sum);
                greatest = greatest.max(sum);
            }
            left = left.saturating_sub(TAKES);
        }
        (least, greatest)
    }
}

/// An output's exact course: reached for certain, and not exceeded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) min: i32,
    pub(super) max: i32,
    pub(super) low: i32,
    pub(super) high: i32,
}

impl Known {
    /// The width that what was reached needs.
    pub(super) fn bits(self) -> u32 {
        required_bits_of_range(self.min.into(), self.max.into())
    }

    /// Whether the bounds need no more.
    pub(super) fn is_settled(self) -> bool {
        self.bits() == required_bits_of_range(self.low.into(), self.high.into())
    }

    /// The range of the width that what was reached needs.
    pub(super) fn range(self) -> (i32, i32) {
        let high = ((1u64 << (self.bits() - 1)) - 1) as i32;
        (!high, high)
    }
}

/// Fills in the course of a tile.
pub(super) struct ProfileTile<'a, L, S, const R: usize, const V: usize> {
    pub(super) lanes: L,
    pub(super) codes: S,
    pub(super) panel: Panel<'a>,
    pub(super) course: &'a mut Course,
}

impl<L, S, const R: usize, const V: usize> Call for ProfileTile<'_, L, S, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, codes, panel: Panel { a, b, .. }, course } = self;
        let zero = lanes.splat(0);
        let mut registers = [[zero; V]; R];
        let mut extremes = [[[zero; 4]; V]; R];
        let a = a.chunks(HEIGHT * UNITS);
        let b = b.chunks(WIDTH * UNITS);
        let ends = course.ends.chunks_exact_mut(R * V * L::N);
        let spreads = course.spreads.chunks_exact_mut(R * V * L::N);
        for (((a, b), to_ends), to_spreads) in a.zip(b).zip(ends).zip(spreads) {
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
        for (index, extremes) in extremes.as_flattened().iter().enumerate() {
            for (extreme, to) in extremes.iter().zip(&mut course.extremes) {
                lanes.store(*extreme, &mut to[index * L::N..]);
            }
        }
    }
}
