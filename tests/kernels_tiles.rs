//! Exact products of bytes at the edges of words, panels and tiles: every sign, shape, memory order and instruction set,
//! against sums of 64-bit products.

use fewbit::{Accumulator, Isa, MatmulOptions, Operand, PackedMatrix, matmul_into, matmul_packed};
use fewbit_testkit::Random;
use ndarray::{Array2, ArrayView2, ShapeBuilder, s};

/// `a b`, product by product.
fn expected<A: Operand, B: Operand>(a: ArrayView2<'_, A>, b: ArrayView2<'_, B>) -> Array2<i64> {
    let (a, b) = (a.mapv(Operand::to_i64), b.mapv(Operand::to_i64));
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(row, col)| {
        a.row(row).iter().zip(b.column(col)).map(|(a, b)| a * b).sum()
    })
}

fn check<A: Operand, B: Operand>(a: ArrayView2<'_, A>, b: ArrayView2<'_, B>) {
    let values = expected(a, b);
    let packed = PackedMatrix::new(b);
    let exact = Accumulator::exact();
    for isa in Isa::available() {
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let options = MatmulOptions { isa: Some(isa), ..MatmulOptions::default() };
            let case = format!("{isa}, {threads} threads, {:?} {:?}", a.dim(), b.dim());
            let product = pool.install(|| matmul_packed(a, &packed, &exact, &options)).unwrap();
            assert_eq!(product.values, values, "{case}");
            // Rows with columns around them, which stay as they are.
            let (rows, columns) = values.dim();
            let mut room = Array2::<i32>::from_elem((rows, columns + 5), -1);
            let among = s![.., 2..columns + 2];
            let out = room.slice_mut(among);
            pool.install(|| matmul_into(a, &packed, &exact, &options, out)).unwrap();
            assert_eq!(room.slice(among).mapv(i64::from), values, "{case}, into i32");
            room.slice_mut(among).fill(-1);
            assert!(room.iter().all(|&x| x == -1), "{case}, around the outputs");
            let wrap: Accumulator = "int32-wrap".parse().unwrap();
            let mut room = Array2::<i32>::from_elem(values.dim(), -1);
            pool.install(|| matmul_into(a, &packed, &wrap, &options, room.view_mut())).unwrap();
            assert_eq!(room, values.mapv(|x| x as i32), "{case}, 32 bits into i32");
            let wrap = "int11-wrap".parse().unwrap();
            let mut room = Array2::<i16>::from_elem(values.dim(), -1);
            pool.install(|| matmul_into(a, &packed, &wrap, &options, room.view_mut())).unwrap();
            let wrapped = values.mapv(|x| (x as i16) << 5 >> 5);
            assert_eq!(room, wrapped, "{case}, into i16");
        }
    }
}

/// Extreme codes among others, in either memory order.
fn codes(random: &mut Random, shape: (usize, usize), by_columns: bool) -> Array2<i8> {
    let draw = || match random.next() % 4 {
        0 => -128,
        1 => 127,
        _ => random.next() as i8,
    };
    Array2::from_shape_simple_fn(shape.set_f(by_columns), draw)
}

#[test]
fn every_sign_at_every_edge() {
    let mut random = Random(1);
    for m in [1, 5, 7, 8, 12, 31, 32, 33, 65] {
        for (n, k) in [
            (1, 64),
            (15, 63),
            (16, 1),
            (17, 3),
            (31, 4),
            (32, 65),
            (33, 128),
            (70, 130),
            (200, 65),
        ] {
            let by_columns = (m + n) % 2 == 0;
            let (a, b) =
                (codes(&mut random, (m, k), false), codes(&mut random, (k, n), by_columns));
            let (c, d) = (a.mapv(i8::cast_unsigned), b.mapv(i8::cast_unsigned));
            check(a.view(), b.view());
            check(a.view(), d.view());
            check(c.view(), b.view());
            check(c.view(), d.view());
        }
    }
}

/// Rows apart, columns apart, and rows that lie across.
#[test]
fn operands_as_they_lie_in_memory() {
    let mut random = Random(2);
    let wide = codes(&mut random, (80, 300), false);
    let b = codes(&mut random, (300, 80), false);
    let (rows, columns) = (wide.slice(s![..40, 10..141]), b.slice(s![10..141, 3..72]));
    check(rows, columns);
    check(wide.slice(s![..;2, ..;3]), b.slice(s![..;3, ..;2]));
    let across = codes(&mut random, (131, 40), false);
    check(across.t(), columns);
    check(rows, codes(&mut random, (66, 131), false).t());
}

/// Depths around the pieces that k is cut into.
#[test]
fn deep_products() {
    let mut random = Random(3);
    for k in [4095, 4096, 4097, 4160, 8191, 8193] {
        let (a, b) = (codes(&mut random, (33, k), false), codes(&mut random, (k, 140), true));
        check(a.view(), b.view());
        check(a.mapv(i8::cast_unsigned).view(), b.mapv(i8::cast_unsigned).view());
        check(b.t(), a.t());
    }
}

/// Sums beyond 32 bits, over more products than 32 bits hold the sum of.
#[test]
fn long_sums() {
    for k in [32_767, 32_768, 32_769, 65_600, 140_000] {
        let (a, b) = (Array2::from_elem((9, k), 255u8), Array2::from_elem((k, 40), 255u8));
        let packed = PackedMatrix::new(b.view());
        let least = Array2::from_elem((9, k), -128i8);
        for isa in Isa::available() {
            let options = MatmulOptions { isa: Some(isa), ..MatmulOptions::default() };
            let product = matmul_packed(a.view(), &packed, &Accumulator::exact(), &options);
            assert!(
                product.unwrap().values.iter().all(|&x| x == 255 * 255 * k as i64),
                "{isa} {k}"
            );
            let product = matmul_packed(least.view(), &packed, &Accumulator::exact(), &options);
            assert!(
                product.unwrap().values.iter().all(|&x| x == -128 * 255 * k as i64),
                "{isa} {k}"
            );
        }
    }
}

/// The check sees a sum that is off by one.
#[test]
#[should_panic(expected = "assertion")]
fn the_check_objects() {
    let a = Array2::from_elem((8, 64), 1i8);
    let mut b = Array2::from_elem((64, 8), 1i8);
    let values = expected(a.view(), b.view());
    b[[63, 7]] = 2;
    let product = fewbit::matmul(a.view(), b.view(), &Accumulator::exact(), &Default::default());
    assert_eq!(product.unwrap().values, values);
}
