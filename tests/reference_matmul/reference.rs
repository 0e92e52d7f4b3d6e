//! Reference against oracle.

use fewbit::reference::{ReferenceError, matmul};
use fewbit::{Accumulator, Report};
use fewbit_testkit::accumulate::{
    self as testkit, Case, Matrix, Overflow, Pattern, Product, Range, Spec, StageSpec, any_case,
};
use ndarray::{Array2, array};
use num_bigint::BigInt;
use proptest::prelude::*;

pub(crate) fn to_array(matrix: &Matrix) -> Array2<i64> {
    Array2::from_shape_vec((matrix.rows, matrix.cols), matrix.data.clone()).unwrap()
}

/// A report in the oracle's terms.
pub(crate) fn in_big_integers(report: &Report) -> Vec<testkit::StageReport> {
    let stages = report.stages.iter().map(|stage| testkit::StageReport {
        events: stage.events,
        outputs: stage.outputs,
        first: stage.first.map(|first| testkit::FirstEvent {
            row: first.row,
            col: first.col,
            k: first.k,
            value: BigInt::from(first.value),
        }),
        min: stage.min.into(),
        max: stage.max.into(),
        required_bits: stage.required_bits,
        histogram: stage.histogram.clone(),
    });
    stages.collect()
}

fn check(case: &Case) {
    let acc: Accumulator = case.spec.to_string().parse().unwrap();
    assert_eq!(acc.to_string(), case.spec.to_string());
    let expected = testkit::matmul(&case.a, &case.b, &case.spec);
    let too_wide = expected.values.iter().position(|v| i64::try_from(v).is_err());
    let result = matmul(to_array(&case.a).view(), to_array(&case.b).view(), &acc);
    if let Some(index) = too_wide {
        let Err(ReferenceError::TooWide { row, col, value }) = result else {
            panic!("{acc}: output {index} does not fit int64, but the reference gave {result:?}");
        };
        let first = (index / case.b.cols, index % case.b.cols);
        assert_eq!((row, col, &BigInt::from(value)), (first.0, first.1, &expected.values[index]));
        return;
    }
    let (c, report) = result.unwrap();
    assert_eq!(c.dim(), (case.a.rows, case.b.cols));
    let values = c.iter().copied().map(BigInt::from).collect();
    assert_eq!(Product { values, stages: in_big_integers(&report) }, expected, "{acc}");
}

/// Register, width, count.
type Row = (Option<(u32, Overflow)>, usize, Option<usize>);

fn spec(stages: &[Row]) -> Spec {
    let stage = |&(register, width, count)| StageSpec { register, width, interleave: 1, count };
    Spec(stages.iter().map(stage).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_product_equals_the_oracle(case in any_case()) {
        check(&case);
    }
}

#[test]
fn every_width_and_policy_on_every_pattern() {
    for bits in 2..=64 {
        // Operands that put the sums of 37 products around the edge of the register.
        let operand = (bits / 2).clamp(2, 32);
        for overflow in [Overflow::Wrap, Overflow::Saturate] {
            for (seed, pattern) in Pattern::ALL.into_iter().enumerate() {
                let range = Range::signed(operand);
                check(&Case {
                    a: Matrix::left(2, 37, range, pattern, seed as u64),
                    b: Matrix::right(37, 2, range, Pattern::Corners, 99),
                    spec: spec(&[(Some((bits, overflow)), 1, None)]),
                });
            }
        }
    }
}

#[test]
fn every_depth_around_tiles_and_groups() {
    let sat = |bits| Some((bits, Overflow::Saturate));
    let wrap = |bits| Some((bits, Overflow::Wrap));
    let specs = [
        spec(&[(sat(12), 1, None)]),
        spec(&[(sat(12), 8, None)]),
        spec(&[(wrap(10), 1, Some(16)), (sat(13), 1, None)]),
        spec(&[(sat(10), 4, Some(6)), (wrap(12), 3, None)]),
        spec(&[(None, 1, Some(8)), (sat(13), 1, None)]),
        spec(&[
            (wrap(9), 5, Some(3)),
            (None, 2, Some(4)),
            (sat(11), 2, Some(2)),
            (wrap(14), 1, None),
        ]),
    ];
    for k in 0..=50 {
        for spec in &specs {
            check(&Case {
                a: Matrix::left(2, k, Range::signed(6), Pattern::Uniform, k as u64),
                b: Matrix::right(k, 3, Range::unsigned(4), Pattern::Corners, 7),
                spec: spec.clone(),
            });
        }
    }
}

#[test]
fn an_exact_stage_of_eight_is_a_step_of_eight() {
    let run = |acc: &str, a: &Matrix, b: &Matrix| {
        matmul(to_array(a).view(), to_array(b).view(), &acc.parse().unwrap()).unwrap()
    };
    for k in 0..70 {
        let a = Matrix::left(3, k, Range::signed(8), Pattern::Bell, k as u64);
        let b = Matrix::right(k, 3, Range::unsigned(8), Pattern::Uniform, 1);
        for outer in ["int15-sat", "int15-wrap"] {
            let (values, report) = run(&format!("exact/8,{outer}"), &a, &b);
            let (twin_values, twin_report) = run(&format!("{outer}*8"), &a, &b);
            assert_eq!(values, twin_values);
            assert_eq!(report.stages[1], twin_report.stages[0]);
        }
    }
}

#[test]
fn the_order_of_products_matters_to_saturation_and_not_to_wrapping() {
    let run = |acc: &str, a: Array2<i64>| {
        matmul(a.view(), array![[1], [1], [1]].view(), &acc.parse().unwrap()).unwrap().0[[0, 0]]
    };
    assert_eq!(run("int4-sat", array![[5, 5, -6]]), 1);
    assert_eq!(run("int4-sat", array![[5, -6, 5]]), 4);
    assert_eq!(run("int4-wrap", array![[5, 5, -6]]), 4);
    assert_eq!(run("int4-wrap", array![[5, -6, 5]]), 4);
}

#[test]
fn shapes_that_do_not_fit_and_float_stages_are_refused() {
    let acc: Accumulator = "int8-sat".parse().unwrap();
    let error = matmul(array![[1, 2]].view(), array![[1]].view(), &acc).unwrap_err();
    assert_eq!(
        error.to_string(),
        "A is 1x2 and B is 1x1: the columns of A must equal the rows of B"
    );
    let error = matmul(array![[1]].view(), array![[1]].view(), &"f32".parse().unwrap());
    assert_eq!(error, Err(ReferenceError::NotInteger("f32-rne".into())));
}
