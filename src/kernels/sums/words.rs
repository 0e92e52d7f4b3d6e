//! Products of 16-bit codes whose sums are exact.
//!
//! The instruction multiplies pairs and adds both products in 32 bits, which hold 2 p only where p, the greatest product,
//! is below 2^30: (-32768)² + (-32768)² is 2^31. So a chunk of k is as long as 32 bits hold its sum, and chunks are added
//! in 64 bits. Where chunks would be short, each code of the broadcast operand is cut into its high and its low byte,
//! `a = 256 h + l`, of which each is multiplied: `|l b| <= 255 * 2^15`, so that 128 pairs fit.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::job::{At, Fill, TileSums, in_parts};
use super::output::{Kept, Output};
use crate::kernels::operand::{Matrix, any_codes};
use crate::kernels::pack::{Panels, Role};
use crate::kernels::quads::{HEIGHT, WIDTH};
use crate::kernels::split::Part;
use crate::simd::{ByteLanes, Call, Isa, IsaError, Lanes, Simd, Task, run};

/// Pairs of a chunk of halves: `128 * 2 * 255 * 2^15 < 2^31`.
const HALVES: usize = 128;
/// Chunks of whole codes that are shorter than so many pairs are not worth it.
const SHORTEST: usize = 16;
/// The most pairs of a chunk.
const LONGEST: usize = 1 << 12;

/// An operand as words of two 16-bit codes, the earlier one lower: unit by unit, output by output.
#[derive(Debug)]
pub(in crate::kernels) struct Pairs(Panels);

impl Pairs {
    /// The rows of `matrix`, `[M, K]`, whose codes fit 16 bits.
    pub(in crate::kernels) fn rows(matrix: &Matrix<'_>, role: Role) -> Self {
        any_codes!(&matrix.codes, codes => Self::new(codes.t(), role))
    }

    /// The columns of `matrix`, `[K, N]`, whose codes fit 16 bits.
    pub(in crate::kernels) fn columns(matrix: &Matrix<'_>, role: Role) -> Self {
        any_codes!(&matrix.codes, codes => Self::new(codes.view(), role))
    }

    fn new<T: Copy + Into<i64> + Sync>(view: ArrayView2<'_, T>, role: Role) -> Self {
        let width = match role {
            Role::Lanes => WIDTH,
            Role::Broadcast => HEIGHT,
        };
        let (k, outputs) = view.dim();
        let bytes = k.div_ceil(2) * width * size_of::<i32>();
        Self(Panels::filled(outputs.div_ceil(width), bytes, |panel, bytes| {
            let words: &mut [[i16; 2]] = bytemuck::cast_slice_mut(bytes);
            let first = panel * width;
            let here = width.min(outputs - first);
            let whole = (first..first + here).map(|output| view.column(output).to_slice());
            if let Some(columns) = whole.collect::<Option<Vec<_>>>() {
                for (lane, column) in columns.into_iter().enumerate() {
                    let words = words[lane..].iter_mut().step_by(width);
                    for (word, codes) in words.zip(column.chunks(2)) {
                        for (word, &code) in word.iter_mut().zip(codes) {
                            *word = code.into() as i16;
                        }
                    }
                }
                return;
            }
            for (k, row) in view.rows().into_iter().enumerate() {
                let words = words[k / 2 * width..].iter_mut();
                for (word, &code) in words.zip(row.iter().skip(first).take(here)) {
                    word[k % 2] = code.into() as i16;
                }
            }
        }))
    }

    fn panel(&self, index: usize) -> &[i32] {
        self.0.panel(index)
    }
}

/// Two operands, and the greatest product of their codes.
#[derive(Clone, Copy)]
pub(super) struct Operands<'a> {
    pub(super) broadcast: &'a Pairs,
    pub(super) lanes: &'a Pairs,
    pub(super) k: usize,
    pub(super) product: u128,
}

/// How a chunk is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Whole codes, so many pairs in a chunk.
    Whole(usize),
    /// High and low bytes.
    Halves,
}

impl Form {
    fn of(product: u128) -> Self {
        let pairs = (i32::MAX as u128).checked_div(2 * product).unwrap_or(u128::MAX);
        match pairs.min(LONGEST as u128) as usize {
            ..SHORTEST => Self::Halves,
            pairs => Self::Whole(pairs),
        }
    }

    fn pairs(self) -> usize {
        match self {
            Self::Whole(pairs) => pairs,
            Self::Halves => HALVES,
        }
    }
}

/// Writes the product to `out`: the broadcast operand's outputs by those in lanes.
pub(super) fn multiply<T: Output>(
    out: ArrayViewMut2<'_, T>,
    operands: Operands<'_>,
    kept: Kept,
    isa: Isa,
) -> Result<(), IsaError> {
    let least = (1 << 17) / operands.k.max(1);
    in_parts(out, (HEIGHT, WIDTH), least, |part| run(isa, Job { part, operands, kept }))
}

/// One part of the outputs.
struct Job<'a, 'o, T> {
    part: Part<'o, T>,
    operands: Operands<'a>,
    kept: Kept,
}

impl<T: Output> Task for Job<'_, '_, T> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let Self { part, operands, kept } = self;
        let lanes = simd.lanes32();
        let tiles = InLanes { lanes, operands, form: Form::of(operands.product) };
        lanes.vectorize(Fill { part, tiles, kept });
    }
}

/// Two operands in lanes.
struct InLanes<'a, L> {
    lanes: L,
    operands: Operands<'a>,
    form: Form,
}

impl<L: ByteLanes> TileSums for InLanes<'_, L> {
    /// Of all chunks that 32 bits hold the sums of.
    type Sum = i64;

    const HEIGHT: usize = HEIGHT;
    const WIDTH: usize = WIDTH;

    #[inline(always)]
    fn chunks(&self) -> usize {
        usize::from(self.operands.k > 0)
    }

    #[inline(always)]
    fn panel_bytes(&self) -> usize {
        self.operands.k * WIDTH * size_of::<i16>()
    }

    #[inline(always)]
    fn sum(&self, at: At, sums: &mut [i64]) {
        let Self { lanes, operands, form } = *self;
        sums.fill(0);
        let a = operands.broadcast.panel(at.block).chunks(HEIGHT * form.pairs());
        let b = operands.lanes.panel(at.panel).chunks(WIDTH * form.pairs());
        for (a, b) in a.zip(b) {
            if WIDTH / L::N == 4 {
                chunk::<L, 4, 4>(lanes, form, (a, b), at.width, sums);
            } else {
                chunk::<L, 2, 2>(lanes, form, (a, b), at.width, sums);
            }
        }
    }
}

/// Adds the sums of a chunk of a whole block and panel.
#[inline(always)]
fn chunk<L: ByteLanes, const V: usize, const H: usize>(
    lanes: L,
    form: Form,
    (a, b): (&[i32], &[i32]),
    width: usize,
    sums: &mut [i64],
) {
    for from in (0..width).step_by(V * L::N) {
        let b = b.get(from..).unwrap_or(&[]);
        match form {
            Form::Whole(_) => {
                let sums = &mut sums[from..];
                lanes.vectorize(Whole::<L, HEIGHT, V> { lanes, a, b, sums });
            }
            Form::Halves => {
                for row in (0..HEIGHT).step_by(3) {
                    let (a, sums) = (a.get(row..).unwrap_or(&[]), &mut sums[row * WIDTH + from..]);
                    lanes.vectorize(Halves::<L, 3, H> { lanes, a, b, sums });
                }
            }
        }
    }
}

/// `R` by `V` vectors of outputs.
struct Whole<'a, L, const R: usize, const V: usize> {
    lanes: L,
    a: &'a [i32],
    b: &'a [i32],
    sums: &'a mut [i64],
}

/// `R` by `V` vectors of outputs, whose broadcast codes are cut in two.
struct Halves<'a, L, const R: usize, const V: usize> {
    lanes: L,
    a: &'a [i32],
    b: &'a [i32],
    sums: &'a mut [i64],
}

impl<L: ByteLanes, const R: usize, const V: usize> Call for Whole<'_, L, R, V> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, a, b, sums } = self;
        let mut tile = [[lanes.splat(0); V]; R];
        for (a, b) in a.chunks(HEIGHT).zip(b.chunks(WIDTH)) {
            let (a, b) = (&a[..R], columns::<L, V>(lanes, b));
            for row in 0..R {
                let a = lanes.splat(a[row]);
                for col in 0..V {
                    tile[row][col] = lanes.dot(tile[row][col], a, b[col]);
                }
            }
        }
        add(lanes, &tile, 0, sums);
    }
}

impl<L: ByteLanes, const R: usize, const V: usize> Call for Halves<'_, L, R, V> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, a, b, sums } = self;
        let mut low = [[lanes.splat(0); V]; R];
        let mut high = low;
        for (a, b) in a.chunks(HEIGHT).zip(b.chunks(WIDTH)) {
            let (a, b) = (&a[..R], columns::<L, V>(lanes, b));
            for row in 0..R {
                let [l, h] = lanes.halves(lanes.splat(a[row]));
                for col in 0..V {
                    low[row][col] = lanes.dot(low[row][col], l, b[col]);
                    high[row][col] = lanes.dot(high[row][col], h, b[col]);
                }
            }
        }
        add(lanes, &low, 0, sums);
        add(lanes, &high, 8, sums);
    }
}

/// Adds the sums of a tile, each times `2^shift`.
#[inline(always)]
fn add<L: ByteLanes, const R: usize, const V: usize>(
    lanes: L,
    tile: &[[L::V; V]; R],
    shift: u32,
    sums: &mut [i64],
) {
    const { assert!(L::N <= 16) };
    for (row, sums) in tile.iter().zip(sums.chunks_mut(WIDTH)) {
        for (vector, sums) in row.iter().zip(sums.chunks_exact_mut(L::N)) {
            let mut words = [0; 16];
            lanes.store(*vector, &mut words);
            for (sum, word) in sums.iter_mut().zip(words) {
                *sum += i64::from(word) << shift;
            }
        }
    }
}

/// The columns of one unit.
#[inline(always)]
fn columns<L: ByteLanes, const V: usize>(lanes: L, b: &[i32]) -> [L::V; V] {
    let b = &b[..V * L::N];
    let mut columns = [lanes.splat(0); V];
    for col in 0..V {
        columns[col] = lanes.load(&b[col * L::N..]);
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::{Form, HALVES};

    #[test]
    fn no_chunk_leaves_32_bits() {
        for product in [1, 2, 127, 32_767, 1 << 20, (1 << 26) - 1, 1 << 26, 1 << 30] {
            match Form::of(product) {
                Form::Whole(pairs) => assert!(2 * pairs as u128 * product <= i32::MAX as u128),
                Form::Halves => assert!(product > 1 << 25),
            }
        }
        assert_eq!(Form::of(0), Form::Whole(super::LONGEST));
        assert_eq!(Form::of(1 << 30), Form::Halves);
        assert!(2 * HALVES as i64 * 255 * 32768 <= i32::MAX.into());
        assert!(2 * (HALVES as i64 + 1) * 255 * 32768 > i32::MAX.into());
    }
}
