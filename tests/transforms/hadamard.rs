//! Hadamard matrices in integers, and the fast transform against the reference, bit for bit.

use fewbit::Isa;
use fewbit::algorithms::AlgorithmError;
use fewbit::algorithms::rotate::{
    Direction, HADAMARD_BASES, Hadamard, HadamardOrder, Orders, Rotatable, expanded_order,
    hadamard_matrix, transform_reference,
};
use ndarray::{Array2, s};

use crate::data::Random;

const DIRECTIONS: [Direction; 2] = [Direction::Forward, Direction::Backward];

/// `H Hᵀ = n I` in integers.
fn is_hadamard(h: &Array2<i8>) -> bool {
    let n = h.nrows();
    let wide = h.mapv(i32::from);
    let product = wide.dot(&wide.t());
    h.ncols() == n
        && h.iter().all(|x| x.abs() == 1)
        && product.indexed_iter().all(|((i, j), &x)| x == if i == j { n as i32 } else { 0 })
}

#[test]
fn every_order_is_exact_in_integers() {
    let powers = (0..=10).map(|k| 1 << k);
    let others = HADAMARD_BASES.iter().flat_map(|&v| [v, 2 * v, 4 * v]);
    for n in powers.chain(others) {
        let h = hadamard_matrix(n).expect("a known order");
        assert!(is_hadamard(&h), "order {n}");
        // The check objects to a single wrong sign.
        if n > 1 {
            let mut wrong = h.clone();
            wrong[[n / 2, n - 1]] *= -1;
            assert!(!is_hadamard(&wrong), "order {n} with a wrong sign");
        }
    }
}

#[test]
fn every_order_is_orthogonal_after_scaling_in_single_precision() {
    for n in HADAMARD_BASES.iter().flat_map(|&v| [v, 8 * v]).chain([2, 1024]) {
        let rotation = fewbit::algorithms::rotate::Rotation::random_hadamard(n, 7).expect("known");
        let r = rotation.rotate(Array2::<f32>::eye(n).view()).expect("square").mapv(f64::from);
        let worst = (r.dot(&r.t()) - Array2::<f64>::eye(n)).fold(0f64, |w, x| w.max(x.abs()));
        assert!(worst < 1e-6, "order {n}: {worst:e}");
    }
}

#[test]
fn orders_without_a_base_are_refused() {
    for n in [0, 3, 6, 10, 24 * 11, 44, 76, 92, 172 * 3, 173] {
        assert_eq!(HadamardOrder::new(n), Err(AlgorithmError::HadamardOrder { order: n }));
        assert!(Hadamard::new(n).is_err() && hadamard_matrix(n).is_err());
    }
    let order = HadamardOrder::new(152 * 4).expect("known");
    assert_eq!((order.base(), order.log2(), order.order()), (152, 2, 608));
}

#[test]
fn expansion_goes_to_the_published_orders() {
    let from = |n: usize| {
        (1..=7).map(|k| expanded_order(n, k, Orders::Published).expect("small")).collect::<Vec<_>>()
    };
    assert_eq!(from(8192), [8960, 9216, 9728, 9984, 10240, 11008, 12288]);
    assert_eq!(from(14336)[..3], [15360, 17920, 18432]);
    assert_eq!(expanded_order(14336, 2, Orders::All), Ok(16384));
    assert_eq!(expanded_order(100, 0, Orders::All), Ok(100));
    assert_eq!(expanded_order(1, 1, Orders::Published), Ok(12));
    assert_eq!(expanded_order(1, 1, Orders::All), Ok(2));
    assert!(expanded_order(1 << 41, 1, Orders::All).is_err());
    // The next order really is the next one.
    for n in 1..2000 {
        let next = expanded_order(n, 1, Orders::All).expect("small");
        assert!(HadamardOrder::new(next).is_ok());
        assert!((n + 1..next).all(|m| HadamardOrder::new(m).is_err()), "{n} -> {next}");
    }
}

/// The reference against the product with the matrix, exact on small integers.
#[test]
fn the_reference_multiplies_by_the_matrix() {
    let mut random = Random(1);
    for n in [1, 2, 8, 12, 40, 52, 104, 156, 172, 152, 312] {
        let h = hadamard_matrix(n).expect("known").mapv(f64::from);
        let x: Vec<f64> = (0..n).map(|_| (random.next() % 201) as f64 - 100.0).collect();
        for direction in DIRECTIONS {
            let mut y = x.clone();
            transform_reference(&mut y, direction).expect("known");
            let row = ndarray::aview1(&x);
            let wanted = match direction {
                Direction::Forward => row.dot(&h),
                Direction::Backward => row.dot(&h.t()),
            };
            assert_eq!(y, wanted.to_vec(), "order {n} {direction:?}");
        }
    }
    assert!(transform_reference(&mut [0f32; 7], Direction::Forward).is_err());
}

fn numbers<T: Rotatable>(random: &mut Random, rows: usize, cols: usize) -> Array2<T> {
    Array2::from_shape_fn((rows, cols), |_| {
        let exponent = (random.next() % 24) as i32 - 12;
        T::of(random.normal() * 2f64.powi(exponent))
    })
}

fn same_bits<T: Rotatable>(a: &Array2<T>, b: &Array2<T>) -> bool {
    let bits = |x: &T| x.to_double().to_bits();
    a.dim() == b.dim() && a.iter().map(bits).eq(b.iter().map(bits))
}

fn fast_equals_reference<T: Rotatable>(n: usize, rows: usize, blocks: usize) {
    let mut random = Random(n as u64);
    let fast = Hadamard::new(n).expect("known");
    let x: Array2<T> = numbers(&mut random, rows, n * blocks);
    for direction in DIRECTIONS {
        let mut wanted = x.clone();
        for mut row in wanted.rows_mut() {
            for block in row.as_slice_mut().expect("standard layout").chunks_exact_mut(n) {
                transform_reference(block, direction).expect("known");
            }
        }
        for isa in Isa::available() {
            let mut got = x.clone();
            fast.transform_rows_with(isa, got.view_mut(), direction).expect("it divides");
            assert!(same_bits(&got, &wanted), "rows, order {n}, {isa}, {direction:?}");
        }
        // The same numbers along columns, and in rows that are not contiguous.
        let mut columns = x.t().as_standard_layout().into_owned();
        fast.transform_columns(columns.view_mut(), direction).expect("it divides");
        assert!(same_bits(&columns.reversed_axes(), &wanted), "columns, order {n} {direction:?}");
        let mut spread = Array2::<T>::zeros((rows, 2 * n * blocks));
        spread.slice_mut(s![.., ..;2]).assign(&x);
        fast.transform_rows(spread.slice_mut(s![.., ..;2]), direction).expect("it divides");
        assert!(same_bits(&spread.slice(s![.., ..;2]).to_owned(), &wanted));
        assert!(spread.slice(s![.., 1..;2]).iter().all(|x| *x == T::zero()));
    }
}

#[test]
fn the_fast_transform_has_the_bits_of_the_reference() {
    for n in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384] {
        fast_equals_reference::<f32>(n, 3, 1);
        fast_equals_reference::<f64>(n, 2, 1);
    }
    for v in HADAMARD_BASES {
        for k in [0, 1, 3, 4, 5] {
            fast_equals_reference::<f32>(v << k, 3, 1);
            fast_equals_reference::<f64>(v << k, 2, 1);
        }
    }
    // Blocks, and more columns than fit a strip.
    fast_equals_reference::<f32>(32, 37, 5);
    fast_equals_reference::<f64>(12, 70, 3);
    fast_equals_reference::<f32>(1 << 17, 1, 1);
}

#[test]
fn threads_do_not_matter() {
    let x: Array2<f32> = numbers(&mut Random(9), 130, 1024);
    let fast = Hadamard::new(1024).expect("known");
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let (mut rows, mut columns) = (x.clone(), x.t().as_standard_layout().into_owned());
        pool.install(|| {
            fast.transform_rows(rows.view_mut(), Direction::Forward).expect("it divides");
            fast.transform_columns(columns.view_mut(), Direction::Forward).expect("it divides");
        });
        (rows, columns)
    };
    let one = with(1);
    for threads in [2, 3] {
        let many = with(threads);
        assert!(same_bits(&one.0, &many.0) && same_bits(&one.1, &many.1));
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let fast = Hadamard::new(8).expect("known");
    let mut m = Array2::<f32>::zeros((3, 12));
    let group = |inputs, what| Err(AlgorithmError::Group { group: 8, inputs, what });
    let rows = fast.transform_rows(m.view_mut(), Direction::Forward);
    assert_eq!(rows, group(12, "the columns of a matrix"));
    let columns = fast.transform_columns(m.view_mut(), Direction::Forward);
    assert_eq!(columns, group(3, "the rows of a matrix"));
    let mut empty = Array2::<f32>::zeros((0, 16));
    assert_eq!(fast.transform_rows(empty.view_mut(), Direction::Backward), Ok(()));
}
