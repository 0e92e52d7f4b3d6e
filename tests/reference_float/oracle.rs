//! Reference against oracle, in every value and every report field.

use fewbit::Accumulator;
use fewbit::reference::{Dyadic, FloatOperand, FloatStageReport, matmul_float};
use fewbit_formats::Format;
use fewbit_testkit::accumulate::real::{
    Elements, Mode, RealFormat, RealMatrix, RealRegister, RealSpec, RealStage, power,
};
use fewbit_testkit::accumulate::{Real, RealCase, RealStageReport, any_real_case, real_matmul};
use ndarray::Array2;
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;

/// Reads the hexadecimal text of a [`Dyadic`].
pub(crate) fn rational(x: &Dyadic) -> BigRational {
    let text = x.to_string();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest.to_owned()),
        None => (false, text),
    };
    let (digits, exponent) = text.strip_prefix("0x").unwrap().split_once('p').unwrap();
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let significand = BigInt::parse_bytes(format!("{whole}{fraction}").as_bytes(), 16).unwrap();
    let exponent = exponent.parse::<i64>().unwrap() - 4 * fraction.len() as i64;
    let magnitude = BigRational::from(significand) * power(exponent);
    if negative { -magnitude } else { magnitude }
}

fn operand(matrix: &RealMatrix) -> FloatOperand {
    let format: Format = matrix.elements.to_string().parse().unwrap();
    let codes = Array2::from_shape_vec((matrix.rows, matrix.cols), matrix.codes.clone()).unwrap();
    FloatOperand::from_codes(codes.view(), format).unwrap()
}

fn in_rationals(stage: &FloatStageReport) -> RealStageReport {
    RealStageReport {
        events: stage.events,
        outputs: stage.outputs,
        first: stage.first.as_ref().map(|f| (f.row, f.col, f.k, rational(&f.value))),
        min: rational(&stage.min),
        max: rational(&stage.max),
        steps: stage.steps,
        inexact: stage.inexact,
        underflows: stage.underflows,
        absorbed: stage.absorbed,
        invalid: stage.invalid,
    }
}

fn same(found: f64, expected: &Real) -> bool {
    match expected {
        Real::Nan => found.is_nan(),
        Real::Infinite(negative) => found.is_infinite() && (found < 0.0) == *negative,
        // A wide exact sum is rounded once on its way into f64.
        Real::Finite(x) => match Dyadic::from_f64(found) {
            Some(found) => rational(&found) == *x,
            None => false,
        },
    }
}

fn check(case: &RealCase) -> Result<(), TestCaseError> {
    let acc: Accumulator = case.spec.to_string().parse().unwrap();
    let expected = real_matmul(&case.a, &case.b, &case.spec, None);
    let found = matmul_float(&operand(&case.a), &operand(&case.b), &acc, None, 0);
    let Some((values, stages)) = expected else {
        prop_assert!(found.is_err(), "{acc}: an integer register held what it cannot");
        return Ok(());
    };
    let found = found.unwrap();
    let exact = found.values.iter().zip(&values).filter(|(f, e)| same(**f, e)).count();
    prop_assert_eq!(exact as u64 + found.rounded, values.len() as u64, "{}", acc);
    let report: Vec<_> = found.report.stages.iter().map(in_rationals).collect();
    prop_assert_eq!(report, stages, "{}", acc);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_product_equals_the_oracle(case in any_real_case()) {
        check(&case)?;
    }
}

/// Sums of 20 products with what a unit's designer could get wrong.
fn sample(register: RealRegister, width: usize) -> Option<(Vec<Real>, Vec<RealStageReport>)> {
    let format = RealFormat { exponent_bits: 4, fraction_bits: 3 };
    let matrix = |rows, cols, step: u32| RealMatrix {
        elements: Elements::Float(format),
        rows,
        cols,
        codes: (0..80u32).map(|i| (i * step % 0x78) | (i * step / 7 % 2) << 7).collect(),
    };
    let stage = RealStage { register, width, interleave: 1, count: None };
    real_matmul(&matrix(4, 20, 37), &matrix(20, 4, 53), &RealSpec(vec![stage]), None)
}

#[test]
fn the_oracle_tells_units_apart() {
    let format = RealFormat { exponent_bits: 5, fraction_bits: 10 };
    let aligned = |fraction_bits, alignment, format, rounding| RealRegister::Aligned {
        fraction_bits,
        alignment,
        format,
        rounding,
    };
    use Mode::{Down, TiesEven, TowardZero};
    let unit = aligned(10, TowardZero, format, TowardZero);
    let right = sample(unit, 4);
    let narrower = RealFormat { exponent_bits: 5, fraction_bits: 9 };
    let others = [
        (aligned(9, TowardZero, format, TowardZero), 4),
        (aligned(11, TowardZero, format, TowardZero), 4),
        (aligned(10, Down, format, TowardZero), 4),
        (aligned(10, TowardZero, format, TiesEven), 4),
        (aligned(10, TowardZero, narrower, TowardZero), 4),
        (RealRegister::Float(format, TowardZero), 4),
        (unit, 5),
    ];
    for (register, width) in others {
        assert_ne!(sample(register, width), right, "{register:?}*{width}");
    }
    for (mode, name) in Mode::ALL {
        let same = Mode::ALL.into_iter().filter(|(other, _)| {
            sample(RealRegister::Float(narrower, mode), 1)
                == sample(RealRegister::Float(narrower, *other), 1)
        });
        assert_eq!(same.count(), 1, "another mode gives what {name} gives");
    }
}

#[test]
fn the_oracle_does_a_sum_by_hand() {
    // 1.5 * 1.5 = 2.25 at exponent 0 and 1 * 2^-3: three fraction bits keep both.
    let matrix = |rows, cols, codes| RealMatrix {
        elements: Elements::Float(RealFormat { exponent_bits: 4, fraction_bits: 3 }),
        rows,
        cols,
        codes,
    };
    let (a, b) = (matrix(1, 2, vec![0x3c, 0x38]), matrix(2, 1, vec![0x3c, 0x20]));
    let unit = |fraction_bits| RealRegister::Aligned {
        fraction_bits,
        alignment: Mode::TowardZero,
        format: RealFormat { exponent_bits: 8, fraction_bits: 23 },
        rounding: Mode::TiesEven,
    };
    let run = |fraction_bits| {
        let stage =
            RealStage { register: unit(fraction_bits), width: 2, interleave: 1, count: None };
        real_matmul(&a, &b, &RealSpec(vec![stage]), None).unwrap().0
    };
    let expected = |eighths: i64| vec![Real::Finite(BigRational::new(eighths.into(), 8.into()))];
    assert_eq!((run(3), run(2)), (expected(19), expected(18)));
}
