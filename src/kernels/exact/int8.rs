//! The int8 micro-kernel's operands: exact sums of products of bytes, in chunks of k that 32 bits hold for any bytes.
//!
//! 1. The right operand is in [packed panels](crate::kernels::operand::int8), the left one packed too, or rows where they
//!    lie in memory, whose words are read as they are needed.
//! 2. Sums start from what offsets of the bytes add, found once for all tiles: [`initial`](super::initial).
//! 3. [`int8_tile`](super::int8_tile) adds the products.

use std::array;

use super::blocking::{MicroKernel, PackedOperands, TileIndex};
use super::initial::{InitialSums, Initials};
use super::int8_tile::{Int8Inputs, Packed, Rest, RowWords, sum_tile};
use crate::kernels::byte_dots::PairRun;
use crate::kernels::operand::byte_rows::ByteRows;
use crate::kernels::operand::bytes::ByteSign;
use crate::kernels::operand::geometry::PackedPair;
use crate::kernels::operand::int8::{Int8Panels, K_TILE, MR, NR, SUMMED};
use crate::kernels::operand::panels::PanelWords;
use crate::simd::ByteLanes;

/// The most products that 32 bits hold the sum of: `255 * 255 * 2^15 < 2^31`.
pub(crate) const LONGEST: usize = 1 << 15;

/// Products that are summed at once where outputs can be added to: of so many, several panels stay in the cache.
pub(crate) const CHUNK: usize = 1 << 12;
const _: () = assert!(CHUNK <= LONGEST && CHUNK.is_multiple_of(SUMMED));

/// Two operands, k in one tile, and what the sums of their bytes start from.
pub(crate) struct Int8Operands<'a> {
    broadcast: Broadcast<'a>,
    lanes: &'a Int8Panels,
    k: usize,
    /// Products that are summed at once.
    chunk: usize,
    run: PairRun,
    initial: InitialSums,
}

/// What is broadcast: packed words, or rows as they lie in memory.
enum Broadcast<'a> {
    Packed(&'a Int8Panels),
    Rows(ByteRows<'a>),
}

impl<'a> Int8Operands<'a> {
    /// Packed operands, all of k at once, which is at most [`LONGEST`] products.
    pub(crate) fn whole(pair: &'a PackedPair<Int8Panels>) -> Self {
        Self::packed(pair, LONGEST)
    }

    /// Packed operands.
    pub(crate) fn new(pair: &'a PackedPair<Int8Panels>) -> Self {
        Self::packed(pair, CHUNK)
    }

    fn packed(pair: &'a PackedPair<Int8Panels>, chunk: usize) -> Self {
        let PackedPair { broadcast, lanes, k, .. } = pair;
        let initial = InitialSums::of_packed(pair, chunk);
        let run = PairRun::new(broadcast.most, lanes.most);
        Self { broadcast: Broadcast::Packed(broadcast), lanes, k: *k, chunk, run, initial }
    }

    /// Rows, and an operand in lanes whose bytes are of the other signedness.
    pub(crate) fn of_rows(rows: ByteRows<'a>, lanes: &'a Int8Panels, k: usize) -> Self {
        let initial = InitialSums::of_rows(&rows, lanes, k, CHUNK);
        let run = PairRun::new(rows.most, lanes.most);
        Self { broadcast: Broadcast::Rows(rows), lanes, k, chunk: CHUNK, run, initial }
    }
}

impl PackedOperands for Int8Operands<'_> {
    type Kernel<'s, L: ByteLanes>
        = Int8Kernel<'s, L>
    where
        Self: 's;

    const SIZE: (usize, usize) = (MR, NR);
    const LEAST_PRODUCTS: usize = 1 << 18;

    fn k(&self) -> usize {
        self.k
    }

    #[inline(always)]
    fn micro_kernel<L: ByteLanes>(&self, lanes: L) -> Int8Kernel<'_, L> {
        let Self { lanes: columns, initial, chunk, run, .. } = self;
        let block = Block::Packed(Packed(&[]));
        let (columns, initial) = (columns.words(), initial.at_hand());
        Int8Kernel { lanes, operands: self, block, columns, initial, chunk: *chunk, run: *run }
    }
}

/// The micro-kernel: what its tiles need, at hand.
pub(crate) struct Int8Kernel<'a, L> {
    lanes: L,
    operands: &'a Int8Operands<'a>,
    block: Block<'a>,
    columns: PanelWords<'a, i32>,
    initial: Initials<'a>,
    /// Products that are summed at once.
    chunk: usize,
    run: PairRun,
}

/// A chunk of what is broadcast.
#[derive(Clone, Copy)]
enum Block<'a> {
    Packed(Packed<'a>),
    Unsigned(RowWords<'a, false>),
    Signed(RowWords<'a, true>),
}

impl<L: ByteLanes> Int8Kernel<'_, L> {
    /// The sums of a tile of rows as they lie in memory.
    #[inline(always)]
    fn sum_words<const SIGNED: bool>(
        &self,
        operands: &Int8Inputs<'_, RowWords<'_, SIGNED>>,
        at: TileIndex,
        rows: &mut [&mut [i32]],
        left: usize,
    ) {
        let lanes = self.lanes;
        sum_tile(lanes, operands, at, rows, left);
        if let Some(words) = operands.a.rest() {
            let b = &operands.b[operands.a.0[0].len() / K_TILE * NR..];
            lanes.vectorize(Rest::<L, SIGNED> { lanes, words, b, rows, left });
        }
    }
}

impl<L: ByteLanes> MicroKernel for Int8Kernel<'_, L> {
    type Sum = i32;

    const MR: usize = MR;
    const NR: usize = NR;
    const SUMS_ROWS: bool = true;

    #[inline(always)]
    fn chunks(&self) -> usize {
        self.operands.k.div_ceil(self.operands.chunk)
    }

    #[inline(always)]
    fn panel_bytes(&self) -> usize {
        self.operands.k.min(self.operands.chunk) * NR
    }

    #[inline(always)]
    fn start(&mut self, block: usize, _: usize, chunk: usize) {
        let Int8Operands { broadcast, k, chunk: length, .. } = self.operands;
        let (from, to) = (chunk * length, (*k).min((chunk + 1) * length));
        self.block = match broadcast {
            Broadcast::Packed(packed) => {
                Block::Packed(Packed(part(packed.panel(block), MR * (length / K_TILE), chunk)))
            }
            Broadcast::Rows(bytes) => {
                let rows = bytes.block(block * MR).map(|row| &row[from..to]);
                match bytes.sign {
                    ByteSign::Unsigned => Block::Unsigned(RowWords(rows)),
                    ByteSign::Signed => Block::Signed(RowWords(rows)),
                }
            }
        };
    }

    #[inline(always)]
    fn sum(&self, at: TileIndex, sums: &mut [i32]) {
        let mut rows = sums.chunks_exact_mut(NR);
        let mut rows: [&mut [i32]; MR] = array::from_fn(|_| rows.next().unwrap_or_default());
        self.sum_rows(at, &mut rows, 0);
    }

    #[inline(always)]
    fn sum_rows(&self, at: TileIndex, rows: &mut [&mut [i32]], left: usize) {
        let Self { ref block, columns, initial, chunk, run, .. } = *self;
        let b = part(columns.panel(at.panel), NR * (chunk / K_TILE), at.chunk);
        let initial = initial.of(at);
        match block {
            Block::Packed(a) => {
                sum_tile(self.lanes, &Int8Inputs { a, b, run, initial }, at, rows, left);
            }
            Block::Unsigned(a) => {
                self.sum_words(&Int8Inputs { a, b, run, initial }, at, rows, left);
            }
            Block::Signed(a) => self.sum_words(&Int8Inputs { a, b, run, initial }, at, rows, left),
        }
    }
}

/// The words of a chunk of `length` of them.
#[inline(always)]
fn part(words: &[i32], length: usize, chunk: usize) -> &[i32] {
    let from = (chunk * length).min(words.len());
    &words[from..words.len().min(from + length)]
}
