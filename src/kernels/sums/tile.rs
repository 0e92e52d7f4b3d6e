//! The hot loop: sums of a few vectors of outputs over a chunk of k.

use super::job::At;
use crate::kernels::bounded::columns;
use crate::kernels::quads::{HEIGHT, TAKES, WIDTH};
use crate::simd::{ByteLanes, Call};

/// Words of a cache line.
const LINE: usize = 16;

/// How far ahead of its use a panel's word is asked for: four units.
const AHEAD: usize = 4 * WIDTH;

/// What is broadcast.
pub(super) trait Words<L: ByteLanes>: Copy {
    /// Adds all products with the vectors of a panel that start at place `from`; `#[inline(always)]`.
    fn add_to<const R: usize, const V: usize>(
        self,
        lanes: L,
        tile: [[L::V; V]; R],
        b: &[[i32; WIDTH]],
        from: usize,
    ) -> [[L::V; V]; R];
}

/// Unsigned bytes as [`Quads`](crate::kernels::quads::Quads) lays them out.
#[derive(Clone, Copy)]
pub(super) struct Packed<'a>(pub(super) &'a [i32]);

impl<L: ByteLanes> Words<L> for Packed<'_> {
    #[inline(always)]
    fn add_to<const R: usize, const V: usize>(
        self,
        lanes: L,
        mut tile: [[L::V; V]; R],
        b: &[[i32; WIDTH]],
        from: usize,
    ) -> [[L::V; V]; R] {
        for (a, b) in self.0.as_chunks::<HEIGHT>().0.iter().zip(b) {
            let vectors = columns::<L, V>(lanes, &b[from..]);
            for line in 0..V * L::N / LINE {
                lanes.prefetch(b, from + AHEAD + line * LINE);
            }
            for row in 0..R {
                let a = lanes.splat(a[row]);
                for col in 0..V {
                    tile[row][col] = lanes.dot_bytes(tile[row][col], a, vectors[col]);
                }
            }
        }
        tile
    }
}

/// Rows of bytes, signed or not, that are equally long.
#[derive(Clone, Copy)]
pub(super) struct RowWords<'a, const SIGNED: bool>(pub(super) [&'a [u8]; HEIGHT]);

impl<L: ByteLanes, const SIGNED: bool> Words<L> for RowWords<'_, SIGNED> {
    #[inline(always)]
    fn add_to<const R: usize, const V: usize>(
        self,
        lanes: L,
        mut tile: [[L::V; V]; R],
        b: &[[i32; WIDTH]],
        from: usize,
    ) -> [[L::V; V]; R] {
        let b = &b[..b.len().min(self.0[0].len() / TAKES)];
        let mut rows: [&[[u8; TAKES]]; R] = [&[]; R];
        for (words, row) in rows.iter_mut().zip(self.0) {
            *words = &row.as_chunks().0[..b.len()];
        }
        for (unit, b) in b.iter().enumerate() {
            let vectors = columns::<L, V>(lanes, &b[from..]);
            for line in 0..V * L::N / LINE {
                lanes.prefetch(b, from + AHEAD + line * LINE);
            }
            for row in 0..R {
                let a = lanes.splat(i32::from_ne_bytes(rows[row][unit]));
                for col in 0..V {
                    let sum = tile[row][col];
                    tile[row][col] = match SIGNED {
                        true => lanes.dot_bytes(sum, vectors[col], a),
                        false => lanes.dot_bytes(sum, a, vectors[col]),
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
    pub(super) fn rest(&self) -> Option<[[u8; TAKES]; HEIGHT]> {
        let rest = self.0[0].len() % TAKES;
        if rest == 0 {
            return None;
        }
        let mut words = [[0; TAKES]; HEIGHT];
        for (word, row) in words.iter_mut().zip(self.0) {
            word[..rest].copy_from_slice(&row[row.len() - rest..]);
        }
        Some(words)
    }
}

/// Adds the products of one more unit to the sums of a tile.
pub(super) struct Rest<'a, L, const SIGNED: bool> {
    pub(super) lanes: L,
    pub(super) words: [[u8; TAKES]; HEIGHT],
    pub(super) b: &'a [i32],
    pub(super) sums: &'a mut [i32],
}

impl<L: ByteLanes, const SIGNED: bool> Call for Rest<'_, L, SIGNED> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, words, b, sums } = self;
        for (word, sums) in words.into_iter().zip(sums.chunks_mut(WIDTH)) {
            let a = lanes.splat(i32::from_ne_bytes(word));
            for (sums, b) in sums.chunks_mut(L::N).zip(b.chunks(L::N)) {
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

/// What a sum starts from: what its row and what its column add.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    pub(super) rows: &'a [i32],
    pub(super) cols: &'a [i32],
}

/// What a tile is made from: words to broadcast, a panel of lanes, where sums start.
#[derive(Clone, Copy)]
pub(super) struct Panels<'a, W> {
    pub(super) a: W,
    pub(super) b: &'a [i32],
    pub(super) start: Start<'a>,
}

/// Writes the sums of a tile, vectors by vectors.
#[inline(always)]
pub(super) fn sum_tile<L: ByteLanes, W: Words<L>>(
    lanes: L,
    panels: Panels<'_, W>,
    at: At,
    sums: &mut [i32],
) {
    match WIDTH / L::N {
        4 => in_vectors::<L, W, 4>(lanes, panels, at, sums),
        _ => in_vectors::<L, W, 2>(lanes, panels, at, sums),
    }
}

#[inline(always)]
fn in_vectors<L: ByteLanes, W: Words<L>, const V: usize>(
    lanes: L,
    panels: Panels<'_, W>,
    at: At,
    sums: &mut [i32],
) {
    for from in (0..at.width).step_by(V * L::N) {
        let sums = &mut *sums;
        match at.height {
            1 => lanes.vectorize(Tile::<L, W, 1, V> { lanes, panels, from, sums }),
            2 => lanes.vectorize(Tile::<L, W, 2, V> { lanes, panels, from, sums }),
            3 | 4 => lanes.vectorize(Tile::<L, W, 4, V> { lanes, panels, from, sums }),
            _ => lanes.vectorize(Tile::<L, W, HEIGHT, V> { lanes, panels, from, sums }),
        }
    }
}

/// `R` by `V` vectors of outputs, those from place `from` of the panel on.
struct Tile<'a, L, W, const R: usize, const V: usize> {
    lanes: L,
    panels: Panels<'a, W>,
    from: usize,
    sums: &'a mut [i32],
}

impl<L: ByteLanes, W: Words<L>, const R: usize, const V: usize> Call for Tile<'_, L, W, R, V> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, panels: Panels { a, b, start }, from, sums } = self;
        let mut tile = [[lanes.splat(0); V]; R];
        let (rows, cols) = (&start.rows[..R], columns::<L, V>(lanes, &start.cols[from..]));
        for row in 0..R {
            let start = lanes.splat(rows[row]);
            for col in 0..V {
                tile[row][col] = lanes.add(start, cols[col]);
            }
        }
        let tile = a.add_to(lanes, tile, b.as_chunks().0, from);
        for (row, sums) in tile.iter().zip(sums.chunks_mut(WIDTH)) {
            for (col, sum) in row.iter().enumerate() {
                lanes.store(*sum, &mut sums[from + col * L::N..]);
            }
        }
    }
}
