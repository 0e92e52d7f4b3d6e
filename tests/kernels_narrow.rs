//! Registers of at most 16 bits, which are stepped in lanes of 16 where products fit: equal to the scalar reference, at
//! and around every end of those lanes.

use fewbit::{
    Accumulator, Isa, MatmulOptions, Operand, PackedMatrix, ReportLevel, matmul, matmul_packed,
    reference,
};
use ndarray::{Array2, ArrayView2};
use proptest::prelude::*;

const LEVELS: [ReportLevel; 3] = [ReportLevel::None, ReportLevel::Events, ReportLevel::Full];

fn acc(text: &str) -> Accumulator {
    text.parse().unwrap()
}

/// Every instruction set and level.
fn check<A: Operand, B: Operand>(a: ArrayView2<'_, A>, b: ArrayView2<'_, B>, text: &str) {
    let acc = acc(text);
    let wide = (a.mapv(Operand::to_i64), b.mapv(Operand::to_i64));
    let (values, report) = reference::matmul(wide.0.view(), wide.1.view(), &acc).unwrap();
    let packed = PackedMatrix::new(b);
    for isa in Isa::available() {
        for level in LEVELS {
            let case = format!("{acc} on {isa}, {level:?}, {:?} {:?}", a.dim(), b.dim());
            let options = MatmulOptions { report: level, isa: Some(isa), init: None };
            let product = matmul_packed(a, &packed, &acc, &options).unwrap();
            assert_eq!(product.values, values, "{case}");
            assert_eq!(product.events.is_some(), level != ReportLevel::None);
            for (found, stage) in product.events.iter().flatten().zip(&report.stages) {
                let found = (found.events, found.outputs, found.first);
                assert_eq!(found, (stage.events, stage.outputs, stage.first), "{case}");
            }
            let expected = (level == ReportLevel::Full).then(|| report.clone());
            assert_eq!(product.report, expected, "{case}");
        }
    }
}

/// Both ways round, so that either operand comes to the lanes.
fn check_both<A: Operand, B: Operand>(a: ArrayView2<'_, A>, b: ArrayView2<'_, B>, text: &str) {
    check(a, b, text);
    check(b.t(), a.t(), text);
}

struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    /// Runs of extremes, of random lengths, with single other codes in between.
    fn runs(&mut self, (outputs, k): (usize, usize), low: i64, high: i64) -> Array2<i64> {
        let mut codes = Array2::zeros((outputs, k));
        for mut row in codes.rows_mut() {
            let (mut end, mut left) = (high, 0);
            for code in &mut row {
                if left == 0 {
                    (end, left) =
                        ([low, high, high, 0][self.next() as usize % 4], self.next() % 90);
                } else {
                    left -= 1;
                }
                let other = low + self.next() as i64 % (high - low + 1);
                *code = if self.next().is_multiple_of(9) { other } else { end };
            }
        }
        codes
    }
}

/// Registers that spend their time at the ends of their ranges.
#[test]
fn every_width_at_the_ends_of_its_range() {
    let mut numbers = Numbers(1);
    let shape = (13, 331);
    let unsigned = numbers.runs(shape, 0, 255).mapv(|x| x as u8);
    let signed = numbers.runs(shape, -128, 127).mapv(|x| x as i8);
    let weights = [(-128, 127), (-8, 7), (-1, 1)]
        .map(|(low, high)| numbers.runs((35, 331), low, high).mapv(|x| x as i8));
    for bits in 2..=16 {
        for register in ["sat", "wrap"] {
            let text = format!("int{bits}-{register}");
            for weights in &weights {
                check(unsigned.view(), weights.t(), &text);
                check(signed.view(), weights.t(), &text);
                check(weights.view(), unsigned.t(), &text);
            }
        }
    }
}

/// Registers of 17 bits and more, which stand shifted up in lanes of 32: at the ends of their ranges, in tiles that are
/// blocks and others, with extremes that single steps show.
#[test]
fn wider_registers_at_the_ends_of_their_range() {
    let mut numbers = Numbers(2);
    let shape = (13, 1531);
    let unsigned = numbers.runs(shape, 0, 255).mapv(|x| x as u8);
    let signed = numbers.runs(shape, -128, 127).mapv(|x| x as i8);
    let weights = [(-128, 127), (-8, 7)]
        .map(|(low, high)| numbers.runs((35, 1531), low, high).mapv(|x| x as i8));
    for bits in [17, 18, 19, 20, 22, 24, 25, 26] {
        for register in ["sat", "wrap", "sat/64,int22-sat", "wrap/333,int25-wrap"] {
            let text = format!("int{bits}-{register}");
            for weights in &weights {
                check(unsigned.view(), weights.t(), &text);
                check(signed.view(), weights.t(), &text);
                check(weights.view(), unsigned.t(), &text);
            }
        }
    }
}

/// Outputs that reach the same extremes but for one of each kind, wherever it stands: all others show nothing new.
#[test]
fn one_step_that_goes_further() {
    let k = 200;
    for (place, bits) in
        [0, 1, 62, 63, 64, 66, 129, 198, 199].into_iter().zip([12, 16, 17, 20].into_iter().cycle())
    {
        for (row, column) in [(0, 0), (3, 40), (12, 69)] {
            let mut a = Array2::from_elem((13, k), 100i16);
            let mut b = Array2::from_shape_fn((k, 70), |(i, j)| {
                (if (i / 50 + j) % 2 == 0 { 120 } else { -120 }) as i8
            });
            a[(row, place)] = 255;
            b[(place, column)] = if (place + column) % 2 == 0 { 127 } else { -128 };
            for register in ["sat", "wrap"] {
                let text = format!("int{bits}-{register}");
                check(a.view(), b.view(), &text);
                check(a.mapv(|x| (x - 128) as i8).view(), b.view(), &text);
            }
        }
    }
}

/// The greatest and least products of bytes at every place of a block, from everywhere in the range.
#[test]
fn extreme_products_in_every_place() {
    let k = 70;
    for (far, right) in [(255i16, -128i8), (255, 127), (-128, -128), (-128, 127)] {
        for start in [-128i8, -3, 0, 3, 127] {
            // Output `at` has the extreme product at place `at`, behind others that move the register away from zero.
            let b = Array2::from_shape_fn((k, k), |(i, at)| match i {
                _ if i == at => right,
                _ if i < 3 => start,
                _ => 0,
            });
            let a = Array2::from_elem((2, k), far);
            for text in [
                "int16-sat",
                "int16-wrap",
                "int15-sat",
                "int15-wrap",
                "int9-sat",
                "int9-wrap",
                "int17-sat",
                "int17-wrap",
                "int18-wrap",
            ] {
                check(a.view(), b.view(), text);
            }
        }
    }
}

/// Products one below, at and one above what fits the register, of either sign.
#[test]
fn products_around_what_fits_the_register() {
    let factors = [
        (8, [(127, 1), (64, 2), (43, 3)]),
        (12, [(89, 23), (64, 32), (82, 25)]),
        (13, [(195, 21), (64, 64), (241, 17)]),
        (15, [(129, 127), (128, 128), (145, 113)]),
    ];
    for (bits, factors) in factors {
        for (a, b) in factors {
            let signs = |k: usize, j: usize| (k / 5 + k * j / 7).is_multiple_of(2);
            let right = Array2::from_shape_fn((150, 33), |(k, j)| {
                (if signs(k, j) { b } else { -b } as i16).clamp(-128, 127) as i8
            });
            let down = Array2::from_elem((150, 33), -b as i16);
            for register in ["sat", "wrap"] {
                let text = format!("int{bits}-{register}");
                let left = Array2::from_elem((3, 150), a as i16);
                check_both(left.view(), right.view(), &text);
                check_both(left.view(), down.view(), &text);
                let left = Array2::from_shape_fn((3, 150), |(i, k)| {
                    (if (k + i).is_multiple_of(3) { a } else { -a } as i16).clamp(-128, 127) as i8
                });
                check_both(left.view(), down.mapv(|x| x as i8).view(), &text);
            }
        }
    }
}

/// More events of an output than 16 bits count.
#[test]
fn many_events() {
    let k = 70_001;
    let (a, b) = (Array2::from_elem((2, k), 255u8), Array2::from_elem((k, 3), -8i8));
    for text in
        ["int12-sat", "int16-sat", "int9-sat", "int12-wrap", "int9-wrap", "int18-sat", "int17-wrap"]
    {
        check(a.view(), b.view(), text);
    }
    check(a.view(), b.view(), "int12-sat/40001,int16-sat");
    let signed = a.mapv(|x| (x / 2) as i8);
    check(signed.view(), b.view(), "int14-sat");
}

/// Tiles that are whole blocks, shorter, longer, and none of them words.
#[test]
fn registers_within_accumulators() {
    let mut numbers = Numbers(5);
    let unsigned = numbers.runs((7, 401), 0, 255).mapv(|x| x as u8);
    let signed = numbers.runs((7, 401), -128, 127).mapv(|x| x as i8);
    let weights = numbers.runs((66, 401), -8, 7).mapv(|x| x as i8);
    for tile in [1, 2, 3, 5, 31, 32, 63, 64, 65, 127, 128, 200, 1000] {
        for inner in [
            "int16-sat",
            "int14-wrap",
            "int10-sat",
            "int10-wrap",
            "int16-wrap",
            "int17-sat",
            "int17-wrap",
        ] {
            check(unsigned.view(), weights.t(), &format!("{inner}/{tile},int18-sat"));
            check(signed.view(), weights.t(), &format!("{inner}/{tile},int13-sat*2/3,int16-wrap"));
        }
    }
}

/// Blocks that are summed between blocks that are stepped, row by row and together.
#[test]
fn some_rows_overflow_and_some_do_not() {
    let mut numbers = Numbers(9);
    for rows in 0..=6 {
        let a = Array2::from_shape_fn((6, 700), |(i, k)| {
            let busy = (k / 128 + i).is_multiple_of(3) && i < rows;
            (numbers.next() % if busy { 256 } else { 4 }) as u8
        });
        let b = Array2::from_shape_fn((700, 64), |(k, j)| ((k / 64 + j) % 16) as i8 - 8);
        for text in ["int13-sat", "int13-wrap", "int11-sat", "int11-wrap"] {
            check_both(a.view(), b.view(), text);
            check(a.mapv(|x| (x / 2) as i8 - 1).view(), b.view(), text);
        }
    }
}

/// A register that starts elsewhere than at zero.
#[test]
fn starting_values() {
    let mut numbers = Numbers(11);
    let a = numbers.runs((5, 130), -128, 127).mapv(|x| x as i8);
    let b = numbers.runs((20, 130), -8, 7).mapv(|x| x as i8);
    for text in ["int12-sat", "int16-wrap", "int16-sat", "int9-sat/64,int14-sat"] {
        let init = Array2::from_shape_simple_fn((5, 20), || numbers.next() as i64 % 4000 - 2000);
        let (acc, wide) = (acc(text), (a.mapv(i64::from), b.mapv(i64::from)));
        let expected = reference::matmul_from(wide.0.view(), wide.1.t(), &acc, init.view());
        let (values, report) = expected.unwrap();
        for level in LEVELS {
            let options = MatmulOptions { report: level, isa: None, init: Some(init.view()) };
            let found = matmul(a.view(), b.t(), &acc, &options).unwrap();
            assert_eq!(found.values, values, "{text}, {level:?}");
            assert_eq!(found.report, (level == ReportLevel::Full).then(|| report.clone()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_runs(
        seed in any::<u64>(),
        (m, k, n) in (1usize..=14, 1usize..=700, 1usize..=70),
        bits in 2u32..=16,
        register in prop::sample::select(vec!["sat", "wrap"]),
        tile in prop::sample::select(vec!["", "/64,int16-sat", "/37,int14-wrap", "/256,int17-sat"]),
        weight_bits in 2u32..=8,
        unsigned in any::<bool>(),
    ) {
        let mut numbers = Numbers(seed);
        let half = 1i64 << (weight_bits - 1);
        let b = numbers.runs((n, k), -half, half - 1).mapv(|x| x as i8);
        let text = format!("int{bits}-{register}{tile}");
        if unsigned {
            check_both(numbers.runs((m, k), 0, 255).mapv(|x| x as u8).view(), b.t(), &text);
        } else {
            check_both(numbers.runs((m, k), -128, 127).mapv(|x| x as i8).view(), b.t(), &text);
        }
    }
}
