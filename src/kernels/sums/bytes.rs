//! Products of bytes whose sums are exact: a plain integer matrix product.
//!
//! A chunk of k is short enough that 32 bits hold its sum for any bytes.

use ndarray::ArrayViewMut2;
use rayon::prelude::*;

use super::job::{At, Fill, TileSums, in_parts};
use super::output::{Kept, Output};
use super::rows::Rows;
use super::tile::{Packed, Panels, Rest, RowWords, Start, sum_tile};
use crate::kernels::quads::{Bytes, HEIGHT, Quads, SUMMED, TAKES, WIDTH};
use crate::kernels::split::Part;
use crate::simd::{ByteLanes, Call, Isa, IsaError, Lanes, Simd, Task, run};

/// The most products that 32 bits hold the sum of: `255 * 255 * 2^15 < 2^31`.
pub(in crate::kernels) const LONGEST: usize = 1 << 15;

/// Products that are summed at once where outputs can be added to: of so many, several panels stay in the cache.
pub(super) const CHUNK: usize = 1 << 12;
const _: () = assert!(CHUNK <= LONGEST && CHUNK.is_multiple_of(SUMMED));

/// Two operands, k in one tile each.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct Operands<'a> {
    pub(in crate::kernels) broadcast: &'a Quads,
    pub(in crate::kernels) lanes: &'a Quads,
    pub(in crate::kernels) k: usize,
}

/// Writes the product to `out`: the broadcast operand's outputs by those in lanes.
pub(super) fn multiply<T: Output>(
    out: ArrayViewMut2<'_, T>,
    product: &Product<'_>,
    kept: Kept,
    isa: Isa,
) -> Result<(), IsaError> {
    let least = (1 << 18) / product.k.max(1);
    in_parts(out, (HEIGHT, WIDTH), least, |part| run(isa, Job { part, product, kept }))
}

/// One part of the outputs.
struct Job<'a, 'o, T> {
    part: Part<'o, T>,
    product: &'a Product<'a>,
    kept: Kept,
}

impl<T: Output> Task for Job<'_, '_, T> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let Self { part, product, kept } = self;
        let lanes = simd.lanes32();
        lanes.vectorize(Fill { part, tiles: InLanes::new(lanes, product), kept });
    }
}

/// Two operands, and what the sums of their bytes start from.
pub(in crate::kernels) struct Product<'a> {
    broadcast: Broadcast<'a>,
    lanes: &'a Quads,
    k: usize,
    /// Products that are summed at once.
    chunk: usize,
    starts: Starts,
}

/// What is broadcast: words that were packed, or rows as they lie in memory, whose words are taken as they are needed.
enum Broadcast<'a> {
    Packed(&'a Quads),
    Rows(Rows<'a>),
}

impl<'a> Product<'a> {
    /// Of packed operands, all of k at once, which is at most [`LONGEST`] products.
    pub(in crate::kernels) fn whole(operands: Operands<'a>) -> Self {
        Self::of_packed(operands, LONGEST)
    }

    /// Of packed operands.
    pub(super) fn new(operands: Operands<'a>) -> Self {
        Self::of_packed(operands, CHUNK)
    }

    fn of_packed(operands: Operands<'a>, chunk: usize) -> Self {
        let Operands { broadcast, lanes, k } = operands;
        let starts = Starts::of_packed(operands, chunk);
        Self { broadcast: Broadcast::Packed(broadcast), lanes, k, chunk, starts }
    }

    /// Of rows, and an operand in lanes whose bytes are of the other kind.
    pub(super) fn of_rows(rows: Rows<'a>, lanes: &'a Quads, k: usize) -> Self {
        let starts = Starts::of_rows(&rows, lanes, k, CHUNK);
        Self { broadcast: Broadcast::Rows(rows), lanes, k, chunk: CHUNK, starts }
    }

    /// Writes the sums of a tile.
    pub(in crate::kernels) fn sum<L: ByteLanes>(&self, lanes: L, at: At, sums: &mut [i32]) {
        InLanes::new(lanes, self).sum(at, sums);
    }
}

/// [`Product`] in lanes.
struct InLanes<'a, L> {
    lanes: L,
    product: &'a Product<'a>,
    /// The rows of the block, if it is one of rows.
    rows: [&'a [u8]; HEIGHT],
}

impl<'a, L: ByteLanes> InLanes<'a, L> {
    #[inline(always)]
    fn new(lanes: L, product: &'a Product<'a>) -> Self {
        Self { lanes, product, rows: [&[]; HEIGHT] }
    }

    /// The sums of a tile of rows.
    #[inline(always)]
    fn of_rows<const SIGNED: bool>(
        &self,
        (b, start): (&[i32], Start<'_>),
        at: At,
        sums: &mut [i32],
    ) {
        let lanes = self.lanes;
        let a = RowWords::<SIGNED>(self.rows);
        sum_tile(lanes, Panels { a, b, start }, at, sums);
        if let Some(words) = a.rest() {
            let b = &b[a.0[0].len() / TAKES * WIDTH..];
            lanes.vectorize(Rest::<L, SIGNED> { lanes, words, b, sums });
        }
    }
}

impl<L: ByteLanes> TileSums for InLanes<'_, L> {
    type Sum = i32;

    const HEIGHT: usize = HEIGHT;
    const WIDTH: usize = WIDTH;

    #[inline(always)]
    fn chunks(&self) -> usize {
        self.product.k.div_ceil(self.product.chunk)
    }

    #[inline(always)]
    fn panel_bytes(&self) -> usize {
        self.product.k.min(self.product.chunk) * WIDTH
    }

    #[inline(always)]
    fn start(&mut self, block: usize, _: usize, chunk: usize) {
        let Product { broadcast, k, chunk: length, .. } = self.product;
        if let Broadcast::Rows(rows) = broadcast {
            let (from, to) = (chunk * length, (*k).min((chunk + 1) * length));
            self.rows = rows.block(block * HEIGHT).map(|row| &row[from..to]);
        }
    }

    #[inline(always)]
    fn sum(&self, at: At, sums: &mut [i32]) {
        let Product { broadcast, lanes: columns, starts, chunk, .. } = self.product;
        let part = |words, width| part(words, width * (chunk / TAKES), at.chunk);
        let (b, start) = (part(columns.panel(at.panel), WIDTH), starts.of(at));
        match broadcast {
            Broadcast::Packed(packed) => {
                let a = Packed(part(packed.panel(at.block), HEIGHT));
                sum_tile(self.lanes, Panels { a, b, start }, at, sums);
            }
            Broadcast::Rows(rows) => match rows.bytes {
                Bytes::Unsigned => self.of_rows::<false>((b, start), at, sums),
                Bytes::Signed => self.of_rows::<true>((b, start), at, sums),
            },
        }
    }
}

/// The words of a chunk of `length` of them.
#[inline(always)]
fn part(words: &[i32], length: usize, chunk: usize) -> &[i32] {
    let from = (chunk * length).min(words.len());
    &words[from..words.len().min(from + length)]
}

/// `s Σ b' + t Σ a' + s t K` of every output: what the sums of products of bytes lack; see
/// [`quads`](crate::kernels::quads).
struct Starts {
    /// Chunks of k.
    chunks: usize,
    /// `t Σ a' + s t K`, of every output of every chunk of every block.
    rows: Vec<i32>,
    /// `s Σ b'`, likewise.
    cols: Vec<i32>,
}

impl Starts {
    fn of_packed(operands: Operands<'_>, chunk: usize) -> Self {
        let Operands { broadcast, lanes, k } = operands;
        let (s, t) = (broadcast.offset, lanes.offset);
        let chunks = k.div_ceil(chunk);
        let constant = |index: usize| s * t * chunk.min(k - index * chunk) as i32;
        let rows = scaled_sums(broadcast, (chunks, chunk), t, constant);
        Self { chunks, rows, cols: scaled_sums(lanes, (chunks, chunk), s, |_| 0) }
    }

    /// Rows have no offset.
    fn of_rows(rows: &Rows<'_>, lanes: &Quads, k: usize, length: usize) -> Self {
        let chunks = k.div_ceil(length);
        let outputs = rows.all().len().next_multiple_of(HEIGHT);
        let mut starts = vec![0; outputs * chunks];
        if lanes.offset != 0 {
            // The best instruction set is there.
            let sum = |codes: &[u8]| run(Isa::best(), SumRow { codes, bytes: rows.bytes });
            let of_row = |row: &&[u8]| -> Vec<i32> {
                row.chunks(length).map(|codes| sum(codes).unwrap_or_default()).collect()
            };
            let sums: Vec<_> = rows.all().par_iter().with_min_len(HEIGHT).map(of_row).collect();
            for (row, sums) in sums.into_iter().enumerate() {
                for (chunk, sum) in sums.into_iter().enumerate() {
                    let place = (row / HEIGHT * chunks + chunk) * HEIGHT + row % HEIGHT;
                    starts[place] = lanes.offset.wrapping_mul(sum);
                }
            }
        }
        Self { chunks, rows: starts, cols: vec![0; lanes.panels() * chunks * WIDTH] }
    }

    #[inline(always)]
    fn of(&self, at: At) -> Start<'_> {
        let of = |panel: usize, width: usize| (panel * self.chunks + at.chunk) * width;
        let (row, col) = (of(at.block, HEIGHT), of(at.panel, WIDTH));
        Start { rows: &self.rows[row..row + HEIGHT], cols: &self.cols[col..col + WIDTH] }
    }
}

/// `factor Σ byte + constant` of every output of every chunk of every panel.
fn scaled_sums(
    quads: &Quads,
    (chunks, length): (usize, usize),
    factor: i32,
    constant: impl Fn(usize) -> i32,
) -> Vec<i32> {
    let (panels, width) = (quads.panels(), quads.width());
    if factor == 0 {
        return vec![0; panels * chunks * width];
    }
    // The sums that are kept are of pieces of k; a chunk is several of them.
    let per_panel = width * quads.units().div_ceil(SUMMED / TAKES).max(1);
    let mut all = Vec::with_capacity(panels * chunks * width);
    for panel in quads.sums().chunks(per_panel) {
        for (chunk, pieces) in panel.chunks(width * (length / SUMMED)).enumerate() {
            for output in 0..width {
                let sum: i32 = pieces[output..].iter().step_by(width).sum();
                all.push(factor.wrapping_mul(sum).wrapping_add(constant(chunk)));
            }
        }
    }
    all
}

/// `Σ code` of bytes.
struct SumRow<'a> {
    codes: &'a [u8],
    bytes: Bytes,
}

impl Task for SumRow<'_> {
    type Output = i32;

    fn run<S: Simd>(self, simd: S) -> i32 {
        let lanes = simd.lanes32();
        lanes.vectorize(self)
    }
}

impl Call for SumRow<'_> {
    type Output = i32;

    #[inline(always)]
    fn call(self) -> i32 {
        match self.bytes {
            Bytes::Unsigned => self.codes.iter().map(|&code| i32::from(code)).sum(),
            Bytes::Signed => self.codes.iter().map(|&code| i32::from(code.cast_signed())).sum(),
        }
    }
}
