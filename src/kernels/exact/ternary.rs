//! The ternary micro-kernel: bits of binary and ternary codes are compared and counted, 64 products in a word.
//!
//! A code of -1, 0 or 1 is two bits: its sign, and whether it is there at all. Of the products of two words, those that
//! are there are `m = ma & mb`, and those that are -1 among them `d = (sa ^ sb) & m`, so that
//!
//! ```text
//! Σ a b = |m| - 2 |d|
//! ```
//! An operand without zeros (binary) has no `m` of its own: `|m|` is then how many of the other's codes are there, which
//! is counted once, or K. Codes of 0 and 1 are ternary codes without signs.

use ndarray::ArrayViewMut2;

use super::blocking::{Fill, MicroKernel, TileIndex, in_parts};
use crate::kernels::operand::geometry::PackedPair;
use crate::kernels::operand::ternary::{K_TILE, MR, NR, TernaryPanels};
use crate::kernels::output::{Output, StoreMode};
use crate::kernels::parallel::Part;
use crate::simd::{BitLanes, Detected, IsaKernel, Simd, Vectorized};

/// Writes the product to `out`: the broadcast operand's outputs by those in lanes.
pub(crate) fn multiply<T: Output>(
    out: ArrayViewMut2<'_, T>,
    pair: &PackedPair<TernaryPanels>,
    store: StoreMode,
    isa: Detected,
) {
    let least = (1 << 20) / pair.k.max(1);
    in_parts(out, (MR, NR), least, |part| isa.run(TernaryJob { part, pair, store }));
}

/// One part of the outputs.
struct TernaryJob<'a, 'o, T> {
    part: Part<'o, T>,
    pair: &'a PackedPair<TernaryPanels>,
    store: StoreMode,
}

impl<T: Output> IsaKernel for TernaryJob<'_, '_, T> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        match simd.popcnt() {
            Some(lanes) => self.run_in(lanes),
            None => self.run_in(simd.bits()),
        }
    }
}

impl<T: Output> TernaryJob<'_, '_, T> {
    fn run_in<L: BitLanes>(self, lanes: L) {
        let Self { part, pair, store } = self;
        lanes.vectorize(Fill { part, kernel: TernaryKernel { lanes, pair }, store });
    }
}

/// The micro-kernel.
struct TernaryKernel<'a, L> {
    lanes: L,
    pair: &'a PackedPair<TernaryPanels>,
}

impl<L: BitLanes> MicroKernel for TernaryKernel<'_, L> {
    type Sum = i64;

    const MR: usize = MR;
    const NR: usize = NR;

    #[inline(always)]
    fn chunks(&self) -> usize {
        usize::from(self.pair.k > 0)
    }

    #[inline(always)]
    fn panel_bytes(&self) -> usize {
        self.pair.k.div_ceil(K_TILE) * 2 * NR * size_of::<u64>()
    }

    #[inline(always)]
    fn sum(&self, at: TileIndex, sums: &mut [i64]) {
        let (lanes, PackedPair { broadcast, lanes: columns, k, .. }) = (self.lanes, self.pair);
        let (a, b) = (broadcast.panel(at.block), columns.panel(at.panel));
        let counts: &mut [u64] = bytemuck::cast_slice_mut(sums);
        match (broadcast.has_zeros(), columns.has_zeros()) {
            (false, false) => sum::<L, false, false>(lanes, a, b, at.width, counts),
            (false, true) => sum::<L, false, true>(lanes, a, b, at.width, counts),
            (true, false) => sum::<L, true, false>(lanes, a, b, at.width, counts),
            (true, true) => sum::<L, true, true>(lanes, a, b, at.width, counts),
        }
        // How many products of an output are not zero.
        for (row, sums) in sums.chunks_exact_mut(NR).enumerate().take(at.height) {
            match (broadcast.has_zeros(), columns.has_zeros()) {
                (false, false) => subtract_twice(sums, std::iter::repeat(*k as i64)),
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
    if const { L::REGISTERS.are_many() } {
        in_vectors::<L, 4, A, B>(lanes, a, b, width, counts);
    } else {
        in_vectors::<L, 1, A, B>(lanes, a, b, width, counts);
    }
}

#[inline(always)]
fn in_vectors<L: BitLanes, const V: usize, const A: bool, const B: bool>(
    lanes: L,
    a: &[u64],
    b: &[u64],
    width: usize,
    counts: &mut [u64],
) {
    for from in (0..width).step_by(V * L::N) {
        let (b, counts) = (b.get(from..).unwrap_or(&[]), &mut counts[from..]);
        lanes.vectorize(Tile::<L, V, A, B> { lanes, a, b, counts });
    }
}

/// The counts of [`MR`] by `V` vectors of outputs. `A` and `B`: whether the operand has zeros.
struct Tile<'a, L, const V: usize, const A: bool, const B: bool> {
    lanes: L,
    a: &'a [u64],
    b: &'a [u64],
    counts: &'a mut [u64],
}

impl<L: BitLanes, const V: usize, const A: bool, const B: bool> Vectorized
    for Tile<'_, L, V, A, B>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { lanes, a, b, counts } = self;
        let zero = lanes.splat(0);
        let mut sums = [[zero; V]; MR];
        for (a, b) in a.chunks_exact(2 * MR).zip(b.chunks(2 * NR)) {
            let (mut signs, mut there) = ([zero; V], [zero; V]);
            for v in 0..V {
                signs[v] = lanes.load(&b[v * L::N..]);
                if B {
                    there[v] = lanes.load(&b[NR + v * L::N..]);
                }
            }
            for row in 0..MR {
                let sign = lanes.splat(a[row]);
                let mask = if A { lanes.splat(a[MR + row]) } else { zero };
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
        for (row, counts) in sums.iter().zip(counts.chunks_mut(NR)) {
            for (v, sum) in row.iter().enumerate() {
                lanes.store(*sum, &mut counts[v * L::N..]);
            }
        }
    }
}
