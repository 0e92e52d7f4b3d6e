//! The int16 micro-kernel: exact sums of products of 16-bit codes.
//!
//! The instruction multiplies pairs and adds both products in 32 bits, which hold 2 p only where p, the greatest product,
//! is below 2^30: (-32768)² + (-32768)² is 2^31. So a chunk of k is as long as 32 bits hold its sum, and chunks are added
//! in 64 bits. Where chunks would be short, each code of the broadcast operand is cut into its high and its low byte,
//! `a = 256 h + l`, of which each is multiplied: `|l b| <= 255 * 2^15`, so that 128 pairs fit.

use super::blocking::{MicroKernel, PackedOperands, TileIndex};
use crate::kernels::operand::geometry::PackedPair;
use crate::kernels::operand::int16::{Int16Panels, MR, NR};
use crate::kernels::operand::panels::load_vectors;
use crate::simd::{ByteLanes, Vectorized};

/// Pairs of a chunk of halves: `128 * 2 * 255 * 2^15 < 2^31`.
const HALVES: usize = 128;
/// Chunks of whole codes that are shorter than so many pairs are not worth it.
const SHORTEST: usize = 16;
/// The most pairs of a chunk.
const LONGEST: usize = 1 << 12;

/// Two operands, and the greatest product of their codes.
pub(crate) struct Int16Product<'a> {
    pub(crate) pair: &'a PackedPair<Int16Panels>,
    pub(crate) product: u128,
}

impl PackedOperands for Int16Product<'_> {
    type Kernel<'s, L: ByteLanes>
        = Int16Kernel<'s, L>
    where
        Self: 's;

    const SIZE: (usize, usize) = (MR, NR);
    const LEAST_PRODUCTS: usize = 1 << 17;

    fn k(&self) -> usize {
        self.pair.k
    }

    fn micro_kernel<L: ByteLanes>(&self, lanes: L) -> Int16Kernel<'_, L> {
        Int16Kernel { lanes, pair: self.pair, form: Form::of(self.product) }
    }
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

/// The micro-kernel.
pub(crate) struct Int16Kernel<'a, L> {
    lanes: L,
    pair: &'a PackedPair<Int16Panels>,
    form: Form,
}

impl<L: ByteLanes> MicroKernel for Int16Kernel<'_, L> {
    /// Of all chunks that 32 bits hold the sums of.
    type Sum = i64;

    const MR: usize = MR;
    const NR: usize = NR;

    #[inline(always)]
    fn chunks(&self) -> usize {
        usize::from(self.pair.k > 0)
    }

    #[inline(always)]
    fn panel_bytes(&self) -> usize {
        self.pair.k * NR * size_of::<i16>()
    }

    #[inline(always)]
    fn sum(&self, at: TileIndex, sums: &mut [i64]) {
        let Self { lanes, pair, form } = *self;
        sums.fill(0);
        let a = pair.broadcast.panel(at.block).chunks(MR * form.pairs());
        let b = pair.lanes.panel(at.panel).chunks(NR * form.pairs());
        for (a, b) in a.zip(b) {
            if const { L::REGISTERS.are_many() } {
                chunk::<L, 4, 4>(lanes, form, (a, b), at.width, sums);
            } else if const { L::REGISTERS.are_few() } {
                chunk::<L, 1, 1>(lanes, form, (a, b), at.width, sums);
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
                lanes.vectorize(Whole::<L, MR, V> { lanes, a, b, sums });
            }
            Form::Halves => {
                for row in (0..MR).step_by(3) {
                    let (a, sums) = (a.get(row..).unwrap_or(&[]), &mut sums[row * NR + from..]);
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

impl<L: ByteLanes, const R: usize, const V: usize> Vectorized for Whole<'_, L, R, V> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, a, b, sums } = self;
        let mut tile = [[lanes.splat(0); V]; R];
        for (a, b) in a.chunks(MR).zip(b.chunks(NR)) {
            let (a, b) = (&a[..R], load_vectors::<L, V>(lanes, b));
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

impl<L: ByteLanes, const R: usize, const V: usize> Vectorized for Halves<'_, L, R, V> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, a, b, sums } = self;
        let mut low = [[lanes.splat(0); V]; R];
        let mut high = low;
        for (a, b) in a.chunks(MR).zip(b.chunks(NR)) {
            let (a, b) = (&a[..R], load_vectors::<L, V>(lanes, b));
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
    for (row, sums) in tile.iter().zip(sums.chunks_mut(NR)) {
        for (vector, sums) in row.iter().zip(sums.chunks_exact_mut(L::N)) {
            let mut words = [0; 16];
            lanes.store(*vector, &mut words);
            for (sum, word) in sums.iter_mut().zip(words) {
                *sum += i64::from(word) << shift;
            }
        }
    }
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
