//! The micro-kernel of direct convolutions: outputs of `R` channels at `V` vectors of positions.
//!
//! Lanes are positions, one behind the other in the rows of words, so that each step loads what all lanes meet with one piece of
//! memory. All lanes take their products in the order of the steps.

use std::ops::Range;

use crate::kernels::byte_dots::{ByteProducts, Dot, PairRun, add_all};
use crate::kernels::operand::panels::load_vectors;
use crate::kernels::stages::overflow::OverflowOp;
use crate::kernels::stages::statistics::StepStatistics;
use crate::simd::{ByteLanes, Vectorized};

/// Vectors of a tile: of `R` channels, `T` vectors of positions.
type Grid<V, const R: usize, const T: usize> = [[V; T]; R];

/// What the words of all steps add to the sums of a tile.
pub(super) trait StepProducts<L: ByteLanes>: Copy {
    /// Adds them, and records what there is to record; `#[inline(always)]`.
    fn add_to<W: StepStatistics<L>, const R: usize, const T: usize>(
        self,
        lanes: L,
        sums: Grid<L::V, R, T>,
        statistics: &mut Grid<W, R, T>,
        operands: Operands<'_>,
    ) -> Grid<L::V, R, T>;
}

/// One product of 16-bit codes a step, and a register that may overflow at each.
#[derive(Clone, Copy)]
pub(super) struct One<S>(pub(super) S);

/// Four products of bytes a step, those of the input unsigned, those of the weights signed: exact sums, of which nothing is
/// recorded.
#[derive(Clone, Copy)]
pub(super) struct Four;

impl<L: ByteLanes, S: OverflowOp<L>> StepProducts<L> for One<S> {
    #[inline(always)]
    fn add_to<W: StepStatistics<L>, const R: usize, const T: usize>(
        self,
        lanes: L,
        mut sums: Grid<L::V, R, T>,
        statistics: &mut Grid<W, R, T>,
        operands: Operands<'_>,
    ) -> Grid<L::V, R, T> {
        let Operands { words, taps, weights, width, .. } = operands;
        for (&tap, weights) in taps.iter().zip(weights.chunks(width)) {
            let weights = &weights[..R];
            let x = load_vectors::<L, T>(lanes, &words[tap..]);
            for row in 0..R {
                let w = lanes.splat(weights[row]);
                for v in 0..T {
                    let sum = lanes.dot(sums[row][v], x[v], w);
                    let kept = self.0.apply(lanes, sum);
                    statistics[row][v].record(lanes, sum, kept);
                    sums[row][v] = kept;
                }
            }
        }
        sums
    }
}

impl<L: ByteLanes> StepProducts<L> for Four {
    #[inline(always)]
    fn add_to<W: StepStatistics<L>, const R: usize, const T: usize>(
        self,
        lanes: L,
        sums: Grid<L::V, R, T>,
        _: &mut Grid<W, R, T>,
        operands: Operands<'_>,
    ) -> Grid<L::V, R, T> {
        add_all(lanes, sums, &operands, operands.run)
    }
}

/// The operands of some output channels.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    /// The words of the input, with at least a tile's behind the last that is met.
    pub(super) words: &'a [i32],
    /// Where each step's word of the first position is.
    pub(super) taps: &'a [usize],
    /// The weights of the first step from the first channel on.
    pub(super) weights: &'a [i32],
    /// Weights from a step to the next.
    pub(super) width: usize,
    /// How long sums of pairs of products of bytes fit 16 bits.
    pub(super) run: PairRun,
}

impl<L: ByteLanes, const R: usize, const T: usize> ByteProducts<L, R, T> for Operands<'_> {
    #[inline(always)]
    fn steps(&self) -> usize {
        self.taps.len()
    }

    #[inline(always)]
    fn add<D: Dot<L>>(
        &self,
        lanes: L,
        mut sums: Grid<L::V, R, T>,
        steps: Range<usize>,
    ) -> Grid<L::V, R, T> {
        let Self { words, taps, weights, width, .. } = *self;
        let weights = weights[steps.start * width..].chunks(width);
        for (&tap, weights) in taps[steps].iter().zip(weights) {
            let weights = &weights[..R];
            let x = load_vectors::<L, T>(lanes, &words[tap..]);
            for row in 0..R {
                let w = lanes.splat(weights[row]);
                for v in 0..T {
                    sums[row][v] = D::add(lanes, sums[row][v], x[v], w);
                }
            }
        }
        sums
    }
}

/// What becomes of the sums of a tile.
pub(super) trait TileEnd<L: ByteLanes> {
    /// Takes the sums of `R` channels at `T` vectors of positions from `at` on, with what was recorded of them;
    /// `#[inline(always)]`.
    fn take<W: StepStatistics<L>, const R: usize, const T: usize>(
        &mut self,
        lanes: L,
        at: usize,
        sums: [[L::V; T]; R],
        counts: [[W; T]; R],
    );
}

/// Sums are stored, channel by channel.
pub(super) struct Stored<'a> {
    /// Positions of a channel in what follows.
    pub(super) stride: usize,
    /// The last registers of all positions.
    pub(super) values: &'a mut [i32],
    /// Their events; empty where they are not counted.
    pub(super) events: &'a mut [i32],
}

impl<L: ByteLanes> TileEnd<L> for Stored<'_> {
    #[inline(always)]
    fn take<W: StepStatistics<L>, const R: usize, const T: usize>(
        &mut self,
        lanes: L,
        at: usize,
        sums: [[L::V; T]; R],
        counts: [[W; T]; R],
    ) {
        for row in 0..R {
            for v in 0..T {
                let to = row * self.stride + at + v * L::N;
                lanes.store(sums[row][v], &mut self.values[to..]);
                if W::VECTORS > 0 {
                    let [.., events] = counts[row][v].totals(lanes);
                    lanes.store(events, &mut self.events[to..]);
                }
            }
        }
    }
}

/// A row of tiles: the outputs of `R` channels at some positions.
pub(super) struct Row<'a, L, P, E> {
    pub(super) lanes: L,
    pub(super) products: P,
    pub(super) operands: Operands<'a>,
    /// What the sums of each channel start from: of `R` channels at least.
    pub(super) start: &'a [i32],
    /// The positions: whole vectors.
    pub(super) range: Range<usize>,
    pub(super) end: E,
}

impl<L, P, E> Row<'_, L, P, E>
where
    L: ByteLanes,
    P: StepProducts<L>,
    E: TileEnd<L>,
{
    /// Runs all tiles; `#[inline(always)]`.
    #[inline(always)]
    pub(super) fn run<W: StepStatistics<L>, const R: usize, const V: usize>(&mut self) {
        let Range { start: mut at, end } = self.range;
        while at + V * L::N <= end {
            self.tile::<W, R, V>(at);
            at += V * L::N;
        }
        while at < end {
            self.tile::<W, R, 1>(at);
            at += L::N;
        }
    }

    #[inline(always)]
    fn tile<W: StepStatistics<L>, const R: usize, const T: usize>(&mut self, at: usize) {
        let Self { lanes, products, operands, .. } = *self;
        let operands = Operands { words: &operands.words[at..], ..operands };
        let mut registers = [[lanes.splat(0); T]; R];
        let start = &self.start[..R];
        for row in 0..R {
            registers[row] = [lanes.splat(start[row]); T];
        }
        let mut statistics = [[W::start(lanes); T]; R];
        let registers = products.add_to(lanes, registers, &mut statistics, operands);
        // What is handed on is a copy, so that the registers never are memory.
        let (mut last, mut counts) = ([[lanes.splat(0); T]; R], [[W::start(lanes); T]; R]);
        for row in 0..R {
            (last[row], counts[row]) = (registers[row], statistics[row]);
        }
        self.end.take(lanes, at, last, counts);
    }
}

/// The events of the outputs of a channel: how many, and of how many outputs.
pub(super) struct CountEvents<'a> {
    pub(super) events: &'a [i32],
    /// 1 where an output is, 0 between rows.
    pub(super) outputs: &'a [i32],
}

impl Vectorized for CountEvents<'_> {
    type Output = (u64, u64);

    #[inline(always)]
    fn call(self) -> (u64, u64) {
        /// Of so many outputs 32 bits hold the sum: none has more events than there are steps.
        const PART: usize = 1 << 12;
        let (mut events, mut outputs) = (0, 0);
        for (counts, is_output) in self.events.chunks(PART).zip(self.outputs.chunks(PART)) {
            let (mut sum, mut with) = (0i32, 0i32);
            for (&count, &is_output) in counts.iter().zip(is_output) {
                sum += count * is_output;
                with += count.min(is_output);
            }
            events += u64::from(sum.unsigned_abs());
            outputs += u64::from(with.unsigned_abs());
        }
        (events, outputs)
    }
}
