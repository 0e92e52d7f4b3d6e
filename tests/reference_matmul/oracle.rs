//! The oracle is tested itself: it must object to wrong answers and to wrong semantics.

use fewbit_testkit::accumulate::{
    Case, Matrix, Overflow, Pattern, Product, Range, Spec, StageSpec, any_case, matmul,
};
use num_bigint::BigInt;
use proptest::prelude::*;

use crate::faulty::{self, FAULTS, Fault};

/// Products small enough to do by hand, but with every feature of a stage in use.
fn cases() -> Vec<Case> {
    let sat = |bits| Some((bits, Overflow::Saturate));
    let wrap = |bits| Some((bits, Overflow::Wrap));
    let stage = |register, width, count| StageSpec { register, width, interleave: 1, count };
    let turns = |register, interleave, count| StageSpec { register, width: 1, interleave, count };
    let specs = [
        vec![stage(sat(9), 1, None)],
        vec![stage(wrap(9), 1, None)],
        vec![stage(sat(9), 3, None)],
        vec![stage(sat(8), 1, Some(5)), stage(wrap(9), 1, None)],
        vec![stage(wrap(8), 3, Some(5)), stage(sat(9), 2, None)],
        vec![turns(sat(7), 3, Some(7)), turns(sat(8), 3, None)],
    ];
    let mut cases = Vec::new();
    for spec in specs {
        for (seed, pattern) in Pattern::ALL.into_iter().enumerate() {
            cases.push(Case {
                a: Matrix::left(3, 23, Range::signed(5), pattern, seed as u64),
                b: Matrix::right(23, 3, Range::unsigned(4), Pattern::Uniform, 50 + seed as u64),
                spec: Spec(spec.clone()),
            });
        }
    }
    cases
}

#[test]
fn every_faulty_semantics_is_caught() {
    let cases = cases();
    let expected: Vec<Product> =
        cases.iter().map(|case| matmul(&case.a, &case.b, &case.spec)).collect();
    for fault in FAULTS {
        let caught = cases.iter().zip(&expected).any(|(c, e)| faulty::matmul(c, fault) != *e);
        assert!(caught, "{fault:?} went unnoticed");
    }
}

proptest! {
    #[test]
    fn without_a_fault_the_step_by_step_product_agrees(case in any_case()) {
        let expected = matmul(&case.a, &case.b, &case.spec);
        prop_assert_eq!(faulty::matmul(&case, Fault::None), expected);
    }
}

#[test]
fn a_product_done_by_hand() {
    // 7 * 3 = 21, 21 - 5 = 16, 16 + 20 = 36 in 5 saturating bits: 15 (21 is out), 10, 15 (30 is out).
    let a = Matrix { rows: 1, cols: 3, data: vec![7, -5, 10] };
    let b = Matrix { rows: 3, cols: 1, data: vec![3, 1, 2] };
    let stage =
        StageSpec { register: Some((5, Overflow::Saturate)), width: 1, interleave: 1, count: None };
    let product = matmul(&a, &b, &Spec(vec![stage]));
    assert_eq!(product.values, [BigInt::from(15)]);
    let report = &product.stages[0];
    assert_eq!((report.events, report.outputs), (2, 1));
    let first = report.first.as_ref().unwrap();
    assert_eq!((first.row, first.col, first.k, &first.value), (0, 0, 0, &BigInt::from(21)));
    assert_eq!((&report.min, &report.max), (&BigInt::from(0), &BigInt::from(30)));
    assert_eq!(report.required_bits, 7);
    assert_eq!(report.histogram, [(7, 1)].into());
}

#[test]
fn a_wrong_answer_differs() {
    let case = &cases()[0];
    let right = matmul(&case.a, &case.b, &case.spec);
    let mut wrong = right.clone();
    wrong.values[4] += 1;
    assert_ne!(wrong, right);
    let mut wrong = right.clone();
    wrong.stages[0].max += 1;
    assert_ne!(wrong, right);
}
