//! Products of bytes: exact sums, blocks that are summed because they cannot overflow, certified outputs. All equal to
//! the scalar reference, on operands chosen to sit at the edge of each shortcut.

use fewbit::accumulate::FirstEvent;
use fewbit::{
    Accumulator, Isa, MatmulError, MatmulOptions, Operand, PackedMatrix, Report, ReportLevel,
    matmul, matmul_i32, matmul_packed, reference, required_widths,
};
use ndarray::{Array2, ArrayView2, Axis};
use proptest::prelude::*;

const LEVELS: [ReportLevel; 3] = [ReportLevel::None, ReportLevel::Events, ReportLevel::Full];

fn acc(text: &str) -> Accumulator {
    text.parse().unwrap()
}

fn wide<T: Operand>(x: ArrayView2<'_, T>) -> Array2<i64> {
    x.mapv(Operand::to_i64)
}

type Events = Vec<(u64, u64, Option<FirstEvent>)>;

fn events(report: &Report) -> Events {
    report.stages.iter().map(|s| (s.events, s.outputs, s.first)).collect()
}

/// Every instruction set and level, on one thread and on three; and the histograms alone.
fn check<A: Operand, B: Operand>(a: ArrayView2<'_, A>, b: ArrayView2<'_, B>, acc: &Accumulator) {
    let (values, report) = reference::matmul(wide(a).view(), wide(b).view(), acc).unwrap();
    let packed = PackedMatrix::new(b);
    for isa in Isa::available() {
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for level in LEVELS {
                let case = format!("{acc} on {isa}, {level:?}, {threads} threads");
                let options = MatmulOptions { report: level, isa: Some(isa), init: None };
                let product = pool.install(|| matmul_packed(a, &packed, acc, &options)).unwrap();
                assert_eq!(product.values, values, "{case}");
                let found: Option<Events> = product
                    .events
                    .map(|stages| stages.iter().map(|s| (s.events, s.outputs, s.first)).collect());
                assert_eq!(found, (level != ReportLevel::None).then(|| events(&report)), "{case}");
                let expected = (level == ReportLevel::Full).then(|| report.clone());
                assert_eq!(product.report, expected, "{case}");
            }
        }
        let widths = required_widths(a, &packed, acc, Some(isa)).unwrap();
        let histograms: Vec<_> = report.stages.iter().map(|s| s.histogram.clone()).collect();
        let found: Vec<_> = widths.stages.iter().map(|s| s.histogram.clone()).collect();
        assert_eq!(found, histograms, "widths of {acc} on {isa}");
        for (found, stage) in widths.stages.iter().zip(&report.stages) {
            assert_eq!(found.required_bits(), stage.required_bits);
        }
    }
}

/// Both ways round, so that either operand comes to the lanes.
fn check_both<A: Operand, B: Operand>(
    a: ArrayView2<'_, A>,
    b: ArrayView2<'_, B>,
    acc: &Accumulator,
) {
    check(a, b, acc);
    check(b.t(), a.t(), acc);
}

struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    /// About normal, of variance 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next() as f64 / f64::from(1u32 << 31)).sum::<f64>() - 6.0
    }
}

/// Sums that walk about, as those of networks do: most blocks cannot overflow, some do.
#[test]
fn random_walks_at_every_width() {
    let mut numbers = Numbers(7);
    let a = Array2::from_shape_simple_fn((8, 700), || (numbers.normal().max(0.0) * 64.0) as u8);
    let s = Array2::from_shape_simple_fn((8, 700), || (numbers.normal() * 30.0) as i8);
    let b = Array2::from_shape_simple_fn((700, 70), || (numbers.normal() * 2.3).round() as i8);
    for bits in [8, 10, 11, 12, 13, 14, 15, 16, 18, 20] {
        for register in ["sat", "wrap"] {
            let acc = acc(&format!("int{bits}-{register}"));
            check(a.view(), b.view(), &acc);
            check(s.view(), b.view(), &acc);
        }
    }
    for text in [
        "int13-sat/50,int14-wrap",
        "int14-wrap*4/128,int15-sat",
        "exact/8,int13-sat",
        "exact",
        "int12-sat/64,int13-sat",
        "int11-wrap/32,int12-wrap",
        "int13-sat*2/96,int30-sat/3,int13-wrap",
        "exact/64,int13-sat",
        "int14-sat*16",
        "int12-sat/1000,int14-sat",
    ] {
        check_both(s.view(), b.view(), &acc(text));
    }
}

/// Sums that are walked whole, whose widths differ within every vector, in tiles that fill up and tiles that do not;
/// extremes lie at every place of a word.
#[test]
fn short_sums_in_every_form() {
    let mut numbers = Numbers(5);
    for (m, k, n) in [(13, 64, 70), (7, 256, 33), (3, 65, 17), (25, 127, 16), (6, 31, 97)] {
        let scales: Vec<f64> = (0..n).map(|_| 2f64.powi((numbers.next() % 7) as i32)).collect();
        let a = Array2::from_shape_simple_fn((m, k), || (numbers.normal().max(0.0) * 64.0) as u8);
        let s = Array2::from_shape_simple_fn((m, k), || (numbers.normal() * 40.0) as i8);
        let b = Array2::from_shape_fn((k, n), |(_, j)| (numbers.normal() * scales[j]) as i8);
        for text in [
            "int20-sat",
            "int12-sat",
            "int13-wrap",
            "exact",
            "int13-sat*2",
            "int14-wrap*4",
            "int14-sat*8",
            "int15-wrap*32",
            "int13-sat/32,int15-wrap",
            "int14-wrap*2/64,int14-sat",
            "exact*16/96,int16-sat/2,int16-wrap",
            "int13-sat*4/32,exact",
            "int16-sat/320,int16-sat",
        ] {
            check_both(a.view(), b.view(), &acc(text));
            check_both(s.view(), b.view(), &acc(text));
        }
    }
}

/// One product stands out, at every place; the sums before and after it stay within one bit.
#[test]
fn the_extreme_is_inside_a_word() {
    for at in 0..8 {
        for up in [1i16, -1] {
            // From 0 to 127 * 255 and back in the next product.
            let b = Array2::from_shape_fn((9, 17), |(i, j)| match (i, j % 3) {
                (i, 0) if i == at => (127 * up) as i8,
                (i, 0) if i == at + 1 => (-127 * up) as i8,
                (i, 1) if i == at => -up as i8,
                _ => 0,
            });
            let a = Array2::from_elem((7, 9), u8::MAX);
            let s = Array2::from_shape_fn((7, 9), |(i, _)| if i % 2 == 0 { 127i8 } else { -128 });
            for text in ["int16-sat", "int15-sat", "int14-wrap", "exact", "int15-sat*2"] {
                check_both(a.view(), b.view(), &acc(text));
                check_both(s.view(), b.view(), &acc(text));
            }
        }
    }
}

/// Long sums: bounds that decide, bounds that do not, and those that stop doing so from one row of tiles to the next.
#[test]
fn long_sums_by_bounds_and_without() {
    let mut numbers = Numbers(9);
    let k = 1100;
    let b = Array2::from_shape_simple_fn((k, 40), || (numbers.normal() * 30.0) as i8);
    let a = Array2::from_shape_fn((31, k), |(row, i)| match row / 6 {
        0 | 3 => 100 + (i % 3) as u8,
        1 => 255 * (i % 2) as u8,
        _ => (numbers.normal().max(0.0) * 64.0) as u8,
    });
    let s = a.mapv(|x| (i16::from(x) - 128) as i8);
    for text in ["int20-sat", "int18-wrap", "int19-sat*4", "int18-sat/128,int22-sat", "int20-sat*2"]
    {
        check_both(a.view(), b.view(), &acc(text));
        check_both(s.view(), b.view(), &acc(text));
    }
    // Up, up, down, down: ends of blocks say nothing of what lies between.
    let swing = Array2::from_shape_fn((k, 40), |(i, j)| if (i + j) % 32 < 16 { 99i8 } else { -99 });
    for text in ["int19-sat", "int20-wrap", "int21-sat"] {
        check_both(a.view(), swing.view(), &acc(text));
        check_both(s.view(), swing.view(), &acc(text));
    }
}

/// Some columns cannot overflow, some can, in no order; and so with rows.
#[test]
fn certified_outputs_among_others() {
    let mut numbers = Numbers(3);
    let scale: Vec<i64> = (0..150).map(|_| [1, 2, 8, 60][numbers.next() as usize % 4]).collect();
    let b = Array2::from_shape_fn((130, 150), |(_, j)| {
        (numbers.next() as i64 % (2 * scale[j] + 1) - scale[j]) as i8
    });
    let a = Array2::from_shape_simple_fn((20, 130), || (numbers.next() % 256) as u8);
    let s = Array2::from_shape_simple_fn((20, 130), || (numbers.next() as u8).cast_signed());
    for text in [
        "int14-sat",
        "int15-wrap",
        "int16-sat",
        "int17-sat",
        "int21-wrap",
        "int14-sat/30,int16-wrap",
    ] {
        check_both(a.view(), b.view(), &acc(text));
        check_both(s.view(), b.view(), &acc(text));
    }
}

/// The width at which a column is just certified, and the one below it.
#[test]
fn the_edge_of_a_certificate() {
    // 255 * 128 = 32640 and 255 * 129 = 32895; down to -128 * 256 = -32768 exactly.
    let up = |ones: usize| Array2::from_shape_fn((200, 80), |(k, _)| i8::from(k < ones));
    let full = Array2::from_elem((7, 200), u8::MAX);
    for ones in [127, 128, 129] {
        check_both(full.view(), up(ones).view(), &acc("int16-sat"));
        check_both(full.view(), up(ones).view(), &acc("int16-wrap"));
    }
    let low = Array2::from_elem((7, 200), i8::MIN);
    for (ones, b) in [255i16, 256, 257].map(|n| (n, up(200))) {
        let b = b.mapv(|x| i16::from(x) * ones / 200);
        check_both(low.view(), b.view(), &acc("int16-sat"));
    }
    let two = Array2::from_shape_fn((200, 80), |(k, _)| if k < 128 { 2i8 } else { 0 });
    check_both(low.view(), two.view(), &acc("int16-sat"));
    check_both(low.view(), two.view(), &acc("int16-wrap"));
}

/// A block that moves a register as far as it possibly can, to the last value that it holds and one further.
#[test]
fn the_edge_of_a_reach() {
    for k in [126, 127, 128, 129, 130, 190] {
        // Ones by ones; other rows and columns are so large that nothing is certified.
        let a = Array2::from_shape_fn((14, k), |(row, _)| if row < 6 { 1u8 } else { 255 });
        let s = Array2::from_shape_fn((14, k), |(row, _)| if row < 6 { -1i8 } else { -128 });
        for sign in [1i8, -1] {
            let b =
                Array2::from_shape_fn((k, 130), |(_, j)| if j < 64 { sign } else { 127 * sign });
            for text in [
                "int8-sat",
                "int8-wrap",
                "int8-sat/100,int8-sat",
                "int8-sat*2",
                "int8-wrap/70,exact",
            ] {
                check_both(a.view(), b.view(), &acc(text));
                check_both(s.view(), b.view(), &acc(text));
            }
            // One row, or one column, goes further than the others of its tile.
            let mut one = b.clone();
            one.column_mut(17).fill(2 * sign);
            check_both(a.view(), one.view(), &acc("int9-sat"));
            let mut one = a.clone();
            one.row_mut(3).fill(2);
            check_both(one.view(), b.view(), &acc("int9-wrap"));
        }
    }
}

/// The blocks of a second tile start where it does: of 64 products and of 28, and only the last ones leave the register.
#[test]
fn reach_begins_anew_with_every_tile() {
    let k = 210;
    let a = Array2::from_shape_fn((14, k), |(row, _)| if row < 6 { 1u8 } else { 255 });
    for sign in [1i8, -1] {
        let b = Array2::from_shape_fn((k, 130), |(i, j)| match (i, j) {
            (100..192, 0..64) => 3 * sign,
            (_, 0..64) => 0,
            _ => 127 * sign,
        });
        check_both(a.view(), b.view(), &acc("int9-sat/100,int12-sat"));
        check_both(a.mapv(|x| x as i8).view(), b.view(), &acc("int9-wrap/100,int12-sat"));
    }
}

/// Pairs that no 16-bit sum holds, at every place of a word and of a block.
#[test]
fn extreme_pairs_in_every_place() {
    for k in [1usize, 3, 4, 5, 63, 64, 65, 130] {
        for at in 0..k {
            let here = |i: usize| (at..at + 2).contains(&i);
            let unsigned =
                Array2::from_shape_fn((3, k), |(_, i)| if here(i) { u8::MAX } else { 1 });
            let signed = Array2::from_shape_fn((3, k), |(_, i)| if here(i) { i8::MIN } else { 1 });
            let b = Array2::from_shape_fn((k, 17), |(i, _)| if here(i) { i8::MIN } else { 1 });
            let packed = PackedMatrix::new(b.view());
            for isa in Isa::available() {
                let mut out = Array2::zeros((3, 17));
                matmul_i32(unsigned.view(), &packed, out.view_mut(), Some(isa)).unwrap();
                assert_eq!(
                    out.mapv(i64::from),
                    wide(unsigned.view()).dot(&wide(b.view())),
                    "{isa}"
                );
                matmul_i32(signed.view(), &packed, out.view_mut(), Some(isa)).unwrap();
                assert_eq!(out.mapv(i64::from), wide(signed.view()).dot(&wide(b.view())), "{isa}");
                for text in ["int16-sat", "int17-wrap"] {
                    let acc = acc(text);
                    let options =
                        MatmulOptions { report: ReportLevel::Events, isa: Some(isa), init: None };
                    let (values, report) =
                        reference::matmul(wide(signed.view()).view(), wide(b.view()).view(), &acc)
                            .unwrap();
                    let product = matmul(signed.view(), b.view(), &acc, &options).unwrap();
                    assert_eq!(product.values, values, "{text} on {isa}, {at} of {k}");
                    let found = product.events.unwrap()[0];
                    assert_eq!((found.events, found.outputs, found.first), events(&report)[0]);
                }
            }
        }
    }
}

/// So many products that 32 bits do not hold their sum.
#[test]
fn sums_beyond_32_bits() {
    let k = 140_001;
    for (a, b) in [(u8::MAX, u8::MAX), (u8::MAX, 200), (3, u8::MAX)] {
        let left = Array2::from_elem((2, k), a);
        let right = Array2::from_elem((k, 3), b);
        let sum = i64::from(a) * i64::from(b) * k as i64;
        let expected = Array2::from_elem((2, 3), sum);
        for isa in Isa::available() {
            let options = MatmulOptions { isa: Some(isa), ..Default::default() };
            let product = matmul(left.view(), right.view(), &acc("exact"), &options).unwrap();
            assert_eq!(product.values, expected);
            let product = matmul(left.view(), right.view(), &acc("int33-wrap"), &options).unwrap();
            assert_eq!(product.values, expected.mapv(|x| x << 31 >> 31));
            let product = matmul(left.view(), right.view(), &acc("int9-wrap"), &options).unwrap();
            assert_eq!(product.values, expected.mapv(|x| x << 55 >> 55));
            let mut out = Array2::zeros((2, 3));
            let packed = PackedMatrix::new(right.view());
            let narrow = matmul_i32(left.view(), &packed, out.view_mut(), Some(isa));
            match i32::try_from(sum) {
                Ok(sum) => assert!(narrow.is_ok() && out.iter().all(|&x| x == sum)),
                Err(_) => assert_eq!(
                    narrow.unwrap_err(),
                    MatmulError::OutputOverflow { row: 0, col: 0, value: sum, bits: 32 }
                ),
            }
        }
    }
    let low = Array2::from_elem((2, k), i8::MIN);
    let product = matmul(low.view(), low.t(), &acc("exact"), &MatmulOptions::default()).unwrap();
    assert_eq!(product.values, Array2::from_elem((2, 2), 16384 * k as i64));
}

/// Addition that wraps is associative and commutative, addition that saturates is not.
#[test]
fn the_order_of_k_matters_to_saturation_alone() {
    let mut numbers = Numbers(11);
    let a = Array2::from_shape_simple_fn((9, 150), || (numbers.next() % 256) as u8);
    let b = Array2::from_shape_simple_fn((150, 40), || (numbers.next() as u8).cast_signed());
    let mut order: Vec<usize> = (0..150).collect();
    for i in (1..150).rev() {
        order.swap(i, numbers.next() as usize % (i + 1));
    }
    let (pa, pb) = (a.select(Axis(1), &order), b.select(Axis(0), &order));
    for isa in Isa::available() {
        for bits in [8, 12, 16] {
            let run = |a: &Array2<u8>, b: &Array2<i8>, register: &str, report| {
                let acc = acc(&format!("int{bits}-{register}"));
                let options = MatmulOptions { report, isa: Some(isa), init: None };
                matmul(a.view(), b.view(), &acc, &options).unwrap().values
            };
            for level in LEVELS {
                assert_eq!(run(&a, &b, "wrap", level), run(&pa, &pb, "wrap", level));
                assert_ne!(run(&a, &b, "sat", level), run(&pa, &pb, "sat", level));
            }
        }
    }
}

#[test]
fn room_of_another_shape_is_named() {
    let b = PackedMatrix::new(Array2::<i8>::zeros((3, 4)).view());
    let mut out = Array2::zeros((2, 5));
    let error = matmul_i32(Array2::<u8>::zeros((2, 3)).view(), &b, out.view_mut(), None);
    assert_eq!(error.unwrap_err().to_string(), "the product is 2x4, and there is room for 2x5");
}

/// Blocks of one sign, so that bounds are met exactly, and others.
fn matrix(rows: usize, cols: usize, low: i64, high: i64) -> impl Strategy<Value = Array2<i64>> {
    let ends = prop_oneof![Just(low), Just(high), Just(0i64.clamp(low, high))];
    let kinds = prop_oneof![
        Just((low..=high).boxed()),
        Just(ends.boxed()),
        Just(((low / 16)..=(high / 16)).boxed()),
    ];
    let data = kinds.prop_flat_map(move |kind| proptest::collection::vec(kind, rows * cols));
    data.prop_map(move |data| Array2::from_shape_vec((rows, cols), data).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(
        (a, b) in (1usize..=14, prop_oneof![0usize..=10, 60usize..=140], prop_oneof![1usize..=6, 60usize..=140])
            .prop_flat_map(|(m, k, n)| (matrix(m, k, -128, 127), matrix(k, n, -128, 127))),
        unsigned in any::<bool>(),
        bits in 2u32..=22,
        form in prop_oneof![
            Just("int{}-sat"), Just("int{}-wrap"), Just("int{}-sat*2"), Just("int{}-wrap*64"), Just("int{}-sat/37,int20-sat"),
            Just("int{}-wrap/64,int18-wrap"), Just("int{}-sat*8/20,int12-sat/3,exact"),
            Just("int{}-sat/32,int12-sat"), Just("int{}-wrap*4/64,int14-sat/2,int16-wrap"),
            Just("int{}-sat*16/96,int13-wrap*3"), Just("exact/32,int{}-sat"), Just("exact/8,int{}-wrap*2"),
            Just("int30-sat/64,int{}-sat"), Just("int{}-wrap*32"),
        ],
    ) {
        let acc = acc(&form.replace("{}", &bits.to_string()));
        let b = b.mapv(|x| x as i8);
        if unsigned {
            check_both(a.mapv(|x| (x + 128) as u8).view(), b.view(), &acc);
        } else {
            check_both(a.mapv(|x| x as i8).view(), b.view(), &acc);
        }
    }
}
