//! The micro-kernel of direct convolutions: outputs of `R` channels at `V` vectors of positions.
//!
//! Lanes are positions, one behind the other in the rows of [planes](super::planes), so that each step loads what all lanes meet
//! with one piece of memory. All lanes take their products in the order of the steps.

use crate::kernels::operand::panels::load_vectors;
use crate::kernels::stages::overflow::OverflowOp;
use crate::kernels::stages::statistics::StepStatistics;
use crate::simd::{ByteLanes, Vectorized};

/// What a word of the input and one of the weights add to a sum.
pub(super) trait WordProduct<L: ByteLanes>: Copy {
    fn add(self, lanes: L, sum: L::V, x: L::V, w: L::V) -> L::V;
}

/// One product of 16-bit codes.
#[derive(Clone, Copy)]
pub(super) struct One;

/// Four products of bytes: those of the input unsigned, those of the weights signed.
#[derive(Clone, Copy)]
pub(super) struct Four;

impl<L: ByteLanes> WordProduct<L> for One {
    #[inline(always)]
    fn add(self, lanes: L, sum: L::V, x: L::V, w: L::V) -> L::V {
        lanes.dot(sum, x, w)
    }
}

impl<L: ByteLanes> WordProduct<L> for Four {
    #[inline(always)]
    fn add(self, lanes: L, sum: L::V, x: L::V, w: L::V) -> L::V {
        lanes.dot_bytes(sum, x, w)
    }
}

/// A row of tiles: the outputs of `R` channels at all positions.
pub(super) struct Row<'a, L, P, S, const R: usize, const V: usize> {
    pub(super) lanes: L,
    pub(super) product: P,
    pub(super) op: S,
    /// The words of the input, with at least a tile's behind the last that is met.
    pub(super) words: &'a [i32],
    /// Where each step's word of the first position is.
    pub(super) taps: &'a [usize],
    /// The weights, `R` to a step.
    pub(super) weights: &'a [i32],
    /// What the sums start from.
    pub(super) start: &'a [i32; R],
    /// Words of a channel in what follows: whole vectors.
    pub(super) stride: usize,
    /// The last registers of all positions, channel by channel.
    pub(super) values: &'a mut [i32],
    /// Their events, likewise; empty where they are not counted.
    pub(super) events: &'a mut [i32],
}

impl<L, P, S, const R: usize, const V: usize> Row<'_, L, P, S, R, V>
where
    L: ByteLanes,
    P: WordProduct<L>,
    S: OverflowOp<L>,
{
    /// Runs all tiles; `#[inline(always)]`.
    #[inline(always)]
    pub(super) fn run<W: StepStatistics<L>>(&mut self) {
        let vectors = self.stride / L::N;
        let mut done = 0;
        while done + V <= vectors {
            self.tile::<W, V>(done * L::N);
            done += V;
        }
        while done < vectors {
            self.tile::<W, 1>(done * L::N);
            done += 1;
        }
    }

    #[inline(always)]
    fn tile<W: StepStatistics<L>, const T: usize>(&mut self, at: usize) {
        let Self { lanes, product, op, words, taps, weights, stride, .. } = *self;
        let words = &words[at..];
        let mut registers = [[lanes.splat(0); T]; R];
        for (registers, &start) in registers.iter_mut().zip(self.start) {
            *registers = [lanes.splat(start); T];
        }
        let mut statistics = [[W::start(lanes); T]; R];
        for (&tap, weights) in taps.iter().zip(weights.as_chunks::<R>().0) {
            let x = load_vectors::<L, T>(lanes, &words[tap..]);
            for row in 0..R {
                let w = lanes.splat(weights[row]);
                for v in 0..T {
                    let sum = product.add(lanes, registers[row][v], x[v], w);
                    let kept = op.apply(lanes, sum);
                    statistics[row][v].record(lanes, sum, kept);
                    registers[row][v] = kept;
                }
            }
        }
        for row in 0..R {
            for v in 0..T {
                let to = row * stride + at + v * L::N;
                lanes.store(registers[row][v], &mut self.values[to..]);
                if W::VECTORS > 0 {
                    let [.., events] = statistics[row][v].totals(lanes);
                    lanes.store(events, &mut self.events[to..]);
                }
            }
        }
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
