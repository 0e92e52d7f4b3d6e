//! Products of bytes whose sums are exact: a plain integer matrix product.
//!
//! A chunk of k is short enough that 32 bits hold its sum for any bytes; chunks are added in 64 bits.

use ndarray::ArrayViewMut2;

use super::bounded::columns;
use super::quads::{HEIGHT, Quads, SUMMED, TAKES, WIDTH};
use super::split::{Grain, Part, split};
use crate::simd::{ByteLanes, Call, Isa, IsaError, Simd, Task, run};

/// The most products that 32 bits hold the sum of: `255 * 255 * 2^15 < 2^31`.
pub(super) const LONGEST: usize = 1 << 15;

/// What an output keeps of its exact sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// All of it.
    Everything,
    /// The low bits, as two's complement.
    LowBits(u32),
}

/// An integer type that outputs are written as: `i16`, `i32`, `i64`.
pub trait Output: Copy + Send + Sync + Default + std::fmt::Debug + PartialEq + 'static {
    /// Its width.
    const BITS: u32;

    /// `self + sum` modulo `2^BITS`.
    #[doc(hidden)]
    fn plus(self, sum: i32) -> Self;

    /// What is kept.
    #[doc(hidden)]
    fn keep(self, kept: Kept) -> Self;

    /// The low bits of `value`.
    #[doc(hidden)]
    fn cut(value: i64) -> Self;

    /// The same value.
    fn to_i64(self) -> i64;
}

macro_rules! output {
    ($($int:ty),*) => {
        $(
            impl Output for $int {
                const BITS: u32 = <$int>::BITS;

                #[inline(always)]
                fn plus(self, sum: i32) -> Self {
                    self.wrapping_add(sum as Self)
                }

                #[inline(always)]
                fn keep(self, kept: Kept) -> Self {
                    match kept {
                        Kept::LowBits(bits) if bits < Self::BITS => {
                            self << (Self::BITS - bits) >> (Self::BITS - bits)
                        }
                        _ => self,
                    }
                }

                #[inline(always)]
                fn cut(value: i64) -> Self {
                    value as Self
                }

                #[inline(always)]
                fn to_i64(self) -> i64 {
                    self.into()
                }
            }
        )*
    };
}

output!(i16, i32, i64);

/// Two operands, k in one tile each.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    pub(super) broadcast: &'a Quads,
    pub(super) lanes: &'a Quads,
    pub(super) k: usize,
}

/// Writes the product to `out`: the broadcast operand's outputs by those in lanes.
pub(super) fn multiply<T: Output>(
    out: ArrayViewMut2<'_, T>,
    operands: Operands<'_>,
    kept: Kept,
    isa: Isa,
) -> Result<(), IsaError> {
    let grain = Grain::new((HEIGHT, WIDTH), out.len(), (1 << 18) / operands.k.max(1));
    let work = |part: Part<'_, T>| run(isa, Job { part, operands, kept });
    split(Part { out, row: 0, col: 0 }, grain, &work, &|first, second| first.and(second))
}

/// One part of the outputs.
pub(super) struct Job<'a, 'o, T> {
    pub(super) part: Part<'o, T>,
    pub(super) operands: Operands<'a>,
    pub(super) kept: Kept,
}

impl<T: Output> Task for Job<'_, '_, T> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.lanes32();
        self.in_tiles(lanes);
    }
}

impl<T: Output> Job<'_, '_, T> {
    /// A panel of lanes stays in the cache while all rows pass by.
    fn in_tiles<L: ByteLanes>(self, lanes: L) {
        let Self { part: Part { mut out, row, col }, operands, kept } = self;
        let (rows, cols) = out.dim();
        let tiles = Tiles::new(operands, LONGEST);
        let chunks = tiles.chunks();
        if chunks == 0 {
            out.fill(T::default());
        }
        let mut sums = [0; HEIGHT * WIDTH];
        for (panel, left) in (col / WIDTH..).zip((0..cols).step_by(WIDTH)) {
            let width = WIDTH.min(cols - left);
            for (block, top) in (row / HEIGHT..).zip((0..rows).step_by(HEIGHT)) {
                let height = HEIGHT.min(rows - top);
                for chunk in 0..chunks {
                    tiles.sum(lanes, (block, panel), (height, width), chunk, &mut sums);
                    let kept = if chunk + 1 == chunks { kept } else { Kept::Everything };
                    for (index, sums) in sums.chunks(WIDTH).take(height).enumerate() {
                        let mut out = out.row_mut(top + index);
                        let sums = &sums[..width];
                        match out.as_slice_mut() {
                            Some(out) => {
                                let out = &mut out[left..left + width];
                                lanes.vectorize(Write { out, sums, kept, first: chunk == 0 });
                            }
                            None => {
                                for (out, &sum) in out.iter_mut().skip(left).zip(sums) {
                                    let before = if chunk == 0 { T::default() } else { *out };
                                    *out = before.plus(sum).keep(kept);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Sums of whole panels of lanes by a block of the broadcast operand.
pub(super) struct Tiles<'a> {
    operands: Operands<'a>,
    /// Products per chunk: a multiple of [`SUMMED`].
    chunk: usize,
    corrections: Corrections,
}

impl<'a> Tiles<'a> {
    /// k in chunks of `chunk` products, at most [`LONGEST`] and a multiple of [`SUMMED`].
    pub(super) fn new(operands: Operands<'a>, chunk: usize) -> Self {
        Self { operands, chunk, corrections: Corrections::new(operands, chunk) }
    }

    /// How many chunks there are.
    fn chunks(&self) -> usize {
        self.operands.k.div_ceil(self.chunk)
    }

    /// Writes the sums over one chunk of k of `height` rows and `width` columns of a block and a panel.
    pub(super) fn sum<L: ByteLanes>(
        &self,
        lanes: L,
        (block, panel): (usize, usize),
        (height, width): (usize, usize),
        chunk: usize,
        sums: &mut [i32; HEIGHT * WIDTH],
    ) {
        let units = self.chunk / TAKES;
        let words = |words: &'a [i32], width: usize| -> &'a [i32] {
            words.chunks(width * units).nth(chunk).unwrap_or(&[])
        };
        let a = words(self.operands.broadcast.panel(block), HEIGHT);
        let b = words(self.operands.lanes.panel(panel), WIDTH);
        match WIDTH / L::N {
            4 => Self::in_vectors::<L, 4>(lanes, (a, b), (height, width), sums),
            _ => Self::in_vectors::<L, 2>(lanes, (a, b), (height, width), sums),
        }
        lanes.vectorize(self.corrections.of((block, panel), chunk, sums));
    }

    fn in_vectors<L: ByteLanes, const V: usize>(
        lanes: L,
        (a, b): (&[i32], &[i32]),
        (height, width): (usize, usize),
        sums: &mut [i32; HEIGHT * WIDTH],
    ) {
        for from in (0..width).step_by(V * L::N) {
            let (sums, b) = (&mut sums[from..], b.get(from..).unwrap_or(&[]));
            match height {
                1 => lanes.vectorize(Tile::<L, 1, V> { lanes, a, b, sums }),
                2 => lanes.vectorize(Tile::<L, 2, V> { lanes, a, b, sums }),
                3 | 4 => lanes.vectorize(Tile::<L, 4, V> { lanes, a, b, sums }),
                _ => lanes.vectorize(Tile::<L, HEIGHT, V> { lanes, a, b, sums }),
            }
        }
    }
}

/// Writes a row of sums, or adds it to what other chunks of k gave.
struct Write<'a, T> {
    out: &'a mut [T],
    sums: &'a [i32],
    kept: Kept,
    first: bool,
}

impl<T: Output> Call for Write<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { out, sums, kept, first } = self;
        match (kept, first) {
            (Kept::Everything, true) => {
                for (out, &sum) in out.iter_mut().zip(sums) {
                    *out = T::default().plus(sum);
                }
            }
            (_, true) => {
                for (out, &sum) in out.iter_mut().zip(sums) {
                    *out = T::default().plus(sum).keep(kept);
                }
            }
            (_, false) => {
                for (out, &sum) in out.iter_mut().zip(sums) {
                    *out = out.plus(sum).keep(kept);
                }
            }
        }
    }
}

/// `s Σ b' + t Σ a' + s t K` of every output; see [`quads`](super::quads).
struct Corrections {
    s: i32,
    t: i32,
    k: usize,
    chunk: usize,
    /// Chunks in all.
    chunks: usize,
    broadcast: Vec<i32>,
    lanes: Vec<i32>,
}

impl Corrections {
    fn new(operands: Operands<'_>, chunk: usize) -> Self {
        let Operands { broadcast, lanes, k } = operands;
        let needed = |other: &Quads, quads: &Quads, width: usize| -> Vec<i32> {
            if other.offset == 0 {
                return Vec::new();
            }
            // The sums that are kept are of pieces of k; a chunk is several of them.
            let pieces = quads.sums();
            let per_panel = width * quads.units().div_ceil(SUMMED / TAKES).max(1);
            let of_chunk = |pieces: &[i32]| {
                let mut sums = vec![0; width];
                for piece in pieces.chunks(width) {
                    for (sum, more) in sums.iter_mut().zip(piece) {
                        *sum += more;
                    }
                }
                sums
            };
            let panels = pieces.chunks(per_panel);
            panels
                .flat_map(|panel| panel.chunks(width * (chunk / SUMMED)).flat_map(of_chunk))
                .collect()
        };
        Self {
            s: broadcast.offset,
            t: lanes.offset,
            k,
            chunk,
            chunks: k.div_ceil(chunk),
            broadcast: needed(lanes, broadcast, HEIGHT),
            lanes: needed(broadcast, lanes, WIDTH),
        }
    }

    /// Those of a tile's sums.
    fn of<'s>(
        &'s self,
        (block, panel): (usize, usize),
        chunk: usize,
        sums: &'s mut [i32; HEIGHT * WIDTH],
    ) -> Correction<'s> {
        let Self { s, t, .. } = *self;
        let k = self.chunk.min(self.k - chunk * self.chunk) as i32;
        let of = |sums: &'s [i32], panel: usize, width: usize| -> &'s [i32] {
            let at = (panel * self.chunks + chunk) * width;
            sums.get(at..at + width).unwrap_or(&[])
        };
        Correction {
            rows: of(&self.broadcast, block, HEIGHT),
            cols: of(&self.lanes, panel, WIDTH),
            s,
            t,
            k,
            sums,
        }
    }
}

/// What is to be added to a tile's sums.
struct Correction<'a> {
    rows: &'a [i32],
    cols: &'a [i32],
    s: i32,
    t: i32,
    k: i32,
    sums: &'a mut [i32; HEIGHT * WIDTH],
}

impl Call for Correction<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { rows, cols, s, t, k, sums } = self;
        if s == 0 && t == 0 {
            return;
        }
        for (row, sums) in sums.chunks_exact_mut(WIDTH).enumerate() {
            let row = t.wrapping_mul(*rows.get(row).unwrap_or(&0)).wrapping_add(s * t * k);
            if s == 0 {
                for sum in sums {
                    *sum = sum.wrapping_add(row);
                }
            } else {
                for (sum, col) in sums.iter_mut().zip(cols) {
                    *sum = sum.wrapping_add(row.wrapping_add(s.wrapping_mul(*col)));
                }
            }
        }
    }
}

/// The sums of `R` by `V` vectors of outputs.
struct Tile<'a, L, const R: usize, const V: usize> {
    lanes: L,
    a: &'a [i32],
    b: &'a [i32],
    sums: &'a mut [i32],
}

impl<L: ByteLanes, const R: usize, const V: usize> Call for Tile<'_, L, R, V> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, a, b, sums } = self;
        let mut tile = [[lanes.splat(0); V]; R];
        for (a, b) in a.chunks_exact(HEIGHT).zip(b.chunks(WIDTH)) {
            let b = columns::<L, V>(lanes, b);
            for row in 0..R {
                let a = lanes.splat(a[row]);
                for col in 0..V {
                    tile[row][col] = lanes.dot_bytes(tile[row][col], a, b[col]);
                }
            }
        }
        for (row, sums) in tile.iter().zip(sums.chunks_mut(WIDTH)) {
            for (col, sum) in row.iter().enumerate() {
                lanes.store(*sum, &mut sums[col * L::N..]);
            }
        }
    }
}
