//! Operands of bytes as words of four: what [`ByteLanes::dot_bytes`](crate::simd::ByteLanes::dot_bytes) takes.
//!
//! ```text
//! panel p: unit u: output i: word of output p * width + i, its k at 4u..4u+4
//! ```
//! k is cut into tiles first, and a tile that is no multiple of four is filled with zeros.
//!
//! The instruction multiplies unsigned with signed bytes. Codes of the other kind are shifted by 128, which flips the
//! highest bit of each byte: `code = byte + offset`. With `a = a' + s` and `b = b' + t`,
//! `Σ a b = Σ a' b' + s Σ b' + t Σ a' + s t K`.

use std::sync::OnceLock;

use ndarray::ArrayView2;

use super::block::Geometry;
use super::operand::{Codes, Matrix};
use super::pack::{Panels, Role};
use crate::simd::{ByteLanes, Call, Isa, Lanes, Simd, Task, run};

/// Outputs per panel of the broadcast operand.
pub(super) const HEIGHT: usize = 6;
/// Outputs per panel of lanes: two or four vectors of 32-bit lanes on AVX-512, eight or less elsewhere.
pub(super) const WIDTH: usize = 64;
/// Both.
pub(super) const GEOMETRY: Geometry = Geometry { height: HEIGHT, width: WIDTH };
/// Products per word.
pub(super) const TAKES: usize = 4;

/// How an operand is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct QuadLayout {
    pub(super) role: Role,
    /// Products per tile; at most K.
    pub(super) tile: usize,
    pub(super) order: Order,
    pub(super) bytes: Bytes,
}

/// What the bytes of an operand are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Bytes {
    /// 0 to 255.
    #[default]
    Unsigned,
    /// -128 to 127.
    Signed,
}

/// In which order the outputs of an operand come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Given,
    /// By how far their sums can reach if the other factors are `low` or `high`.
    Reach {
        low: i64,
        high: i64,
    },
}

/// An operand packed as words of four bytes.
#[derive(Debug)]
pub(super) struct Quads {
    panels: Panels,
    outputs: usize,
    width: usize,
    units: usize,
    /// What a code exceeds its byte by: -128, 0 or 128.
    pub(super) offset: i32,
    sums: OnceLock<Vec<i32>>,
    bytes: Bytes,
    /// Which output of the matrix is at each place; empty where all are at their own.
    pub(super) order: Vec<usize>,
}

/// A code of one byte.
pub(super) trait Byte: bytemuck::Pod + Sync {
    /// It as it lies in memory.
    fn bits(self) -> u8;
}

impl Byte for u8 {
    #[inline(always)]
    fn bits(self) -> u8 {
        self
    }
}

impl Byte for i8 {
    #[inline(always)]
    fn bits(self) -> u8 {
        self.cast_unsigned()
    }
}

impl Quads {
    /// The rows of `matrix`, `[M, K]`, whose codes are bytes.
    pub(super) fn rows(matrix: &Matrix<'_>, layout: QuadLayout) -> Self {
        let offset = offset(matrix, layout.bytes);
        match &matrix.codes {
            Codes::U8(codes) => Self::new(codes.t(), layout, Vec::new(), offset),
            Codes::I8(codes) => Self::new(codes.t(), layout, Vec::new(), offset),
            _ => Self::new(ArrayView2::<u8>::from(&[[0u8; 0]; 0]), layout, Vec::new(), offset),
        }
    }

    /// The columns of `matrix`, `[K, N]`, whose codes are bytes.
    pub(super) fn columns(matrix: &Matrix<'_>, layout: QuadLayout, order: Vec<usize>) -> Self {
        let offset = offset(matrix, layout.bytes);
        match &matrix.codes {
            Codes::U8(codes) => Self::new(codes.view(), layout, order, offset),
            Codes::I8(codes) => Self::new(codes.view(), layout, order, offset),
            _ => Self::new(ArrayView2::<u8>::from(&[[0u8; 0]; 0]), layout, order, offset),
        }
    }

    /// `view` is `[K, outputs]`.
    fn new<T: Byte>(
        view: ArrayView2<'_, T>,
        layout: QuadLayout,
        order: Vec<usize>,
        offset: i32,
    ) -> Self {
        let QuadLayout { role, tile, bytes: kind, .. } = layout;
        let width = match role {
            Role::Lanes => WIDTH,
            Role::Broadcast => HEIGHT,
        };
        let (k, outputs) = view.dim();
        let units = units(k, tile);
        let flip = if offset == 0 { 0 } else { 0x80 };
        let panels =
            Panels::filled(outputs.div_ceil(width), units * width * TAKES, |panel, bytes| {
                let first = panel * width;
                let lanes = first..outputs.min(first + width);
                let words: &mut [[u8; TAKES]] = bytes.as_chunks_mut().0;
                if let Some(columns) = whole_columns(&view, first)
                    && width == HEIGHT
                    && order.is_empty()
                    && tile >= k
                {
                    return interleave(columns, flip, words);
                }
                if lanes.len() < width {
                    // Outputs that fill up a panel have the code 0 everywhere.
                    words.fill([flip; TAKES]);
                    for words in words.chunks_mut(width) {
                        words[..lanes.len()].fill([0; TAKES]);
                    }
                }
                for (lane, place) in lanes.clone().enumerate() {
                    let output = order.get(place).copied().unwrap_or(place);
                    let Some(column) = view.column(output).to_slice() else { break };
                    let mut words = words.iter_mut().skip(lane).step_by(width);
                    for tile in bytemuck::cast_slice::<T, u8>(column).chunks(tile) {
                        let (quads, rest) = tile.as_chunks::<TAKES>();
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
                let mut words = words.chunks_mut(width);
                for start in (0..k).step_by(tile) {
                    let end = k.min(start + tile);
                    for (from, words) in (start..end).step_by(TAKES).zip(words.by_ref()) {
                        for (place, k) in (from..end.min(from + TAKES)).enumerate() {
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
        Self { panels, outputs, width, units, offset, sums: OnceLock::new(), bytes: kind, order }
    }

    /// Which panels have only outputs for which `holds`, which is told of all outputs in the order of the matrix.
    pub(super) fn panels_where(&self, holds: &[bool]) -> Vec<bool> {
        let at = |place: usize| holds.get(self.order.get(place).copied().unwrap_or(place));
        let panels = (0..self.outputs).step_by(self.width);
        panels
            .map(|first| {
                let places = first..self.outputs.min(first + self.width);
                places.into_iter().all(|place| at(place).copied().unwrap_or(false))
            })
            .collect()
    }

    /// How many panels there are.
    pub(super) fn panels(&self) -> usize {
        self.outputs.div_ceil(self.width)
    }

    /// Outputs per panel.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Words per output.
    pub(super) fn units(&self) -> usize {
        self.units
    }

    /// The words of one panel.
    pub(super) fn panel(&self, index: usize) -> &[i32] {
        self.panels.panel(index)
    }

    /// `Σ byte` of every output of every panel, over each [`SUMMED`] products: panel by panel, piece by piece.
    pub(super) fn sums(&self) -> &[i32] {
        self.sums.get_or_init(|| {
            let pieces = |panel| self.panel(panel).chunks(SUMMED / TAKES * self.width);
            let all = (0..self.panels()).flat_map(pieces);
            let sums = all.flat_map(|words| {
                // The best instruction set is there.
                run(Isa::best(), SumBytes { words, width: self.width, bytes: self.bytes })
                    .unwrap_or_default()
            });
            sums.collect()
        })
    }
}

/// Products in one of the sums that [`Quads::sums`] gives.
pub(super) const SUMMED: usize = 256;

/// `Σ byte` of `width` outputs.
struct SumBytes<'a> {
    words: &'a [i32],
    width: usize,
    bytes: Bytes,
}

impl Task for SumBytes<'_> {
    type Output = Vec<i32>;

    fn run<S: Simd>(self, simd: S) -> Vec<i32> {
        let lanes = simd.lanes32();
        lanes.vectorize(SumBytesIn { lanes, sum: self })
    }
}

/// [`SumBytes`], compiled for its lanes.
struct SumBytesIn<'a, L> {
    lanes: L,
    sum: SumBytes<'a>,
}

impl<L: ByteLanes> Call for SumBytesIn<'_, L> {
    type Output = Vec<i32>;

    #[inline(always)]
    fn call(self) -> Vec<i32> {
        let Self { lanes, sum: SumBytes { words, width, bytes: kind } } = self;
        let ones = lanes.splat(0x0101_0101);
        let add = |sum: L::V, words: &[i32]| match kind {
            Bytes::Unsigned => lanes.dot_bytes(sum, lanes.load(words), ones),
            Bytes::Signed => lanes.dot_bytes(sum, ones, lanes.load(words)),
        };
        let mut sums = vec![0; width];
        // So many vectors that a place in them is always the same output: `width` is 64, or 6 with 16 or 8 lanes.
        const VECTORS: usize = 3;
        const { assert!(WIDTH.is_multiple_of(L::N) && (VECTORS * L::N).is_multiple_of(HEIGHT)) };
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
                sums[(from + index) % width] += match kind {
                    Bytes::Unsigned => bytes.map(i32::from).iter().sum::<i32>(),
                    Bytes::Signed => bytes.map(|x| i32::from(x.cast_signed())).iter().sum(),
                };
            }
        }
        sums
    }
}

/// The bytes of a word with the bits of `flip` turned.
#[inline(always)]
fn flipped(quad: [u8; TAKES], flip: u8) -> [u8; TAKES] {
    (u32::from_ne_bytes(quad) ^ u32::from_ne_bytes([flip; TAKES])).to_ne_bytes()
}

/// The bytes of [`HEIGHT`] columns from `first` on, if there are as many and each lies in one piece.
fn whole_columns<'a, T: Byte>(
    view: &'a ArrayView2<'_, T>,
    first: usize,
) -> Option<[&'a [u8]; HEIGHT]> {
    let mut columns: [&[u8]; HEIGHT] = [&[]; HEIGHT];
    for (index, column) in columns.iter_mut().enumerate() {
        if first + index >= view.ncols() {
            return None;
        }
        *column = bytemuck::cast_slice(view.column(first + index).to_slice()?);
    }
    Some(columns)
}

/// A panel of whole columns: all first words, all second words and so on.
fn interleave(columns: [&[u8]; HEIGHT], flip: u8, words: &mut [[u8; TAKES]]) {
    let (words, _) = words.as_chunks_mut::<HEIGHT>();
    let quads = columns.map(|column| column.as_chunks::<TAKES>().0);
    let whole = quads[0].len();
    let quads = quads.map(|quads| &quads[..whole]);
    for (unit, words) in words.iter_mut().take(whole).enumerate() {
        for lane in 0..HEIGHT {
            words[lane] = flipped(quads[lane][unit], flip);
        }
    }
    if let Some(words) = words.get_mut(whole) {
        for (word, column) in words.iter_mut().zip(columns) {
            for (byte, x) in word.iter_mut().zip(column.as_chunks::<TAKES>().1) {
                *byte = x ^ flip;
            }
        }
    }
}

/// Words per output.
pub(super) fn units(k: usize, tile: usize) -> usize {
    k / tile * tile.div_ceil(TAKES) + (k % tile).div_ceil(TAKES)
}

/// What the codes of `matrix` exceed `bytes` by.
fn offset(matrix: &Matrix<'_>, bytes: Bytes) -> i32 {
    match bytes {
        Bytes::Unsigned if matches!(matrix.codes, Codes::U8(_)) || matrix.range().0 >= 0 => 0,
        Bytes::Unsigned => i8::MIN.into(),
        Bytes::Signed if matrix.fits_i8() => 0,
        Bytes::Signed => 128,
    }
}
