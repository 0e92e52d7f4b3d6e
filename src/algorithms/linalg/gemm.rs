//! The product that everything else is built on.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

use super::packed::Packed;
use super::panels::{Panels, Threads};
use super::tiles::{DEPTH, Reach, Store, Tiled, Tiles};
use super::{Scalar, share};
use crate::memory::zero_matrix;
use crate::simd::{Detected, Isa};
use crate::tasks;

/// The most rows of a parallel task.
const ROWS: usize = 256;
/// The same of a triangle, whose tasks differ in size.
const LOWER: usize = 64;

/// Fewer products than this are computed sooner than panels are laid out for them.
const SMALL: usize = 1 << 21;

/// `C <- alpha A B + beta C` by one thread.
///
/// # Panics
/// Where the shapes do not fit.
pub(crate) fn multiply<T: Scalar>(
    alpha: T,
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    beta: T,
    mut c: ArrayViewMut2<'_, T>,
) {
    if a.len().saturating_mul(b.ncols()) < SMALL {
        return general_mat_mul(alpha, &a, &b, beta, &mut c);
    }
    multiply_on(Detected::best(), Threads::One, (alpha, beta), (a, b), c);
}

/// `C <- alpha A B + beta C`, rows of C in parallel.
///
/// # Panics
/// Where the shapes do not fit.
pub fn gemm<T: Scalar>(
    alpha: T,
    a: ArrayView2<'_, T>,
    b: ArrayView2<'_, T>,
    beta: T,
    c: ArrayViewMut2<'_, T>,
) {
    multiply_on(Detected::best(), Threads::All, (alpha, beta), (a, b), c);
}

fn multiply_on<T: Scalar>(
    isa: Detected,
    threads: Threads,
    (alpha, beta): (T, T),
    (mut a, mut b): (ArrayView2<'_, T>, ArrayView2<'_, T>),
    mut c: ArrayViewMut2<'_, T>,
) {
    let (one, count) = (T::one(), a.ncols());
    assert_eq!((a.nrows(), count, b.ncols()), (c.nrows(), b.nrows(), c.ncols()), "shapes");
    // Rows of C have to lie in one piece; transposed, a product has its factors exchanged.
    if c.ncols() == 1 || c.strides()[1].abs() != 1 {
        (a, b, c) = (b.reversed_axes(), a.reversed_axes(), c.reversed_axes());
    }
    if c.strides()[1] == -1 {
        b.invert_axis(Axis(1));
        c.invert_axis(Axis(1));
    }
    let in_pieces = c.ncols() <= 1 || c.strides()[1] == 1;
    // The portable set would have to imitate fused products.
    let has_tiles =
        isa.isa() != Isa::Portable && alpha.abs() == one && (beta == one || beta.is_zero());
    if !(in_pieces && has_tiles) || c.is_empty() || count == 0 {
        let rows = if threads == Threads::One { c.nrows() } else { share(c.nrows(), ROWS) };
        let chunks = c.axis_chunks_iter_mut(Axis(0), rows.max(1));
        return tasks::for_each(
            chunks.zip(a.axis_chunks_iter(Axis(0), rows.max(1))),
            |(mut c, a)| {
                general_mat_mul(alpha, &a, &b, beta, &mut c);
            },
        );
    }
    let mut right = Panels::new(isa, (count.min(DEPTH), c.ncols()));
    for from in (0..count).step_by(DEPTH) {
        let store = if from == 0 && beta.is_zero() { Store::Set } else { Store::Add };
        let depth = from..(from + DEPTH).min(count);
        right.fill(b.slice(s![depth.clone(), ..]), threads);
        let rows = share(c.nrows(), ROWS);
        let left = a.slice(s![.., depth.clone()]);
        let left = left.axis_chunks_iter(Axis(0), rows);
        let chunks = c.axis_chunks_iter_mut(Axis(0), rows);
        let task = |(c, left): (ArrayViewMut2<'_, T>, ArrayView2<'_, T>)| {
            let left = &Packed::new(isa, left, Threads::One);
            let (depth, reach) = (0..depth.len(), Reach::Full);
            T::run(Tiles { isa, alpha, store, reach, left, depth, right: &right, first: 0, c });
        };
        match threads {
            Threads::One => chunks.zip(left).for_each(task),
            Threads::All => tasks::for_each(chunks.zip(left), task),
        }
    }
}

/// `C <- C - A Aᵀ` on and below the diagonal; what is above it means nothing afterwards. Rows of C in parallel.
pub(super) fn subtract_square(a: ArrayView2<'_, f64>, mut c: ArrayViewMut2<'_, f64>) {
    let isa = Detected::best();
    let whole = c.ncols() <= 1 || c.strides()[1] == 1;
    if isa.isa() == Isa::Portable || !whole || a.is_empty() {
        let chunks = c.axis_chunks_iter_mut(Axis(0), LOWER).enumerate();
        return tasks::for_each(chunks, |(index, mut c)| {
            let (start, end) = (index * LOWER, index * LOWER + c.nrows());
            let (left, right) = (a.slice(s![start..end, ..]), a.slice(s![..end, ..]));
            general_mat_mul(-1.0, &left, &right.t(), 1.0, &mut c.slice_mut(s![.., ..end]));
        });
    }
    let mut right = Panels::new(isa, (a.ncols().min(DEPTH), c.ncols()));
    for from in (0..a.ncols()).step_by(DEPTH) {
        let left = a.slice(s![.., from..(from + DEPTH).min(a.ncols())]);
        right.fill(left.t(), Threads::All);
        let left = left.axis_chunks_iter(Axis(0), LOWER);
        let chunks = c.axis_chunks_iter_mut(Axis(0), LOWER);
        tasks::for_each(chunks.zip(left).enumerate(), |(index, (c, left))| {
            let (store, reach) = (Store::Add, Reach::Lower(index * LOWER));
            let (depth, right) = (0..left.ncols(), &right);
            let left = &Packed::new(isa, left, Threads::One);
            f64::run(Tiles { isa, alpha: -1.0, store, reach, left, depth, right, first: 0, c });
        });
    }
}

/// `A B`.
///
/// # Panics
/// Where the shapes do not fit.
pub fn product<T: Scalar>(a: ArrayView2<'_, T>, b: ArrayView2<'_, T>) -> Array2<T> {
    let mut c = zero_matrix((a.nrows(), b.ncols()));
    gemm(T::one(), a, b, T::zero(), c.view_mut());
    c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Float;
    use fewbit_testkit::Random;

    /// Sums as the head of `tiles` has them.
    fn scalar<T: Scalar>(
        (alpha, beta): (T, T),
        a: ArrayView2<'_, T>,
        b: ArrayView2<'_, T>,
        c: T,
    ) -> T {
        let pairs: Vec<(T, T)> = a.iter().copied().zip(b.iter().copied()).collect();
        let run = |run: &[(T, T)]| run.iter().fold(T::zero(), |sum, &(a, b)| a.mul_add(b, sum));
        pairs.chunks(256).map(run).fold(beta * c, |sum, run| sum + alpha * run)
    }

    fn all<T: Scalar + Tiled + Float>(seed: u64) {
        let mut random = Random(seed);
        let mut matrix = |rows, cols| {
            let number = || T::nearest((random.next() >> 40) as f64 / 65536.0 - 100.0);
            Array2::from_shape_simple_fn((rows, cols), number)
        };
        let one = T::one();
        let sizes = [(1, 1, 1), (7, 300, 5), (9, 257, 50), (17, 20, 64), (40, 513, 1), (1, 70, 99)];
        for (m, k, n) in sizes.into_iter().chain([(300, 40, 330), (8, 512, 1000), (13, 1500, 37)]) {
            let (a, b, c) = (matrix(m, k), matrix(k, n), matrix(m, n));
            let turned = |m: &Array2<T>| m.t().as_standard_layout().into_owned();
            let (at, bt, ct) = (turned(&a), turned(&b), turned(&c));
            // The same matrices, the other way round in memory.
            let back = |m: &Array2<T>| m.slice(s![..;-1, ..;-1]).as_standard_layout().into_owned();
            let (a_back, b_back) = (back(&a), back(&b));
            let flip = s![..;-1, ..;-1];
            let lefts = [a.view(), at.t(), a_back.slice(flip), at.t()];
            let rights = [b.view(), bt.t(), bt.t(), b_back.slice(flip)];
            let both = |isa| [(isa, Threads::One), (isa, Threads::All)];
            for (isa, threads) in Isa::available().flat_map(both) {
                if isa == Isa::Portable {
                    continue;
                }
                let isa = isa.detect().expect("it is there");
                for (alpha, beta) in [(one, one), (-one, one), (one, T::zero())] {
                    let expected = Array2::from_shape_fn((m, n), |(i, j)| {
                        let row = a.slice(s![i..=i, ..]);
                        let column = bt.slice(s![j..=j, ..]);
                        scalar((alpha, beta), row, column, c[[i, j]])
                    });
                    for (at, (left, right)) in lefts.into_iter().zip(rights).enumerate() {
                        let factors = (left, right);
                        let mut found = match at {
                            0 | 1 => c.clone(),
                            2 => back(&c),
                            _ => ct.clone(),
                        };
                        let view = match at {
                            0 | 1 => found.view_mut(),
                            2 => found.slice_mut(flip),
                            _ => found.view_mut().reversed_axes(),
                        };
                        multiply_on(isa, threads, (alpha, beta), factors, view);
                        let found = match at {
                            0 | 1 => found,
                            2 => back(&found),
                            _ => found.reversed_axes(),
                        };
                        assert_eq!(found, expected, "{} {at} {m} {k} {n}", isa.isa());
                    }
                }
            }
        }
    }

    #[test]
    fn every_instruction_set_sums_in_the_same_order() {
        all::<f32>(5);
        all::<f64>(6);
    }

    #[test]
    fn a_square_is_subtracted_as_any_product_is() {
        let mut random = Random(8);
        for (n, k) in [(1, 1), (5, 9), (64, 300), (131, 40), (200, 1100)] {
            let mut matrix =
                |m, n| Array2::from_shape_simple_fn((m, n), || random.normal()) as Array2<f64>;
            let (a, c) = (matrix(n, k), matrix(n, n));
            let (mut found, mut expected) = (c.clone(), c);
            subtract_square(a.view(), found.view_mut());
            multiply(-1.0, a.view(), a.t(), 1.0, expected.view_mut());
            for ((i, j), &found) in found.indexed_iter() {
                assert!(j > i || found == expected[[i, j]], "{n} {k} {i} {j}");
            }
        }
    }

    #[test]
    fn other_factors_and_no_products_are_as_they_should_be() {
        let (a, b) = (Array2::from_elem((2, 3), 2f64), Array2::from_elem((3, 2), 1.0));
        let mut c = Array2::from_elem((2, 2), 1.0);
        gemm(0.5, a.view(), b.view(), 3.0, c.view_mut());
        assert_eq!(c, Array2::from_elem((2, 2), 6.0));
        gemm(1.0, a.slice(s![.., ..0]), b.slice(s![..0, ..]), 0.0, c.view_mut());
        assert_eq!(c, Array2::<f64>::zeros((2, 2)));
        assert_eq!(product(a.slice(s![..0, ..]), b.view()).dim(), (0, 2));
    }
}
