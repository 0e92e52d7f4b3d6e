//! Products of binary and ternary codes: bits are compared and counted, 64 products in a word.
//!
//! A code of -1, 0 or 1 is two bits: its sign, and whether it is there at all. Of the products of two words, those that
//! are there are `m = ma & mb`, and those that are -1 among them `d = (sa ^ sb) & m`, so that
//!
//! ```text
//! Σ a b = |m| - 2 |d|
//! ```
//! An operand without zeros (binary) has no `m` of its own: `|m|` is then how many of the other's codes are there, which
//! is counted once, or K. Codes of 0 and 1 are ternary codes without signs.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::job::{At, Fill, TileSums, in_parts};
use super::output::{Kept, Output};
use crate::kernels::operand::{Codes, Matrix};
use crate::kernels::pack::Panels;
use crate::kernels::split::Part;
use crate::simd::bits::{BitLanes, BitTask, run_bits};
use crate::simd::{Call, Isa, IsaError};

/// Outputs per panel of the broadcast operand.
pub(super) const HEIGHT: usize = 6;
/// Outputs per panel of lanes.
pub(super) const WIDTH: usize = 32;
/// Products per word.
const TAKES: usize = 64;

/// What an operand does in the hot loop: outputs per panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernels) enum Side {
    Broadcast,
    Lanes,
}

impl Side {
    const fn width(self) -> usize {
        match self {
            Self::Broadcast => HEIGHT,
            Self::Lanes => WIDTH,
        }
    }
}

/// Whether the codes are -1, 0 and 1 alone.
pub(super) fn is_ternary(matrix: &Matrix<'_>) -> bool {
    matrix.is_bytes() && {
        let (low, high) = matrix.range();
        low >= -1 && high <= 1
    }
}

/// Whether any code is zero, found out without packing.
pub(super) fn has_zeros(matrix: &Matrix<'_>) -> bool {
    match &matrix.codes {
        Codes::U8(codes) => codes.iter().any(|&code| code == 0),
        Codes::I8(codes) => codes.iter().any(|&code| code == 0),
        _ => true,
    }
}

/// An operand as words of signs and of what is there.
///
/// ```text
/// panel p: word w: signs of outputs p * width .. (p + 1) * width; what is there, of the same
/// ```
#[derive(Debug)]
pub(in crate::kernels) struct Bits {
    panels: Panels,
    width: usize,
    /// Codes that are not zero, of every place of every panel.
    counts: Vec<i64>,
    /// Whether any code is zero.
    has_zeros: bool,
}

impl Bits {
    /// The rows of `matrix`, `[M, K]`.
    pub(in crate::kernels) fn rows(matrix: &Matrix<'_>, side: Side) -> Self {
        match &matrix.codes {
            Codes::U8(codes) => Self::new(codes.t(), side),
            Codes::I8(codes) => Self::new(codes.t(), side),
            _ => Self::new(ArrayView2::<u8>::from(&[[0u8; 0]; 0]), side),
        }
    }

    /// The columns of `matrix`, `[K, N]`.
    pub(in crate::kernels) fn columns(matrix: &Matrix<'_>, side: Side) -> Self {
        match &matrix.codes {
            Codes::U8(codes) => Self::new(codes.view(), side),
            Codes::I8(codes) => Self::new(codes.view(), side),
            _ => Self::new(ArrayView2::<u8>::from(&[[0u8; 0]; 0]), side),
        }
    }

    /// `view` is `[K, outputs]`.
    fn new<T: bytemuck::Pod + Sync>(view: ArrayView2<'_, T>, side: Side) -> Self {
        let width = side.width();
        let (k, outputs) = view.dim();
        let bytes_per_panel = k.div_ceil(TAKES) * 2 * width * size_of::<u64>();
        let panels = Panels::filled(outputs.div_ceil(width), bytes_per_panel, |panel, bytes| {
            let words: &mut [u64] = bytemuck::cast_slice_mut(bytes);
            let first = panel * width;
            let here = width.min(outputs - first);
            let whole = (first..first + here).map(|output| view.column(output).to_slice());
            if let Some(columns) = whole.collect::<Option<Vec<_>>>() {
                for (lane, column) in columns.into_iter().enumerate() {
                    let words = words.chunks_exact_mut(2 * width);
                    for (word, codes) in words.zip(bytemuck::cast_slice(column).chunks(TAKES)) {
                        (word[lane], word[width + lane]) = gather(codes);
                    }
                }
                return;
            }
            for (k, row) in view.rows().into_iter().enumerate() {
                let (signs, there) =
                    words[k / TAKES * 2 * width..][..2 * width].split_at_mut(width);
                let place = k % TAKES;
                let codes = row.iter().skip(first).take(here).map(|x| bytemuck::bytes_of(x)[0]);
                for ((code, sign), there) in codes.zip(signs).zip(there) {
                    *sign |= u64::from(code >> 7) << place;
                    *there |= u64::from(code & 1) << place;
                }
            }
        });
        let mut counts = Vec::with_capacity(outputs.next_multiple_of(width));
        for panel in 0..outputs.div_ceil(width) {
            let mut sums = vec![0; width];
            for word in panels.panel::<u64>(panel).chunks_exact(2 * width) {
                for (sum, there) in sums.iter_mut().zip(&word[width..]) {
                    *sum += i64::from(there.count_ones());
                }
            }
            counts.extend(sums);
        }
        let has_zeros = counts.iter().take(outputs).any(|&count| count < k as i64);
        Self { panels, width, counts, has_zeros }
    }

    /// Whether any code is zero.
    pub(super) fn has_zeros(&self) -> bool {
        self.has_zeros
    }

    fn panel(&self, index: usize) -> &[u64] {
        self.panels.panel(index)
    }

    fn counts(&self, panel: usize) -> &[i64] {
        &self.counts[panel * self.width..][..self.width]
    }
}

/// The highest and the lowest bit of up to 64 bytes: signs, and what is not zero, of codes of -1, 0 and 1.
fn gather(codes: &[u8]) -> (u64, u64) {
    /// The lowest bits of eight bytes, as eight bits.
    const fn eight(word: u64) -> u64 {
        // Byte i has its bit at 8 i; the product brings it to 56 + i, and nothing else gets there.
        (word & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
    }
    let (mut signs, mut there) = (0, 0);
    for (index, codes) in codes.chunks(8).enumerate() {
        let mut bytes = [0; 8];
        bytes[..codes.len()].copy_from_slice(codes);
        let word = u64::from_le_bytes(bytes);
        signs |= eight(word >> 7) << (8 * index);
        there |= eight(word) << (8 * index);
    }
    (signs, there)
}

/// Two operands.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    pub(super) broadcast: &'a Bits,
    pub(super) lanes: &'a Bits,
    pub(super) k: usize,
}

/// Writes the product to `out`: the broadcast operand's outputs by those in lanes.
pub(super) fn multiply<T: Output>(
    out: ArrayViewMut2<'_, T>,
    operands: Operands<'_>,
    kept: Kept,
    isa: Isa,
) -> Result<(), IsaError> {
    let least = (1 << 20) / operands.k.max(1);
    in_parts(out, (HEIGHT, WIDTH), least, |part| run_bits(isa, Job { part, operands, kept }))
}

/// One part of the outputs.
struct Job<'a, 'o, T> {
    part: Part<'o, T>,
    operands: Operands<'a>,
    kept: Kept,
}

impl<T: Output> BitTask for Job<'_, '_, T> {
    type Output = ();

    fn run<L: BitLanes>(self, lanes: L) {
        let Self { part, operands, kept } = self;
        let tiles = InLanes { lanes, operands };
        lanes.vectorize(Fill { part, tiles, kept });
    }
}

/// Two operands in lanes.
struct InLanes<'a, L> {
    lanes: L,
    operands: Operands<'a>,
}

impl<L: BitLanes> TileSums for InLanes<'_, L> {
    type Sum = i64;

    const HEIGHT: usize = HEIGHT;
    const WIDTH: usize = WIDTH;

    #[inline(always)]
    fn chunks(&self) -> usize {
        usize::from(self.operands.k > 0)
    }

    #[inline(always)]
    fn panel_bytes(&self) -> usize {
        self.operands.k.div_ceil(TAKES) * 2 * WIDTH * size_of::<u64>()
    }

    #[inline(always)]
    fn sum(&self, at: At, sums: &mut [i64]) {
        let Self { lanes, operands: Operands { broadcast, lanes: columns, k } } = *self;
        let (a, b) = (broadcast.panel(at.block), columns.panel(at.panel));
        let counts: &mut [u64] = bytemuck::cast_slice_mut(sums);
        match (broadcast.has_zeros, columns.has_zeros) {
            (false, false) => sum::<L, false, false>(lanes, a, b, at.width, counts),
            (false, true) => sum::<L, false, true>(lanes, a, b, at.width, counts),
            (true, false) => sum::<L, true, false>(lanes, a, b, at.width, counts),
            (true, true) => sum::<L, true, true>(lanes, a, b, at.width, counts),
        }
        // How many products of an output are not zero.
        for (row, sums) in sums.chunks_exact_mut(WIDTH).enumerate().take(at.height) {
            match (broadcast.has_zeros, columns.has_zeros) {
                (false, false) => subtract_twice(sums, std::iter::repeat(k as i64)),
                (false, true) => subtract_twice(sums, columns.counts(at.panel).iter().copied()),
                (true, false) => {
                    subtract_twice(sums, std::iter::repeat(broadcast.counts(at.block)[row]));
                }
                // They were counted on the way, and those that are -1 subtracted twice.
                (true, true) => {}
            }
        }
    }
}

/// `there - 2 count` of all.
#[inline(always)]
fn subtract_twice(counts: &mut [i64], there: impl Iterator<Item = i64>) {
    for (count, there) in counts.iter_mut().zip(there) {
        *count = there - 2 * *count;
    }
}

/// All vectors of a panel.
#[inline(always)]
fn sum<L: BitLanes, const A: bool, const B: bool>(
    lanes: L,
    a: &[u64],
    b: &[u64],
    width: usize,
    counts: &mut [u64],
) {
    if L::N == 8 {
        lanes.vectorize(Tile::<L, 4, A, B> { lanes, a, b, counts });
        return;
    }
    for from in (0..width).step_by(L::N) {
        let (b, counts) = (b.get(from..).unwrap_or(&[]), &mut counts[from..]);
        lanes.vectorize(Tile::<L, 1, A, B> { lanes, a, b, counts });
    }
}

/// The counts of [`HEIGHT`] by `V` vectors of outputs. `A` and `B`: whether the operand has zeros.
struct Tile<'a, L, const V: usize, const A: bool, const B: bool> {
    lanes: L,
    a: &'a [u64],
    b: &'a [u64],
    counts: &'a mut [u64],
}

impl<L: BitLanes, const V: usize, const A: bool, const B: bool> Call for Tile<'_, L, V, A, B> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, a, b, counts } = self;
        let zero = lanes.splat(0);
        let mut sums = [[zero; V]; HEIGHT];
        for (a, b) in a.chunks_exact(2 * HEIGHT).zip(b.chunks(2 * WIDTH)) {
            let (mut signs, mut there) = ([zero; V], [zero; V]);
            for v in 0..V {
                signs[v] = lanes.load(&b[v * L::N..]);
                if B {
                    there[v] = lanes.load(&b[WIDTH + v * L::N..]);
                }
            }
            for row in 0..HEIGHT {
                let sign = lanes.splat(a[row]);
                let mask = if A { lanes.splat(a[HEIGHT + row]) } else { zero };
                for v in 0..V {
                    let sum = &mut sums[row][v];
                    *sum = match (A, B) {
                        (false, false) => lanes.add(*sum, lanes.count(lanes.xor(sign, signs[v]))),
                        (true, false) => {
                            lanes.add(*sum, lanes.count(lanes.differ(sign, signs[v], mask)))
                        }
                        (false, true) => {
                            lanes.add(*sum, lanes.count(lanes.differ(sign, signs[v], there[v])))
                        }
                        (true, true) => {
                            let both = lanes.and(mask, there[v]);
                            let minus = lanes.differ(sign, signs[v], both);
                            let plus = lanes.count(lanes.xor(both, minus));
                            lanes.sub(lanes.add(*sum, plus), lanes.count(minus))
                        }
                    };
                }
            }
        }
        for (row, counts) in sums.iter().zip(counts.chunks_mut(WIDTH)) {
            for (v, sum) in row.iter().enumerate() {
                lanes.store(*sum, &mut counts[v * L::N..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::gather;

    #[test]
    fn bits_of_bytes_come_in_order() {
        for length in 0..=64 {
            for at in 0..length {
                let mut codes = vec![0u8; length];
                codes[at] = 1;
                assert_eq!(gather(&codes), (0, 1 << at));
                codes[at] = 0xff;
                assert_eq!(gather(&codes), (1 << at, 1 << at));
                let mut codes = vec![0xff; length];
                codes[at] = 1;
                let all = if length == 64 { u64::MAX } else { (1 << length) - 1 };
                assert_eq!(gather(&codes), (all & !(1 << at), all));
            }
        }
    }
}
