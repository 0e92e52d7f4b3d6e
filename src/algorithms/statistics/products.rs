//! The products of a block of samples, in f32.
//!
//! ```text
//! block = 0; for every RUN rows:  run = 0; for each of them: run = fma(left, right, run);  block = block + run
//! ```
//! Lanes are columns, so that every sum takes the samples in this order, whatever the vectors: every instruction set gives the
//! same bits. They are those of a product by `matrixmultiply` too, where that has fused multiply-add.

use super::panel::{LANES, Panel};
use crate::simd::{
    FmaLanes, IsaKernel, Lanes, Simd, Vectorized, prefetch_ahead, prefetch_to_write,
};

/// Rows that are summed one after the other.
const RUN: usize = 256;

/// How many rows ahead the left panel is asked for: other panels may have driven it out of the nearer caches.
const AHEAD: usize = 16;

/// Which part of the products of two panels is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Both panels are one: what is on and above the diagonal.
    Upper,
    /// All of it.
    Full,
}

/// A right panel and where its products are added.
pub(super) struct Pair<'a> {
    pub(super) right: &'a Panel,
    pub(super) part: Part,
    /// `[left width, right width]`; of the upper part nothing below the diagonal means anything.
    pub(super) sums: &'a mut [f64],
}

/// Adds the products of each column of the left panel with each one of some right panels, over the first rows.
pub(super) struct Products<'a> {
    pub(super) left: &'a Panel,
    /// Rows.
    pub(super) count: usize,
    pub(super) pairs: Vec<Pair<'a>>,
}

impl IsaKernel for Products<'_> {
    type Output = ();

    fn run<S: Simd>(self, simd: S) {
        let lanes = simd.fma();
        if const { S::TUNING.registers.are_many() } {
            lanes.vectorize(Tiles::<_, 8> { lanes, products: self });
        } else {
            lanes.vectorize(Tiles::<_, 4> { lanes, products: self });
        }
    }
}

/// All tiles of `R` columns of the left panel by up to three vectors of a right one.
struct Tiles<'a, L, const R: usize> {
    lanes: L,
    products: Products<'a>,
}

impl<L: FmaLanes, const R: usize> Vectorized for Tiles<'_, L, R> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        const { assert!(LANES.is_multiple_of(L::N) && LANES.is_multiple_of(R)) };
        let Self { lanes, products: Products { left, count, mut pairs } } = self;
        for at in (0..left.width).step_by(R) {
            for pair in &mut pairs {
                let mut column = match pair.part {
                    Part::Upper => at / L::N * L::N,
                    Part::Full => 0,
                };
                while column < pair.right.width {
                    let vectors = ((pair.right.width - column) / L::N).min(3);
                    match vectors {
                        1 => pair.add::<L, R, 1>(lanes, (left, at), column, count),
                        2 => pair.add::<L, R, 2>(lanes, (left, at), column, count),
                        _ => pair.add::<L, R, 3>(lanes, (left, at), column, count),
                    }
                    column += vectors * L::N;
                }
            }
        }
    }
}

impl Pair<'_> {
    /// Adds the products of `R` columns of the left panel and `V` vectors of the right one.
    #[inline(always)]
    fn add<L: FmaLanes, const R: usize, const V: usize>(
        &mut self,
        lanes: L,
        (left, at): (&Panel, usize),
        column: usize,
        count: usize,
    ) {
        let right = self.right;
        // While products are summed, the totals come near.
        for row in at..at + R {
            prefetch_to_write(&mut self.sums[row * right.width + column..][..V * L::N]);
        }
        let runs = left.rows(count).chunks(RUN * left.width);
        let mut block = [[lanes.splat(0.0); V]; R];
        for (left_rows, right_rows) in runs.zip(right.rows(count).chunks(RUN * right.width)) {
            let mut run = [[lanes.splat(0.0); V]; R];
            let rows = left_rows.chunks_exact(left.width).zip(right_rows.chunks_exact(right.width));
            for (left_row, right_row) in rows {
                let factors = &left_row[at..at + R];
                prefetch_ahead(factors, AHEAD * left.width * size_of::<f32>());
                step(lanes, &mut run, factors, &right_row[column..column + V * L::N]);
            }
            for (block, run) in block.iter_mut().zip(run) {
                for (block, run) in block.iter_mut().zip(run) {
                    *block = lanes.fma_even(run, lanes.splat(1.0), *block);
                }
            }
        }
        let mut sums = [0f32; LANES];
        for (row, block) in block.iter().enumerate() {
            for (v, &block) in block.iter().enumerate() {
                let sums = &mut sums[..L::N];
                lanes.store(block, sums);
                let start = (at + row) * right.width + column + v * L::N;
                let totals = &mut self.sums[start..start + L::N];
                totals.iter_mut().zip(sums).for_each(|(total, sum)| *total += f64::from(*sum));
            }
        }
    }
}

#[inline(always)]
fn step<L: FmaLanes, const R: usize, const V: usize>(
    lanes: L,
    run: &mut [[L::V; V]; R],
    left: &[f32],
    right: &[f32],
) {
    let mut vectors = [lanes.splat(0.0); V];
    for v in 0..V {
        vectors[v] = lanes.load(&right[v * L::N..]);
    }
    for r in 0..R {
        let x = lanes.splat(left[r]);
        for v in 0..V {
            run[r][v] = lanes.fma_even(vectors[v], x, run[r][v]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Isa;
    use fewbit_testkit::Random;
    use ndarray::Array2;

    /// Sums as the head of this file has them.
    fn scalar(left: &[f32], right: &[f32]) -> f64 {
        let mut block = 0f32;
        for (left, right) in left.chunks(RUN).zip(right.chunks(RUN)) {
            block += left.iter().zip(right).fold(0f32, |run, (&x, &y)| x.mul_add(y, run));
        }
        block.into()
    }

    #[test]
    fn every_instruction_set_sums_in_the_same_order() {
        let mut random = Random(5);
        for (rows, left, right) in [(1, 1, 17), (255, 16, 48), (700, 33, 5), (1024, 48, 40)] {
            let mut matrix = |columns| {
                let number = || (random.next() >> 40) as f32 / 65536.0 - 100.0;
                Array2::from_shape_simple_fn((rows, columns), number)
            };
            let (x, y) = (matrix(left), matrix(right));
            let panel = |matrix: &Array2<f32>| {
                let mut panels = Panel::of_groups(1, matrix.ncols());
                panels[0].push(0, matrix.view());
                panels.remove(0)
            };
            let (left, right) = (panel(&x), panel(&y));
            for isa in Isa::available() {
                for part in [Part::Full, Part::Upper] {
                    let (right, y) = if part == Part::Full { (&right, &y) } else { (&left, &x) };
                    let mut sums = vec![0.5; left.width * right.width];
                    let pairs = vec![Pair { right, part, sums: &mut sums }];
                    let products = Products { left: &left, count: rows, pairs };
                    isa.detect().unwrap().run_without_vnni(products);
                    for i in 0..x.ncols() {
                        for j in if part == Part::Full { 0 } else { i }..y.ncols() {
                            let (x, y) = (x.column(i).to_vec(), y.column(j).to_vec());
                            let wanted = 0.5 + scalar(&x, &y);
                            assert_eq!(sums[i * right.width + j], wanted, "{isa} {rows} {i} {j}");
                        }
                    }
                }
            }
        }
    }
}
