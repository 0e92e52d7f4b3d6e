//! The int8 micro-kernel: sums of a few vectors of outputs over a chunk of k.

use std::ops::Range;

use super::blocking::TileIndex;
use super::initial::Initial;
use crate::kernels::byte_dots::{ByteProducts, Dot, PairRun, add_all};
use crate::kernels::operand::int8::{K_TILE, MR, NR};
use crate::kernels::operand::panels::load_vectors;
use crate::simd::{ByteLanes, Vectorized};

/// Words of a cache line.
const LINE: usize = 16;

/// How far ahead of its use a panel's word is asked for: four units.
const AHEAD: usize = 4 * NR;

/// What is broadcast.
pub(crate) trait Words<L: ByteLanes>: Copy {
    /// Those behind the first so many units.
    fn skip_units(self, units: usize) -> Self;

    /// Adds all products with the vectors of a panel that start at place `from`; `#[inline(always)]`.
    fn add_to<D: Dot<L>, const R: usize, const V: usize>(
        self,
        lanes: L,
        tile: [[L::V; V]; R],
        b: &[[i32; NR]],
        from: usize,
    ) -> [[L::V; V]; R];
}

/// Unsigned bytes as [`Int8Panels`](crate::kernels::operand::int8::Int8Panels) lays them out.
#[derive(Clone, Copy)]
pub(crate) struct Packed<'a>(pub(crate) &'a [i32]);

impl<L: ByteLanes> Words<L> for Packed<'_> {
    #[inline(always)]
    fn skip_units(self, units: usize) -> Self {
        Self(&self.0[self.0.len().min(units * MR)..])
    }

    #[inline(always)]
    fn add_to<D: Dot<L>, const R: usize, const V: usize>(
        self,
        lanes: L,
        mut tile: [[L::V; V]; R],
        b: &[[i32; NR]],
        from: usize,
    ) -> [[L::V; V]; R] {
        for (a, b) in self.0.as_chunks::<MR>().0.iter().zip(b) {
            let vectors = load_vectors::<L, V>(lanes, &b[from..]);
            for line in 0..V * L::N / LINE {
                lanes.prefetch(b, from + AHEAD + line * LINE);
            }
            for row in 0..R {
                let a = lanes.splat(a[row]);
                for col in 0..V {
                    tile[row][col] = D::add(lanes, tile[row][col], a, vectors[col]);
                }
            }
        }
        tile
    }
}

/// Rows of bytes, signed or not, that are equally long.
#[derive(Clone, Copy)]
pub(crate) struct RowWords<'a, const SIGNED: bool>(pub(crate) [&'a [u8]; MR]);

impl<L: ByteLanes, const SIGNED: bool> Words<L> for RowWords<'_, SIGNED> {
    #[inline(always)]
    fn skip_units(self, units: usize) -> Self {
        Self(self.0.map(|row| &row[row.len().min(units * K_TILE)..]))
    }

    #[inline(always)]
    fn add_to<D: Dot<L>, const R: usize, const V: usize>(
        self,
        lanes: L,
        mut tile: [[L::V; V]; R],
        b: &[[i32; NR]],
        from: usize,
    ) -> [[L::V; V]; R] {
        let b = &b[..b.len().min(self.0[0].len() / K_TILE)];
        let mut rows: [&[[u8; K_TILE]]; R] = [&[]; R];
        for (words, row) in rows.iter_mut().zip(self.0) {
            *words = &row.as_chunks().0[..b.len()];
        }
        for (unit, b) in b.iter().enumerate() {
            let vectors = load_vectors::<L, V>(lanes, &b[from..]);
            for line in 0..V * L::N / LINE {
                lanes.prefetch(b, from + AHEAD + line * LINE);
            }
            for row in 0..R {
                let a = lanes.splat(i32::from_ne_bytes(rows[row][unit]));
                for col in 0..V {
                    let sum = tile[row][col];
                    tile[row][col] = match SIGNED {
                        true => D::add(lanes, sum, vectors[col], a),
                        false => D::add(lanes, sum, a, vectors[col]),
                    };
                }
            }
        }
        tile
    }
}

impl<'a, const SIGNED: bool> RowWords<'a, SIGNED> {
    /// What is no whole word at the end of each row, filled with zeros; `None` where all are whole.
    #[inline(always)]
    pub(crate) fn rest(&self) -> Option<[[u8; K_TILE]; MR]> {
        let rest = self.0[0].len() % K_TILE;
        if rest == 0 {
            return None;
        }
        let mut words = [[0; K_TILE]; MR];
        for (word, row) in words.iter_mut().zip(self.0) {
            word[..rest].copy_from_slice(&row[row.len() - rest..]);
        }
        Some(words)
    }
}

/// The words of both operands, those of lanes from a place of their panel on.
struct TileWords<'a, W> {
    a: &'a W,
    b: &'a [[i32; NR]],
    from: usize,
}

impl<L, W, const R: usize, const V: usize> ByteProducts<L, R, V> for TileWords<'_, W>
where
    L: ByteLanes,
    W: Words<L>,
{
    #[inline(always)]
    fn steps(&self) -> usize {
        self.b.len()
    }

    #[inline(always)]
    fn add<D: Dot<L>>(
        &self,
        lanes: L,
        sums: [[L::V; V]; R],
        steps: Range<usize>,
    ) -> [[L::V; V]; R] {
        self.a.skip_units(steps.start).add_to::<D, R, V>(lanes, sums, &self.b[steps], self.from)
    }
}

/// Adds the products of one more unit to the sums of a tile.
pub(crate) struct Rest<'a, 'o, L, const SIGNED: bool> {
    pub(crate) lanes: L,
    pub(crate) words: [[u8; K_TILE]; MR],
    pub(crate) b: &'a [i32],
    pub(crate) rows: &'a mut [&'o mut [i32]],
    pub(crate) left: usize,
}

impl<L: ByteLanes, const SIGNED: bool> Vectorized for Rest<'_, '_, L, SIGNED> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, words, b, rows, left } = self;
        for (word, row) in words.into_iter().zip(rows) {
            let a = lanes.splat(i32::from_ne_bytes(word));
            for (sums, b) in row[left..left + NR].chunks_mut(L::N).zip(b.chunks(L::N)) {
                let (sum, b) = (lanes.load(sums), lanes.load(b));
                let sum = match SIGNED {
                    true => lanes.dot_bytes(sum, b, a),
                    false => lanes.dot_bytes(sum, a, b),
                };
                lanes.store(sum, sums);
            }
        }
    }
}

/// What a tile is made from: words to broadcast, a panel of lanes, how long sums of pairs fit 16 bits, where sums start.
#[derive(Clone, Copy)]
pub(crate) struct Int8Inputs<'a, W> {
    pub(crate) a: &'a W,
    pub(crate) b: &'a [i32],
    pub(crate) run: PairRun,
    pub(crate) initial: Initial<'a>,
}

/// Writes the sums of a tile to its rows from column `left` on, vectors by vectors.
#[inline(always)]
pub(crate) fn sum_tile<L: ByteLanes, W: Words<L>>(
    lanes: L,
    operands: &Int8Inputs<'_, W>,
    at: TileIndex,
    rows: &mut [&mut [i32]],
    left: usize,
) {
    if const { L::REGISTERS.are_many() } {
        in_vectors::<L, W, 4>(lanes, operands, at, rows, left);
    } else {
        in_vectors::<L, W, 2>(lanes, operands, at, rows, left);
    }
}

#[inline(always)]
fn in_vectors<L: ByteLanes, W: Words<L>, const V: usize>(
    lanes: L,
    operands: &Int8Inputs<'_, W>,
    at: TileIndex,
    rows: &mut [&mut [i32]],
    left: usize,
) {
    for from in (0..at.width).step_by(V * L::N) {
        let rows = &mut *rows;
        match at.height {
            1 => lanes.vectorize(Tile::<L, W, 1, V> { lanes, operands, from, rows, left }),
            2 => lanes.vectorize(Tile::<L, W, 2, V> { lanes, operands, from, rows, left }),
            3 | 4 => lanes.vectorize(Tile::<L, W, 4, V> { lanes, operands, from, rows, left }),
            _ => lanes.vectorize(Tile::<L, W, MR, V> { lanes, operands, from, rows, left }),
        }
    }
}

/// `R` by `V` vectors of outputs, those from place `from` of the panel on.
struct Tile<'a, 'o, L, W, const R: usize, const V: usize> {
    lanes: L,
    operands: &'a Int8Inputs<'a, W>,
    from: usize,
    rows: &'a mut [&'o mut [i32]],
    left: usize,
}

impl<L: ByteLanes, W: Words<L>, const R: usize, const V: usize> Vectorized
    for Tile<'_, '_, L, W, R, V>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, operands, from, rows: outputs, left } = self;
        let initial = operands.initial;
        let mut tile = [[lanes.splat(0); V]; R];
        let (rows, cols) = (&initial.rows[..R], load_vectors::<L, V>(lanes, &initial.cols[from..]));
        for row in 0..R {
            let row_sum = lanes.splat(rows[row]);
            for col in 0..V {
                tile[row][col] = lanes.add(row_sum, cols[col]);
            }
        }
        let words = TileWords { a: operands.a, b: operands.b.as_chunks().0, from };
        let tile = add_all(lanes, tile, &words, operands.run);
        for (row, outputs) in tile.iter().zip(outputs) {
            let outputs = &mut outputs[left + from..][..V * L::N];
            for (col, sum) in row.iter().enumerate() {
                lanes.store(*sum, &mut outputs[col * L::N..]);
            }
        }
    }
}
