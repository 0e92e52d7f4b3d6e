//! A block of k: its operands, their codes, and its exact sums.

use std::ops::Range;

use crate::kernels::byte_dots::{ByteProducts, Dot, PairRun, add_runs};
use crate::kernels::operand::int8::{K_TILE, MR, NR};
use crate::kernels::operand::panels::load_vectors;
use crate::simd::ByteLanes;

/// Words of a block per output.
pub(crate) const BLOCK_UNITS: usize = 16;
/// Products of a block.
pub(crate) const BLOCK: usize = BLOCK_UNITS * K_TILE;

/// The packed operands of a tile: the broadcast panel, the panel of lanes from the tile's first column on, and how long their
/// sums of pairs fit 16 bits.
#[derive(Clone, Copy)]
pub(crate) struct TilePanels<'a> {
    pub(crate) a: &'a [i32],
    pub(crate) b: &'a [i32],
    pub(crate) run: PairRun,
}

/// The operands of a block, or of several.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    pub(crate) a: &'a [i32],
    pub(crate) b: &'a [i32],
    pub(crate) products: usize,
}

impl Block<'_> {
    /// The first `blocks` blocks, and those behind them.
    #[inline(always)]
    pub(crate) fn split(self, blocks: usize) -> (Self, Self) {
        let units = blocks * BLOCK_UNITS;
        let (a, next_a) = self.a.split_at(self.a.len().min(MR * units));
        let (b, next_b) = self.b.split_at(self.b.len().min(NR * units));
        let products = self.products.min(blocks * BLOCK);
        let first = Self { a, b, products };
        (first, Self { a: next_a, b: next_b, products: self.products - products })
    }
}

/// How the bytes of the broadcast operand stand for its codes.
pub(crate) trait BroadcastCodes<L: ByteLanes>: Copy + Send + Sync {
    /// What a code exceeds its byte by.
    const OFFSET: i32;

    /// `|code|` of every byte.
    fn magnitudes(self, lanes: L, bytes: L::V) -> L::V;
}

/// Codes of 0 to 255.
#[derive(Clone, Copy)]
pub(crate) struct Unsigned;

/// Codes of -128 to 127, shifted up by 128.
#[derive(Clone, Copy)]
pub(crate) struct Shifted;

impl<L: ByteLanes> BroadcastCodes<L> for Unsigned {
    const OFFSET: i32 = 0;

    #[inline(always)]
    fn magnitudes(self, _: L, bytes: L::V) -> L::V {
        bytes
    }
}

impl<L: ByteLanes> BroadcastCodes<L> for Shifted {
    const OFFSET: i32 = -128;

    #[inline(always)]
    fn magnitudes(self, lanes: L, bytes: L::V) -> L::V {
        lanes.magnitudes(lanes.xor(bytes, lanes.splat(EIGHTIES)))
    }
}

/// 128 in every byte.
pub(crate) const EIGHTIES: i32 = i32::from_ne_bytes([0x80; 4]);

/// Vectors of a tile.
pub(crate) type Grid<V, const R: usize, const C: usize> = [[V; C]; R];

/// The ends of one block, from `registers`; `run` is how long sums of pairs fit 16 bits.
#[inline(always)]
pub(crate) fn sum_block<L, S, const R: usize, const V: usize>(
    lanes: L,
    _: S,
    registers: &Grid<L::V, R, V>,
    words: (&[i32], &[i32]),
    run: PairRun,
) -> Grid<L::V, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
{
    let mut ends = *registers;
    // What the shift of the broadcast codes adds to every sum.
    let mut excess = [lanes.splat(0); V];
    if let Some(steps) = run.steps::<L>() {
        ends = add_runs(lanes, ends, &UnitWords::new(words, |a| a, |b| b), steps);
        if S::OFFSET != 0 {
            excess = shift_excess(lanes, words);
        }
    } else {
        let (a, b) = words;
        for (a, b) in a.chunks_exact(MR).zip(b.chunks(NR)) {
            let columns = load_vectors::<L, V>(lanes, b);
            if S::OFFSET != 0 {
                for col in 0..V {
                    excess[col] = lanes.dot_bytes(excess[col], lanes.splat(EIGHTIES), columns[col]);
                }
            }
            for row in 0..R {
                let a = lanes.splat(a[row]);
                for col in 0..V {
                    ends[row][col] = lanes.dot_bytes(ends[row][col], a, columns[col]);
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
    ends
}

/// The words of whole units, of which `left` and `right` make what is multiplied.
pub(super) struct UnitWords<'a, F, G> {
    a: &'a [[i32; MR]],
    /// From a column of the panel on: of the last unit there is less.
    b: &'a [i32],
    left: F,
    right: G,
}

impl<'a, F, G> UnitWords<'a, F, G> {
    #[inline(always)]
    pub(super) fn new((a, b): (&'a [i32], &'a [i32]), left: F, right: G) -> Self {
        Self { a: a.as_chunks().0, b, left, right }
    }
}

impl<L, F, G, const R: usize, const V: usize> ByteProducts<L, R, V> for UnitWords<'_, F, G>
where
    L: ByteLanes,
    F: Fn(L::V) -> L::V,
    G: Fn(L::V) -> L::V,
{
    #[inline(always)]
    fn steps(&self) -> usize {
        self.a.len()
    }

    #[inline(always)]
    fn add<D: Dot<L>>(
        &self,
        lanes: L,
        mut sums: Grid<L::V, R, V>,
        steps: Range<usize>,
    ) -> Grid<L::V, R, V> {
        let b = self.b[steps.start * NR..].chunks(NR);
        for (a, b) in self.a[steps].iter().zip(b) {
            let columns = load_vectors::<L, V>(lanes, b).map(&self.right);
            for row in 0..R {
                let a = (self.left)(lanes.splat(a[row]));
                for col in 0..V {
                    sums[row][col] = D::add(lanes, sums[row][col], a, columns[col]);
                }
            }
        }
        sums
    }
}

/// What the shift of the broadcast codes adds to every sum of a column.
#[inline(always)]
pub(super) fn shift_excess<L: ByteLanes, const V: usize>(
    lanes: L,
    (a, b): (&[i32], &[i32]),
) -> [L::V; V] {
    let mut excess = [lanes.splat(0); V];
    for b in b.chunks(NR).take(a.len() / MR) {
        let columns = load_vectors::<L, V>(lanes, b);
        for col in 0..V {
            excess[col] = lanes.dot_bytes(excess[col], lanes.splat(EIGHTIES), columns[col]);
        }
    }
    excess
}

/// One product of every output of a tile: that at `place` of the words of a unit.
#[inline(always)]
pub(crate) fn products<L, S, const R: usize, const V: usize>(
    lanes: L,
    _: S,
    start: &Grid<L::V, R, V>,
    a: &[i32],
    columns: &[L::V; V],
    place: usize,
) -> Grid<L::V, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
{
    let here = lanes.splat(0xff << (8 * place));
    let mut sums = *start;
    for col in 0..V {
        let column = lanes.and(columns[col], here);
        let excess = if S::OFFSET == 0 {
            lanes.splat(0)
        } else {
            lanes.dot_bytes(lanes.splat(0), lanes.splat(EIGHTIES), column)
        };
        for row in 0..R {
            let sum = lanes.dot_bytes(sums[row][col], lanes.splat(a[row]), column);
            sums[row][col] = if S::OFFSET == 0 { sum } else { lanes.sub(sum, excess) };
        }
    }
    sums
}
