//! Sums that need no stepping: bits of binary and ternary codes, 16-bit codes, codes that are unpacked, room of the
//! caller. All equal to the scalar reference.

use fewbit::convert::{PackOrder, pack, packed_len};
use fewbit::formats::Format;
use fewbit::{
    Accumulator, Isa, MatmulError, MatmulOptions, Operand, Output, PackedMatrix, ReportLevel,
    matmul, matmul_into, matmul_packed, reference,
};
use ndarray::{Array2, ArrayView2, Axis, ShapeBuilder};
use proptest::prelude::*;

const LEVELS: [ReportLevel; 3] = [ReportLevel::None, ReportLevel::Events, ReportLevel::Full];

fn acc(text: &str) -> Accumulator {
    text.parse().unwrap()
}

/// Every instruction set and level, on one thread and on three, both ways round.
fn check<A: Operand, B: Operand>(a: ArrayView2<'_, A>, b: ArrayView2<'_, B>, texts: &[&str]) {
    one_way(a, b, texts);
    one_way(b.t(), a.t(), texts);
}

fn one_way<A: Operand, B: Operand>(a: ArrayView2<'_, A>, b: ArrayView2<'_, B>, texts: &[&str]) {
    let wide = (a.mapv(Operand::to_i64), b.mapv(Operand::to_i64));
    let packed = PackedMatrix::new(b);
    for text in texts {
        let acc = acc(text);
        let (values, report) = reference::matmul(wide.0.view(), wide.1.view(), &acc).unwrap();
        for isa in Isa::available() {
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                for level in LEVELS {
                    let options = MatmulOptions { report: level, isa: Some(isa), init: None };
                    let product = pool.install(|| matmul_packed(a, &packed, &acc, &options));
                    let product = product.unwrap();
                    let case = format!("{acc} on {isa}, {level:?}, {:?} {:?}", a.dim(), b.dim());
                    assert_eq!(product.values, values, "{case}");
                    if let Some(found) = product.report {
                        assert_eq!(found, report, "{case}");
                    }
                    for (found, stage) in product.events.iter().flatten().zip(&report.stages) {
                        let found = (found.events, found.outputs, found.first);
                        assert_eq!(found, (stage.events, stage.outputs, stage.first), "{case}");
                    }
                }
            }
        }
    }
}

struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    fn of(&mut self, (rows, cols): (usize, usize), codes: &[i8], by_columns: bool) -> Array2<i8> {
        let draw = || codes[self.next() as usize % codes.len()];
        Array2::from_shape_simple_fn((rows, cols).set_f(by_columns), draw)
    }
}

const BINARY: &[i8] = &[-1, 1];
const TERNARY: &[i8] = &[-1, 0, 1];
const SPARSE: &[i8] = &[0, 0, 0, 0, 0, 1, -1];
const BOOLEAN: &[i8] = &[0, 1];

/// Every pair of kinds, at depths around the words of bits, in both memory orders.
#[test]
fn binary_and_ternary_codes() {
    let mut numbers = Numbers(5);
    let kinds = [BINARY, TERNARY, SPARSE, BOOLEAN];
    let texts =
        ["exact", "int4-wrap", "int6-sat", "int9-sat", "int10-wrap", "int5-sat/32,int8-wrap"];
    for (index, (m, k, n)) in
        [(1, 128, 1), (7, 129, 33), (6, 520, 64), (13, 192, 31), (5, 640, 100), (4, 2090, 35)]
            .into_iter()
            .enumerate()
    {
        for a in kinds {
            for b in kinds {
                let a = numbers.of((m, k), a, index % 2 == 1);
                let b = numbers.of((k, n), b, index % 3 == 1);
                check(a.view(), b.view(), &texts[..if index < 3 { 6 } else { 2 }]);
            }
        }
        let unsigned = numbers.of((m, k), BOOLEAN, false).mapv(|x| x as u8);
        check(unsigned.view(), numbers.of((k, n), TERNARY, false).view(), &["exact", "int7-wrap"]);
    }
}

/// All sums of one sign, up to K itself, and one code that is other than all others at every place.
#[test]
fn extreme_sums_of_bits() {
    for k in [128, 130, 520] {
        let ones = Array2::from_elem((3, k), 1i8);
        let minus = Array2::from_elem((k, 34), -1i8);
        check(ones.view(), minus.view(), &["exact", "int9-sat", "int8-sat", "int8-wrap"]);
        for at in 0..k {
            for code in [0i8, -1] {
                let mut a = ones.clone();
                a.column_mut(at).fill(code);
                let options = MatmulOptions::default();
                for isa in Isa::available() {
                    let options = MatmulOptions { isa: Some(isa), ..options };
                    let found = matmul(a.view(), minus.view(), &acc("exact"), &options).unwrap();
                    let expected = -(k as i64) + 1 - i64::from(code);
                    assert!(found.values.iter().all(|&x| x == expected), "{code} at {at} on {isa}");
                }
            }
        }
    }
}

/// Addition that wraps does not care for the order of bits; addition that saturates does.
#[test]
fn the_order_of_bits_matters_to_saturation_alone() {
    let a = Array2::from_shape_fn((4, 256), |(_, k)| if k < 128 { 1i8 } else { -1 });
    let b = Array2::from_elem((256, 40), 1i8);
    let order: Vec<usize> = (0..128).flat_map(|i| [i, i + 128]).collect();
    let shuffled = a.select(Axis(1), &order);
    for isa in Isa::available() {
        let options = MatmulOptions { isa: Some(isa), ..Default::default() };
        let run = |a: &Array2<i8>, text| matmul(a.view(), b.view(), &acc(text), &options).unwrap();
        assert_eq!(run(&a, "int6-wrap").values, run(&shuffled, "int6-wrap").values);
        assert_eq!(run(&a, "int6-sat").values[[0, 0]], -32);
        assert_eq!(run(&shuffled, "int6-sat").values[[0, 0]], 0);
    }
}

/// Products of 16-bit codes at both ends of their range, at every place of a pair and around the ends of chunks.
#[test]
fn words_at_the_ends_of_their_range() {
    for k in [1, 2, 3, 255, 256, 257, 514, 1031] {
        for (left, right) in [(i16::MIN, i16::MIN), (i16::MIN, i16::MAX), (i16::MAX, i16::MAX)] {
            let a = Array2::from_elem((3, k), left);
            let b = Array2::from_elem((k, 5), right);
            let sum = i64::from(left) * i64::from(right) * k as i64;
            for isa in Isa::available() {
                let options = MatmulOptions { isa: Some(isa), ..Default::default() };
                let found = matmul(a.view(), b.view(), &acc("exact"), &options).unwrap();
                assert!(found.values.iter().all(|&x| x == sum), "{left} {right} {k} on {isa}");
                let found = matmul(a.view(), b.view(), &acc("int33-wrap"), &options).unwrap();
                assert!(found.values.iter().all(|&x| x == sum << 31 >> 31));
            }
        }
    }
    for k in [2, 5, 64] {
        for at in 0..k - 1 {
            let here = |i: usize| (at..at + 2).contains(&i);
            let a = Array2::from_shape_fn((7, k), |(_, i)| if here(i) { i16::MIN } else { 1 });
            let b = Array2::from_shape_fn((k, 66), |(i, _)| if here(i) { i16::MIN } else { -1 });
            check(a.view(), b.view(), &["exact", "int32-wrap"]);
        }
    }
}

/// Chunks as long as 32 bits allow: 12-bit codes, whose sums are whole, and 13-bit ones, which are cut.
#[test]
fn words_of_every_width() {
    let mut numbers = Numbers(9);
    for bits in [2, 8, 9, 11, 12, 13, 14, 15, 16] {
        let mut draw = |(rows, cols): (usize, usize), ends: bool| {
            Array2::from_shape_simple_fn((rows, cols), || {
                let half = 1i64 << (bits - 1);
                let x = numbers.next() as i64 % (2 * half) - half;
                (if ends { if x < 0 { -half } else { half - 1 } } else { x }) as i16
            })
        };
        for ends in [false, true] {
            let (a, b) = (draw((5, 700), ends), draw((700, 70), ends));
            check(a.view(), b.view(), &["exact", "int20-wrap", "int64-sat"]);
        }
    }
    let a = Array2::from_elem((2, 9000), 300i16);
    let b = Array2::from_elem((9000, 3), -128i8);
    check(a.view(), b.view(), &["exact"]);
}

/// Tiles of one product are filled up to words, of which there are then as many as products.
#[test]
fn deep_sums_in_short_tiles() {
    for tile in [1, 2, 3, 5] {
        let a = Array2::from_elem((2, 16_000), 1u8);
        let b = Array2::from_shape_fn((16_000, 3), |(k, _)| i8::from(k % 5 != 4));
        let text = format!("int20-sat/{tile},int24-sat");
        check(a.view(), b.view(), &[&text]);
        check(a.mapv(|x| x.cast_signed()).view(), b.view(), &[&text]);
    }
}

/// The same where only some panels of outputs are certified.
#[test]
fn deep_sums_in_short_tiles_of_some_columns() {
    let a = Array2::from_elem((2, 16_000), 200u8);
    let b = Array2::from_shape_fn((16_000, 130), |(_, j)| if j < 64 { 1i8 } else { 127 });
    one_way(a.view(), b.view(), &["int12-sat/1,int24-sat"]);
}

/// Shifts of signed codes over many chunks.
#[test]
fn signed_bytes_over_chunks() {
    let mut numbers = Numbers(17);
    let full: Vec<i8> = (i8::MIN..=i8::MAX).collect();
    for k in [255, 256, 257, 511, 512, 513, 767, 768, 769, 1024, 1500] {
        let (a, b) = (numbers.of((8, k), &full, false), numbers.of((k, 70), &full, false));
        let c = b.mapv(i8::cast_unsigned);
        check(a.view(), b.view(), &["exact"]);
        check(a.view(), c.view(), &["exact"]);
        check(a.mapv(i8::cast_unsigned).view(), c.view(), &["exact"]);
    }
}

#[test]
fn packed_codes_are_the_codes() {
    let mut numbers = Numbers(21);
    for name in ["int4", "uint4", "int2", "uint1", "int3", "int8", "uint8", "int7n"] {
        let format: Format = name.parse().unwrap();
        let Format::Int(int) = format else { panic!("{name}") };
        let (k, n) = (37, 19);
        let values = Array2::from_shape_simple_fn((k, n), || {
            int.min() + numbers.next() as i64 % (int.max() - int.min() + 1)
        });
        let a = Array2::from_shape_simple_fn((5, k), || numbers.next() as u8);
        let codes: Vec<u8> = values.iter().map(|&x| x as u8 & (0xff >> (8 - int.bits()))).collect();
        for order in PackOrder::ALL {
            let mut bytes = vec![0; packed_len(k * n, int.bits())];
            pack(&codes, int.bits(), order, &mut bytes).unwrap();
            let b = PackedMatrix::from_codes(&bytes, format, order, (k, n)).unwrap();
            assert_eq!(b.dim(), (k, n));
            let product = matmul_packed(a.view(), &b, &acc("exact"), &MatmulOptions::default());
            let expected = a.mapv(i64::from).dot(&values);
            assert_eq!(product.unwrap().values, expected, "{name} {order}");
        }
    }
    let refused = |format: &str, bytes: usize, shape| {
        let format = format.parse().unwrap();
        let bytes = vec![0; bytes];
        PackedMatrix::from_codes(&bytes, format, PackOrder::LowFirst, shape)
            .unwrap_err()
            .to_string()
    };
    assert!(refused("e2m1fn", 2, (2, 2)).contains("`e2m1fn` has no integer codes"));
    assert!(refused("int4", 3, (2, 2)).contains('3'));
    assert!(refused("uint1", 1, (9, 1)).contains('1'));
    assert!(refused("int9", 5, (2, 2)).contains('9'));
    assert!(refused("int4", 2, (usize::MAX, 2)).contains('2'));
}

fn into<T: Output>(
    a: ArrayView2<'_, i16>,
    b: ArrayView2<'_, i16>,
    text: &str,
) -> Result<Array2<i64>, MatmulError> {
    let (expected, report) =
        reference::matmul(a.mapv(i64::from).view(), b.mapv(i64::from).view(), &acc(text)).unwrap();
    let packed = PackedMatrix::new(b);
    let mut result = Ok(expected.clone());
    for isa in Isa::available() {
        for level in LEVELS {
            // What was there before must not show.
            let mut out = Array2::from_elem(expected.dim(), T::cut(77));
            let options = MatmulOptions { report: level, isa: Some(isa), init: None };
            match matmul_into(a, &packed, &acc(text), &options, out.view_mut()) {
                Ok(found) => {
                    assert_eq!(out.mapv(T::to_i64), expected, "{text} {level:?} {isa}");
                    assert_eq!(found.report, (level == ReportLevel::Full).then(|| report.clone()));
                }
                Err(error) => result = Err(error),
            }
            // By columns, as a view of something larger.
            let mut room = Array2::from_elem((expected.ncols(), expected.nrows() + 1), T::cut(77));
            let view = room.slice_mut(ndarray::s![.., 1..]).reversed_axes();
            if matmul_into(a, &packed, &acc(text), &options, view).is_ok() {
                let found = room.slice(ndarray::s![.., 1..]).t().mapv(T::to_i64);
                assert_eq!(found, expected, "{text} {level:?} {isa}");
                assert!(room.column(0).iter().all(|x| x.to_i64() == 77));
            }
        }
    }
    result
}

/// Starting values through every path: equal to the reference's.
#[test]
fn starting_values() {
    let mut numbers = Numbers(29);
    let full: Vec<i8> = (i8::MIN..=i8::MAX).collect();
    let (a, b) = (numbers.of((6, 90), &full, false), numbers.of((90, 40), &full, false));
    let wide = (a.mapv(i64::from), b.mapv(i64::from));
    let texts = ["exact", "int16-wrap", "int16-sat", "int24-sat", "int64-wrap", "int64-sat"];
    let more = ["int14-wrap/9,int16-wrap", "int20-wrap/9,int16-wrap", "int12-sat*3/30,int16-sat*2"];
    for text in texts.iter().chain(&more) {
        for half in [1i64, 30_000, 32_768] {
            let init =
                Array2::from_shape_simple_fn((6, 40), || numbers.next() as i64 % (2 * half) - half);
            let expected =
                reference::matmul_from(wide.0.view(), wide.1.view(), &acc(text), init.view());
            let (values, report) = expected.unwrap();
            for level in LEVELS {
                let options = MatmulOptions { report: level, isa: None, init: Some(init.view()) };
                let found = matmul(a.view(), b.view(), &acc(text), &options).unwrap();
                assert_eq!(found.values, values, "{text}, {half}, {level:?}");
                let mut narrow = Array2::<i32>::zeros((6, 40));
                let packed = PackedMatrix::new(b.view());
                matmul_into(a.view(), &packed, &acc(text), &options, narrow.view_mut()).unwrap();
                assert_eq!(narrow.mapv(i64::from), values, "{text}, {half}, {level:?}");
                assert_eq!(found.report, (level == ReportLevel::Full).then(|| report.clone()));
                let events = found.events.map(|s| s.iter().map(|s| s.events).collect::<Vec<_>>());
                let expected = report.stages.iter().map(|s| s.events).collect();
                assert_eq!(events, (level != ReportLevel::None).then_some(expected));
            }
        }
    }
    // Near the end of a register that holds every sum from zero.
    let init = Array2::from_elem((6, 40), (1i64 << 23) - 1);
    let run = |text, init: &Array2<i64>| {
        let options = MatmulOptions { init: Some(init.view()), ..MatmulOptions::default() };
        matmul(a.view(), b.view(), &acc(text), &options)
    };
    let expected =
        reference::matmul_from(wide.0.view(), wide.1.view(), &acc("int24-sat"), init.view());
    assert_eq!(run("int24-sat", &init).unwrap().values, expected.unwrap().0);
    let far = Array2::from_elem((6, 40), i64::MAX);
    let expected = reference::matmul_from(wide.0.view(), wide.1.view(), &acc("exact"), far.view());
    assert_eq!(run("exact", &far).unwrap_err().to_string(), expected.unwrap_err().to_string());
    let expected =
        reference::matmul_from(wide.0.view(), wide.1.view(), &acc("int16-sat"), far.view());
    assert_eq!(run("int16-sat", &far).unwrap_err().to_string(), expected.unwrap_err().to_string());
}

#[test]
fn room_of_every_width() {
    let mut numbers = Numbers(23);
    let mut draw = |rows, cols, half: i64| {
        Array2::from_shape_simple_fn((rows, cols), || {
            (numbers.next() as i64 % (2 * half) - half) as i16
        })
    };
    let texts = ["exact", "int16-wrap", "int12-sat", "int9-sat/7,int16-wrap", "int20-sat*3"];
    for (half, k) in [(2, 150), (128, 1), (128, 150), (32_768, 70)] {
        let (a, b) = (draw(7, k, half), draw(k, 65, half));
        for text in texts {
            let fits16 = text.ends_with("16-wrap") || text == "int12-sat";
            let narrow = into::<i16>(a.view(), b.view(), text);
            let wide = into::<i64>(a.view(), b.view(), text).unwrap();
            let first = wide.indexed_iter().find(|&(_, &x)| i16::try_from(x).is_err());
            match (narrow, first) {
                (Ok(_), None) => {}
                (Err(error), Some(((row, col), &value))) if !fits16 => {
                    assert_eq!(error, MatmulError::OutputOverflow { row, col, value, bits: 16 });
                }
                (found, _) => panic!("{text}: {found:?}"),
            }
            let narrow = into::<i32>(a.view(), b.view(), text);
            assert_eq!(narrow.is_ok(), wide.iter().all(|&x| i32::try_from(x).is_ok()), "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bits(
        (m, k, n) in (1usize..=14, 120usize..=700, 1usize..=70),
        kinds in (0usize..4, 0usize..4),
        seed in any::<u64>(),
        text in prop::sample::select(vec![
            "exact", "int2-wrap", "int7-sat", "int10-sat", "int8-wrap/64,int12-sat", "int6-sat*4", "int11-sat",
        ]),
    ) {
        let all = [BINARY, TERNARY, SPARSE, BOOLEAN];
        let mut numbers = Numbers(seed);
        let a = numbers.of((m, k), all[kinds.0], seed % 2 == 0);
        let b = numbers.of((k, n), all[kinds.1], seed % 3 == 0);
        one_way(a.view(), b.view(), &[text]);
    }
}
