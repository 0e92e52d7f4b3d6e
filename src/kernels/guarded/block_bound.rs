//! The block bound: what a block of products can do to a register, known from two dot products.
//!
//! Over a block, let `s = Σ a b` and `t = Σ |a| |b|`. Every prefix of the block's sum lies between the sum of its
//! negative products, `(s - t) / 2`, and that of its positive ones, `(s + t) / 2`, in whatever order they come. So from
//! a register `r0` that ends at `r1 = r0 + s`, every value on the way lies within
//!
//! ```text
//! (r0 + r1 - t) / 2 <= value <= (r0 + r1 + t) / 2
//! ```
//! and both divisions are exact.

use super::block::{BroadcastCodes, EIGHTIES, Grid, UnitWords, shift_excess};
use crate::kernels::byte_dots::{PairRun, add_runs};
use crate::kernels::operand::int8::{MR, NR};
use crate::kernels::operand::panels::load_vectors;
use crate::simd::ByteLanes;

/// `r1` and `-t` of every output of a tile of `R` by `V` vectors.
#[derive(Clone, Copy)]
pub(crate) struct BlockBound<V, const R: usize, const C: usize> {
    pub(crate) ends: Grid<V, R, C>,
    pub(crate) spreads: Grid<V, R, C>,
}

/// Runs one block from `registers`; `run` is how long sums of pairs fit 16 bits.
#[inline(always)]
pub(crate) fn bound_block<L, S, const R: usize, const V: usize>(
    lanes: L,
    codes: S,
    registers: &Grid<L::V, R, V>,
    words: (&[i32], &[i32]),
    run: PairRun,
) -> BlockBound<L::V, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
{
    let zero = lanes.splat(0);
    let mut ends = *registers;
    let mut spreads = [[zero; V]; R];
    // What the shift of the broadcast codes adds to every sum.
    let mut excess = [zero; V];
    if let Some(steps) = run.steps::<L>() {
        // One after the other: the sums of both in 16 bits and in 32 are more than there are registers.
        ends = add_runs(lanes, ends, &UnitWords::new(words, |a| a, |b| b), steps);
        let left = |a| codes.magnitudes(lanes, a);
        let magnitudes = UnitWords::new(words, left, |b| lanes.negative_magnitudes(b));
        spreads = add_runs(lanes, spreads, &magnitudes, steps);
        if S::OFFSET != 0 {
            excess = shift_excess(lanes, words);
        }
    } else {
        let (a, b) = words;
        for (a, b) in a.chunks_exact(MR).zip(b.chunks(NR)) {
            let columns = load_vectors::<L, V>(lanes, b);
            let mut magnitudes = [zero; V];
            for col in 0..V {
                magnitudes[col] = lanes.negative_magnitudes(columns[col]);
                if S::OFFSET != 0 {
                    excess[col] = lanes.dot_bytes(excess[col], lanes.splat(EIGHTIES), columns[col]);
                }
            }
            for row in 0..R {
                let a = lanes.splat(a[row]);
                let magnitude = codes.magnitudes(lanes, a);
                for col in 0..V {
                    ends[row][col] = lanes.dot_bytes(ends[row][col], a, columns[col]);
                    spreads[row][col] =
                        lanes.dot_bytes(spreads[row][col], magnitude, magnitudes[col]);
                }
            }
        }
    }
    if S::OFFSET != 0 {
        for row in &mut ends {
            for (end, excess) in row.iter_mut().zip(excess) {
                *end = lanes.sub(*end, excess);
            }
        }
    }
    BlockBound { ends, spreads }
}

/// Twice the least and the greatest value that need no stepping.
#[derive(Clone, Copy)]
pub(crate) struct Limits<V> {
    pub(crate) low: V,
    pub(crate) high: V,
}

impl<V: Copy> Limits<V> {
    /// Whether no output of a tile can leave them in a block.
    #[inline(always)]
    pub(crate) fn hold<L: ByteLanes<V = V>, const R: usize, const C: usize>(
        &self,
        lanes: L,
        registers: &Grid<V, R, C>,
        sums: &BlockBound<V, R, C>,
    ) -> bool {
        let (mut least, mut greatest) = (lanes.splat(0), lanes.splat(0));
        let blocks = sums.ends.iter().flatten().zip(sums.spreads.iter().flatten());
        for (&register, (&end, &spread)) in registers.iter().flatten().zip(blocks) {
            let both = lanes.add(register, end);
            least = lanes.min(least, lanes.add(both, spread));
            greatest = lanes.max(greatest, lanes.sub(both, spread));
        }
        !lanes.any_greater(greatest, self.high) && !lanes.any_greater(self.low, least)
    }
}
