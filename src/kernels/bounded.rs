//! What a block of products can do to a register, known from two dot products.
//!
//! Over a block, let `s = Σ a b` and `t = Σ |a| |b|`. Every prefix of the block's sum lies between the sum of its
//! negative products, `(s - t) / 2`, and that of its positive ones, `(s + t) / 2`, in whatever order they come. So from
//! a register `r0` that ends at `r1 = r0 + s`, every value on the way lies within
//!
//! ```text
//! (r0 + r1 - t) / 2 <= value <= (r0 + r1 + t) / 2
//! ```
//! and both divisions are exact.

use super::quads::{HEIGHT, WIDTH};
use crate::simd::ByteLanes;

/// How the bytes of the broadcast operand stand for its codes.
pub(super) trait BroadcastCodes<L: ByteLanes>: Copy + Send + Sync {
    /// What a code exceeds its byte by.
    const OFFSET: i32;

    /// `|code|` of every byte.
    fn magnitudes(self, lanes: L, bytes: L::V) -> L::V;
}

/// Codes of 0 to 255.
#[derive(Clone, Copy)]
pub(super) struct Unsigned;

/// Codes of -128 to 127, shifted up by 128.
#[derive(Clone, Copy)]
pub(super) struct Shifted;

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
pub(super) const EIGHTIES: i32 = i32::from_ne_bytes([0x80; 4]);

/// Vectors of a tile.
pub(super) type Grid<V, const R: usize, const C: usize> = [[V; C]; R];

/// `r1` and `-t` of every output of a tile of `R` by `V` vectors.
#[derive(Clone, Copy)]
pub(super) struct BlockSums<V, const R: usize, const C: usize> {
    pub(super) ends: Grid<V, R, C>,
    pub(super) spreads: Grid<V, R, C>,
}

/// Runs one block from `registers`.
#[inline(always)]
pub(super) fn sum_block<L, S, const R: usize, const V: usize>(
    lanes: L,
    codes: S,
    registers: &Grid<L::V, R, V>,
    a: &[i32],
    b: &[i32],
) -> BlockSums<L::V, R, V>
where
    L: ByteLanes,
    S: BroadcastCodes<L>,
{
    let zero = lanes.splat(0);
    let mut ends = *registers;
    let mut spreads = [[zero; V]; R];
    // What the shift of the broadcast codes adds to every sum.
    let mut excess = [zero; V];
    for (a, b) in a.chunks_exact(HEIGHT).zip(b.chunks(WIDTH)) {
        let columns = columns::<L, V>(lanes, b);
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
                spreads[row][col] = lanes.dot_bytes(spreads[row][col], magnitude, magnitudes[col]);
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
    BlockSums { ends, spreads }
}

/// One product of every output of a tile: that at `place` of the words of a unit.
#[inline(always)]
pub(super) fn products<L, S, const R: usize, const V: usize>(
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

/// The columns of one unit.
#[inline(always)]
pub(super) fn columns<L: ByteLanes, const V: usize>(lanes: L, b: &[i32]) -> [L::V; V] {
    let b = &b[..V * L::N];
    let mut columns = [lanes.splat(0); V];
    for col in 0..V {
        columns[col] = lanes.load(&b[col * L::N..]);
    }
    columns
}
