//! What sums of products of bytes start from: what offsets of the bytes add to them.
//!
//! With `a = a' + s` and `b = b' + t`, `Σ a b = Σ a' b' + s Σ b' + t Σ a' + s t K`; see
//! [`int8`](crate::kernels::operand::int8). Of every operand one sum per output and chunk of k is needed.

use super::blocking::TileIndex;
use crate::kernels::operand::byte_rows::ByteRows;
use crate::kernels::operand::bytes::ByteSign;
use crate::kernels::operand::geometry::PackedPair;
use crate::kernels::operand::int8::{Int8Panels, K_TILE, MR, NR, SUMMED};
use crate::simd::{ByteLanes, Detected, IsaKernel, Lanes, Simd, Vectorized};
use crate::tasks;

/// What a tile's sums start from: what its rows and what its columns add.
#[derive(Clone, Copy)]
pub(crate) struct Initial<'a> {
    pub(crate) rows: &'a [i32],
    pub(crate) cols: &'a [i32],
}

/// What all sums start from.
pub(crate) struct InitialSums {
    /// Chunks of k.
    chunks: usize,
    /// `t Σ a' + s t K`, of every output of every chunk of every block.
    rows: Vec<i32>,
    /// `s Σ b'`, likewise.
    cols: Vec<i32>,
}

impl InitialSums {
    /// Those of packed operands, in chunks of so many products.
    pub(crate) fn of_packed(pair: &PackedPair<Int8Panels>, chunk: usize) -> Self {
        let PackedPair { broadcast, lanes, k, .. } = pair;
        let (s, t) = (broadcast.offset, lanes.offset);
        let chunks = k.div_ceil(chunk);
        let constant = |index: usize| s * t * chunk.min(k - index * chunk) as i32;
        let rows = scaled_sums(broadcast, (chunks, chunk), t, constant);
        Self { chunks, rows, cols: scaled_sums(lanes, (chunks, chunk), s, |_| 0) }
    }

    /// Those of rows, which have no offset, in chunks of so many products.
    pub(crate) fn of_rows(rows: &ByteRows<'_>, lanes: &Int8Panels, k: usize, chunk: usize) -> Self {
        let chunks = k.div_ceil(chunk);
        let mut initial = vec![0; rows.all().len().div_ceil(MR) * chunks * MR];
        if lanes.offset != 0 {
            let blocks = (CODES / (MR * k).max(1)).max(1);
            let some = rows.all().chunks(blocks * MR);
            let tasks = some.zip(initial.chunks_mut((blocks * chunks * MR).max(1)));
            let (sign, factor, isa) = (rows.sign, lanes.offset, Detected::best());
            tasks::for_each(tasks, |(rows, initial)| {
                isa.run(SumRows { rows, sign, chunk, factor, initial });
            });
        }
        Self { chunks, rows: initial, cols: vec![0; lanes.panels() * chunks * NR] }
    }

    pub(crate) fn at_hand(&self) -> Initials<'_> {
        Initials { chunks: self.chunks, rows: &self.rows, cols: &self.cols }
    }
}

/// [`InitialSums`], borrowed.
#[derive(Clone, Copy)]
pub(crate) struct Initials<'a> {
    chunks: usize,
    rows: &'a [i32],
    cols: &'a [i32],
}

impl<'a> Initials<'a> {
    #[inline(always)]
    pub(crate) fn of(self, at: TileIndex) -> Initial<'a> {
        let of = |panel: usize, width: usize| (panel * self.chunks + at.chunk) * width;
        let (row, col) = (of(at.block, MR), of(at.panel, NR));
        Initial { rows: &self.rows[row..row + MR], cols: &self.cols[col..col + NR] }
    }
}

/// `factor Σ byte + constant` of every output of every chunk of every panel.
fn scaled_sums(
    panels: &Int8Panels,
    (chunks, length): (usize, usize),
    factor: i32,
    constant: impl Fn(usize) -> i32,
) -> Vec<i32> {
    let (count, width) = (panels.panels(), panels.width());
    if factor == 0 {
        return vec![0; count * chunks * width];
    }
    // The sums that are kept are of pieces of k; a chunk is several of them.
    let per_panel = width * panels.units().div_ceil(SUMMED / K_TILE).max(1);
    let mut all = Vec::with_capacity(count * chunks * width);
    for panel in panels.sums().chunks(per_panel) {
        for (chunk, pieces) in panel.chunks(width * (length / SUMMED)).enumerate() {
            for output in 0..width {
                let sum: i32 = pieces[output..].iter().step_by(width).sum();
                all.push(factor.wrapping_mul(sum).wrapping_add(constant(chunk)));
            }
        }
    }
    all
}

/// Codes of the rows that one task sums.
const CODES: usize = 1 << 15;

/// `factor Σ code` of every row of every chunk of every block.
struct SumRows<'a> {
    rows: &'a [&'a [u8]],
    sign: ByteSign,
    chunk: usize,
    factor: i32,
    initial: &'a mut [i32],
}

impl IsaKernel for SumRows<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.int32();
        lanes.vectorize(SumRowsIn { lanes, sum: self });
    }
}

/// [`SumRows`], compiled for its lanes.
struct SumRowsIn<'a, L> {
    lanes: L,
    sum: SumRows<'a>,
}

impl<L: ByteLanes> Vectorized for SumRowsIn<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, sum: SumRows { rows, sign, chunk, factor, initial } } = self;
        let Some(k) = rows.first().map(|row| row.len()) else { return };
        let chunks = k.div_ceil(chunk);
        for (rows, initial) in rows.chunks(MR).zip(initial.chunks_mut((chunks * MR).max(1))) {
            for (row, codes) in rows.iter().enumerate() {
                for (codes, initial) in codes.chunks(chunk).zip(initial.chunks_mut(MR)) {
                    initial[row] = factor.wrapping_mul(sum_codes(lanes, codes, sign));
                }
            }
        }
    }
}

/// Bytes of a cache line, which are whole vectors.
const LINE: usize = 64;

/// `Σ code`.
#[inline(always)]
fn sum_codes<L: ByteLanes>(lanes: L, codes: &[u8], sign: ByteSign) -> i32 {
    const { assert!((LINE / K_TILE).is_multiple_of(L::N)) };
    let (ones, mut sums) = (lanes.splat(0x0101_0101), lanes.splat(0));
    let (lines, rest) = codes.as_chunks::<LINE>();
    for line in lines {
        let words: [i32; LINE / K_TILE] = bytemuck::pod_read_unaligned(line);
        for words in words.chunks_exact(L::N) {
            sums = match sign {
                ByteSign::Unsigned => lanes.dot_bytes(sums, lanes.load(words), ones),
                ByteSign::Signed => lanes.dot_bytes(sums, ones, lanes.load(words)),
            };
        }
    }
    let mut in_lanes = [0; LINE / K_TILE];
    lanes.store(sums, &mut in_lanes);
    let rest: i32 = match sign {
        ByteSign::Unsigned => rest.iter().map(|&code| i32::from(code)).sum(),
        ByteSign::Signed => rest.iter().map(|&code| i32::from(code.cast_signed())).sum(),
    };
    in_lanes.iter().sum::<i32>() + rest
}
