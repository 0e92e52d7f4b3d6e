//! Packed int8 panels: bytes as words of four along k, what
//! [`ByteLanes::dot_bytes`](crate::simd::ByteLanes::dot_bytes) takes.
//!
//! ```text
//! panel p: word u: output i: output p * width + i, its k at 4u..4u+4
//! ```
//! k is cut into tiles first; a tile that is no multiple of four is padded with zeros.
//!
//! The instruction multiplies unsigned with signed bytes. Codes of the other signedness are offset by 128, which flips
//! the highest bit of each byte: `code = byte + offset`. With `a = a' + s` and `b = b' + t`,
//! `Σ a b = Σ a' b' + s Σ b' + t Σ a' + s t K`.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ndarray::ArrayView2;

use super::bytes::{Byte, ByteCodes, ByteMatrix, ByteSign, any_bytes};
use super::geometry::{Geometry, Orientation, PackedPair, Side};
use super::panels::{PanelWords, Panels};
use crate::simd::{ByteLanes, Detected, IsaKernel, Lanes, Simd, Vectorized};

/// Outputs per panel of the broadcast operand.
pub(crate) const MR: usize = 6;
/// Outputs per panel of lanes: four vectors of 32-bit lanes on AVX-512, eight or more elsewhere.
pub(crate) const NR: usize = 64;
/// Both.
pub(crate) const GEOMETRY: Geometry = Geometry { mr: MR, nr: NR };
/// Products per word.
pub(crate) const K_TILE: usize = 4;

/// How an operand is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Int8Layout {
    pub(crate) side: Side,
    /// Products per tile; at most K.
    pub(crate) tile: usize,
    pub(crate) order: OutputOrder,
    /// What the packed bytes are.
    pub(crate) sign: ByteSign,
}

/// In which order the outputs of an operand are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputOrder {
    /// That of the matrix.
    Given,
    /// By the greatest magnitude of their sums if the other factors are `low` or `high`.
    WorstCase {
        /// The least other factor.
        low: i64,
        /// The greatest.
        high: i64,
    },
}

/// An operand of bytes, packed.
#[derive(Debug)]
pub(crate) struct Int8Panels {
    panels: Panels,
    outputs: usize,
    width: usize,
    units: usize,
    /// What a code exceeds its byte by: -128, 0 or 128.
    pub(crate) offset: i32,
    /// No byte, and no code, is greater in magnitude.
    pub(crate) most: u32,
    sums: OnceLock<Vec<i32>>,
    sign: ByteSign,
    /// Which output of the matrix is at each place; empty where all are at their own.
    pub(crate) order: Vec<usize>,
}

impl Int8Panels {
    /// Packs the columns of `matrix`, `[K, outputs]`, in the order `order`; an empty one is that of the matrix.
    pub(crate) fn pack(matrix: ByteMatrix<'_>, layout: Int8Layout, order: Vec<usize>) -> Self {
        let offset = offset(matrix, layout.sign);
        // What is packed again and again is not looked through for it.
        let (low, high) = match layout.side {
            Side::Broadcast => matrix.known_range(),
            Side::Lanes => matrix.range(),
        };
        let ends = [0, low, high]
            .map(|code| code.unsigned_abs().max((code - i64::from(offset)).unsigned_abs()));
        let most = ends.into_iter().max().unwrap_or(0) as u32;
        any_bytes!(matrix.codes, codes => Self::new(codes, layout, order, (offset, most)))
    }

    /// `view` is `[K, outputs]`.
    fn new<T: Byte>(
        view: ArrayView2<'_, T>,
        layout: Int8Layout,
        order: Vec<usize>,
        (offset, most): (i32, u32),
    ) -> Self {
        let Int8Layout { side, tile, sign, .. } = layout;
        let width = GEOMETRY.of(side);
        let (k, outputs) = view.dim();
        let units = units(k, tile);
        let flip = if offset == 0 { 0 } else { 0x80 };
        let panels =
            Panels::filled(outputs.div_ceil(width), units * width * K_TILE, |panel, bytes| {
                let first = panel * width;
                let lanes = first..outputs.min(first + width);
                let words: &mut [[u8; K_TILE]] = bytes.as_chunks_mut().0;
                if let Some(columns) = whole_columns(&view, first)
                    && width == MR
                    && order.is_empty()
                    && tile >= k
                {
                    return interleave(columns, flip, words);
                }
                if lanes.len() < width {
                    // Outputs that fill up a panel have the code 0 everywhere.
                    words.fill([flip; K_TILE]);
                    for words in words.chunks_mut(width) {
                        words[..lanes.len()].fill([0; K_TILE]);
                    }
                }
                for (lane, place) in lanes.clone().enumerate() {
                    let output = order.get(place).copied().unwrap_or(place);
                    let Some(column) = view.column(output).to_slice() else { break };
                    let mut words = words.iter_mut().skip(lane).step_by(width);
                    for tile in bytemuck::cast_slice::<T, u8>(column).chunks(tile) {
                        let (quads, rest) = tile.as_chunks::<K_TILE>();
                        for (quad, word) in quads.iter().zip(words.by_ref()) {
                            *word = flipped(*quad, flip);
                        }
                        if let Some(word) = rest.first().and_then(|_| words.next()) {
                            for (byte, x) in word.iter_mut().zip(rest) {
                                *byte = x ^ flip;
                            }
                        }
                    }
                }
                if view.ncols() > 0 && view.column(0).to_slice().is_some() {
                    return;
                }
                if order.is_empty() && view.strides()[1] == 1 {
                    let lanes = lanes.clone();
                    let pack = PackRows { view: &view, tile, lanes, flip, width, words };
                    return Detected::best().vectorize(pack);
                }
                let mut words = words.chunks_mut(width);
                for start in (0..k).step_by(tile) {
                    let end = k.min(start + tile);
                    for (from, words) in (start..end).step_by(K_TILE).zip(words.by_ref()) {
                        for (place, k) in (from..end.min(from + K_TILE)).enumerate() {
                            let row = view.row(k);
                            if let Some(order) = order.get(lanes.clone()) {
                                for (word, &output) in words.iter_mut().zip(order) {
                                    word[place] = row[output].bits() ^ flip;
                                }
                            } else {
                                let row = row.iter().skip(first).take(lanes.len());
                                for (word, x) in words.iter_mut().zip(row) {
                                    word[place] = x.bits() ^ flip;
                                }
                            }
                        }
                    }
                }
            });
        Self { panels, outputs, width, units, offset, most, sums: OnceLock::new(), sign, order }
    }

    /// Which panels have only outputs for which `holds`, which is of all outputs in the order of the matrix.
    pub(crate) fn panels_where(&self, holds: &[bool]) -> Vec<bool> {
        let at = |place: usize| holds[self.order.get(place).copied().unwrap_or(place)];
        let panels = (0..self.outputs).step_by(self.width);
        panels.map(|first| (first..self.outputs.min(first + self.width)).all(at)).collect()
    }

    /// How many panels there are.
    pub(crate) fn panels(&self) -> usize {
        self.outputs.div_ceil(self.width)
    }

    /// Outputs per panel.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Words per output.
    pub(crate) fn units(&self) -> usize {
        self.units
    }

    /// The words of one panel.
    pub(crate) fn panel(&self, index: usize) -> &[i32] {
        self.panels.panel(index)
    }

    /// The words of all panels.
    pub(crate) fn words(&self) -> PanelWords<'_, i32> {
        self.panels.words()
    }

    /// `Σ byte` of every output of every panel, over each [`SUMMED`] products: panel by panel, piece by piece.
    pub(crate) fn sums(&self) -> &[i32] {
        self.sums.get_or_init(|| {
            let pieces = |panel| self.panel(panel).chunks(SUMMED / K_TILE * self.width);
            let all = (0..self.panels()).flat_map(pieces);
            all.flat_map(|words| sum_bytes(words, self.width, self.sign)).collect()
        })
    }
}

/// Products in one of the sums that [`Int8Panels::sums`] gives.
pub(crate) const SUMMED: usize = 256;

/// `Σ byte` of each of `width` outputs, whose words are interleaved.
fn sum_bytes(words: &[i32], width: usize, sign: ByteSign) -> Vec<i32> {
    Detected::best().run(SumBytes { words, width, sign })
}

struct SumBytes<'a> {
    words: &'a [i32],
    width: usize,
    sign: ByteSign,
}

impl IsaKernel for SumBytes<'_> {
    type Output = Vec<i32>;

    fn run<S: Simd>(self, simd: S) -> Vec<i32> {
        let lanes = simd.int32();
        lanes.vectorize(SumBytesIn { lanes, sum: self })
    }
}

/// [`SumBytes`], compiled for its lanes.
struct SumBytesIn<'a, L> {
    lanes: L,
    sum: SumBytes<'a>,
}

impl<L: ByteLanes> Vectorized for SumBytesIn<'_, L> {
    type Output = Vec<i32>;

    #[inline(always)]
    fn call(self) -> Vec<i32> {
        let Self { lanes, sum: SumBytes { words, width, sign } } = self;
        let ones = lanes.splat(0x0101_0101);
        let add = |sum: L::V, words: &[i32]| match sign {
            ByteSign::Unsigned => lanes.dot_bytes(sum, lanes.load(words), ones),
            ByteSign::Signed => lanes.dot_bytes(sum, ones, lanes.load(words)),
        };
        let mut sums = vec![0; width];
        // So many vectors that a place in them is always the same output: `width` is 64, or 6 with 16 or 8 lanes.
        const VECTORS: usize = 3;
        const { assert!(NR.is_multiple_of(L::N) && (VECTORS * L::N).is_multiple_of(MR)) };
        let period = if width.is_multiple_of(L::N) { L::N } else { VECTORS * L::N };
        for from in (0..width).step_by(period) {
            let mut partial = [lanes.splat(0); VECTORS];
            let stride = width.max(period);
            let mut rows = words[from.min(words.len())..].chunks(stride);
            let mut rest: &[i32] = &[];
            for row in rows.by_ref() {
                if row.len() < period {
                    rest = row;
                    break;
                }
                for (vector, partial) in partial.iter_mut().enumerate().take(period / L::N) {
                    *partial = add(*partial, &row[vector * L::N..]);
                }
            }
            for (vector, partial) in partial.into_iter().enumerate().take(period / L::N) {
                let mut lane_sums = [0; 16];
                const { assert!(L::N <= 16) };
                lanes.store(partial, &mut lane_sums);
                for (lane, sum) in lane_sums.iter().enumerate().take(L::N) {
                    sums[(from + vector * L::N + lane) % width] += sum;
                }
            }
            for (index, word) in rest.iter().enumerate() {
                let bytes = word.to_le_bytes();
                sums[(from + index) % width] += match sign {
                    ByteSign::Unsigned => bytes.map(i32::from).iter().sum::<i32>(),
                    ByteSign::Signed => bytes.map(|x| i32::from(x.cast_signed())).iter().sum(),
                };
            }
        }
        sums
    }
}

/// Packs a panel of a matrix whose rows are each in one piece: four of them at a time are the words of a unit.
struct PackRows<'a, 'v, T> {
    /// `[K, outputs]`
    view: &'a ArrayView2<'v, T>,
    tile: usize,
    /// The outputs of the panel.
    lanes: Range<usize>,
    flip: u8,
    width: usize,
    words: &'a mut [[u8; K_TILE]],
}

impl<T: Byte> Vectorized for PackRows<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { view, tile, lanes: Range { start: first, end }, flip, width, words } = self;
        let (k, count) = (view.nrows(), end - first);
        // Rows behind the last one: codes that are zero once their bits are turned.
        let none = [flip; NR];
        let row = |k: usize, end: usize| -> &[u8] {
            let row = (k < end).then(|| view.row(k).to_slice()).flatten();
            row.map_or(&none, |row| &bytemuck::cast_slice(row)[first..])
        };
        let mut words = words.chunks_mut(width);
        for start in (0..k).step_by(tile) {
            let end = k.min(start + tile);
            for (from, words) in (start..end).step_by(K_TILE).zip(words.by_ref()) {
                let rows: [&[u8]; K_TILE] = std::array::from_fn(|place| row(from + place, end));
                if count == NR {
                    interleave_rows::<NR>(rows, flip, words);
                } else if count == MR && rows.iter().all(|row| row.len() >= MR.next_power_of_two())
                {
                    let mut some = [[0; K_TILE]; MR.next_power_of_two()];
                    interleave_rows::<{ MR.next_power_of_two() }>(rows, flip, &mut some);
                    words[..MR].copy_from_slice(&some[..MR]);
                } else {
                    for (output, word) in words.iter_mut().enumerate().take(count) {
                        *word = rows.map(|row| row[output] ^ flip);
                    }
                }
            }
        }
    }
}

/// The words of the first `N` outputs of four rows.
#[inline(always)]
fn interleave_rows<const N: usize>(rows: [&[u8]; K_TILE], flip: u8, words: &mut [[u8; K_TILE]]) {
    let rows = rows.map(|row| row.first_chunk::<N>());
    if let ([Some(a), Some(b), Some(c), Some(d)], Some(words)) =
        (rows, words.first_chunk_mut::<N>())
    {
        for output in 0..N {
            words[output] = flipped([a[output], b[output], c[output], d[output]], flip);
        }
    }
}

/// The bytes of a word with the bits of `flip` turned.
#[inline(always)]
fn flipped(quad: [u8; K_TILE], flip: u8) -> [u8; K_TILE] {
    (u32::from_ne_bytes(quad) ^ u32::from_ne_bytes([flip; K_TILE])).to_ne_bytes()
}

/// The bytes of [`MR`] columns from `first` on, if there are as many and each lies in one piece.
fn whole_columns<'a, T: Byte>(view: &'a ArrayView2<'_, T>, first: usize) -> Option<[&'a [u8]; MR]> {
    let mut columns: [&[u8]; MR] = [&[]; MR];
    for (index, column) in columns.iter_mut().enumerate() {
        if first + index >= view.ncols() {
            return None;
        }
        *column = bytemuck::cast_slice(view.column(first + index).to_slice()?);
    }
    Some(columns)
}

/// A panel of whole columns: all first words, all second words and so on.
fn interleave(columns: [&[u8]; MR], flip: u8, words: &mut [[u8; K_TILE]]) {
    let (words, _) = words.as_chunks_mut::<MR>();
    let quads = columns.map(|column| column.as_chunks::<K_TILE>().0);
    let whole = quads[0].len();
    let quads = quads.map(|quads| &quads[..whole]);
    for (unit, words) in words.iter_mut().take(whole).enumerate() {
        for lane in 0..MR {
            words[lane] = flipped(quads[lane][unit], flip);
        }
    }
    if let Some(words) = words.get_mut(whole) {
        for (word, column) in words.iter_mut().zip(columns) {
            for (byte, x) in word.iter_mut().zip(column.as_chunks::<K_TILE>().1) {
                *byte = x ^ flip;
            }
        }
    }
}

/// Words per output.
pub(crate) fn units(k: usize, tile: usize) -> usize {
    k / tile * tile.div_ceil(K_TILE) + (k % tile).div_ceil(K_TILE)
}

/// What the codes of `matrix` exceed bytes of `sign` by.
fn offset(matrix: ByteMatrix<'_>, sign: ByteSign) -> i32 {
    match sign {
        ByteSign::Unsigned if matches!(matrix.codes, ByteCodes::U8(_)) => 0,
        ByteSign::Unsigned if matrix.range().0 >= 0 => 0,
        ByteSign::Unsigned => i8::MIN.into(),
        ByteSign::Signed if matrix.fits_i8() => 0,
        ByteSign::Signed => 128,
    }
}

/// The rows of `a` and the columns of `b`, packed as unsigned broadcast and signed bytes in lanes, k in tiles of `tile`.
/// `columns` packs, or finds, those of `b`; `order` is theirs where they are in lanes.
pub(crate) fn pack_pair(
    a: ByteMatrix<'_>,
    b: ByteMatrix<'_>,
    tile: usize,
    order: OutputOrder,
    columns: impl FnOnce(Int8Layout) -> Arc<Int8Panels>,
) -> PackedPair<Int8Panels> {
    let ((m, k), n) = (a.dim(), b.dim().1);
    let orientation = match GEOMETRY.orientation(m, n) {
        // Signed codes go to the lanes; where both are, either may.
        Orientation::ColumnsInLanes if !b.fits_i8() && a.fits_i8() => Orientation::RowsInLanes,
        Orientation::RowsInLanes if !a.fits_i8() => Orientation::ColumnsInLanes,
        free => free,
    };
    let layout = |side, order| {
        let (order, sign) = match side {
            Side::Broadcast => (OutputOrder::Given, ByteSign::Unsigned),
            Side::Lanes => (order, ByteSign::Signed),
        };
        Int8Layout { side, tile, order, sign }
    };
    let rows = |side| Int8Panels::pack(a.t(), layout(side, OutputOrder::Given), Vec::new());
    PackedPair::new(orientation, k, rows, |side| columns(layout(side, order)))
}
