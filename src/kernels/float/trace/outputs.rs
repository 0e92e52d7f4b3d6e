//! What happened in one stage of a tile, a number per output.

use crate::kernels::float::round::{Limits, Rounder};
use crate::simd::odd_sum;

/// Outputs of a block: loops over so many become vectors.
pub(super) const WIDTH: usize = 16;

/// One number per output of a block.
pub(super) type Numbers = [f64; WIDTH];

/// In which numbers sums were rounded to odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grid {
    /// `f32`
    Single,
    /// `f64`
    Double,
    /// They were exact.
    Exact,
}

impl Grid {
    /// Whether an exact sum may be another number than its odd rounding `x`.
    pub(super) fn is_open(self, x: f64) -> bool {
        match self {
            Self::Single => (x as f32).to_bits() & 1 == 1,
            Self::Double => x.to_bits() & 1 == 1,
            Self::Exact => false,
        }
    }
}

/// A block of outputs, from the beginning of a cache line on.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(super) struct Block {
    pub(super) least: Numbers,
    pub(super) greatest: Numbers,
    pub(super) events: Numbers,
    pub(super) inexact: Numbers,
    pub(super) underflows: Numbers,
    pub(super) absorbed: Numbers,
    pub(super) invalid: Numbers,
}

/// A stage of a tile.
#[derive(Clone, Debug)]
pub(super) struct StageTrace {
    pub(super) blocks: Vec<Block>,
    pub(super) grid: Grid,
    /// Sums of at least this magnitude need the reference.
    pub(super) undecided: f64,
}

#[inline(always)]
fn one_where(condition: bool) -> f64 {
    if condition { 1.0 } else { 0.0 }
}

impl StageTrace {
    /// Before the first step, registers at `start`.
    pub(super) fn new(start: &[f64], grid: Grid) -> Self {
        let zeros = [0.0; WIDTH];
        let block = |start: &[f64; WIDTH]| {
            let start = start.map(|x| if x.is_finite() { x } else { 0.0 });
            Block {
                least: start,
                greatest: start,
                events: zeros,
                inexact: zeros,
                underflows: zeros,
                absorbed: zeros,
                invalid: zeros,
            }
        };
        let blocks = start.as_chunks::<WIDTH>().0.iter().map(block).collect();
        Self { blocks, grid, undecided: f64::INFINITY }
    }
}

impl Block {
    /// One step of float registers: `round(register + input)`.
    #[inline(always)]
    pub(super) fn step(&mut self, rounder: &Rounder, registers: &mut Numbers, inputs: &Numbers) {
        let (mut sums, mut after, mut inexact) = ([0.0; WIDTH], [0.0; WIDTH], [0.0; WIDTH]);
        let before = *registers;
        for i in 0..WIDTH {
            sums[i] = odd_sum(before[i], inputs[i]);
        }
        for i in 0..WIDTH {
            after[i] = rounder.round(sums[i]);
            inexact[i] = one_where((after[i] < sums[i]) | (after[i] > sums[i]));
        }
        self.see(rounder.limits(), &before, &sums, &after, &inexact);
        for i in 0..WIDTH {
            let old = before[i].is_nan() | inputs[i].is_nan();
            self.invalid[i] += one_where(after[i].is_nan() & !old);
        }
        *registers = after;
    }

    /// What a step says: `inexact` is 1 where it is, `sums` are infinite or NaN where there is no finite sum.
    #[inline(always)]
    pub(super) fn see(
        &mut self,
        limits: Limits,
        before: &Numbers,
        sums: &Numbers,
        after: &Numbers,
        inexact: &Numbers,
    ) {
        for i in 0..WIDTH {
            let magnitude = sums[i].abs();
            let finite = magnitude < f64::INFINITY;
            let lost = (after[i] < sums[i]) | (after[i] > sums[i]);
            self.events[i] += one_where(finite & (magnitude >= limits.beyond));
            self.underflows[i] += one_where(lost & (magnitude < limits.tiny));
            self.inexact[i] += inexact[i];
            self.absorbed[i] += if before[i] == after[i] { inexact[i] } else { 0.0 };
        }
        self.extend(sums);
    }

    /// The extremes, of finite sums.
    #[inline(always)]
    pub(super) fn extend(&mut self, sums: &Numbers) {
        for (i, &sum) in sums.iter().enumerate() {
            let finite = sum.abs() < f64::INFINITY;
            let less = finite & (sum < self.least[i]);
            let greater = finite & (sum > self.greatest[i]);
            self.least[i] = if less { sum } else { self.least[i] };
            self.greatest[i] = if greater { sum } else { self.greatest[i] };
        }
    }
}
