//! `fewbit matmul` against the oracle of big integers, values and every field of the report.

mod common;

use std::collections::BTreeMap;

use common::Folder;
use fewbit_testkit::accumulate::{
    Case, Matrix, Overflow, Pattern, Range, Spec, StageSpec, any_case, matmul,
};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    acc: String,
    shape: [usize; 3],
    stages: Vec<Stage>,
    seconds: f64,
    isa: String,
    threads: usize,
    provenance: serde_json::Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stage {
    events: u64,
    outputs: u64,
    first: Option<First>,
    min: i128,
    max: i128,
    required_bits: u32,
    histogram: BTreeMap<u32, u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    row: u64,
    col: u64,
    k: u64,
    value: i128,
}

/// Runs the binary on the case and compares everything; a result that int64 cannot hold must be refused.
fn check(case: &Case, (type_a, type_b): (&str, &str), extra: &[&str]) {
    let folder = Folder::new();
    folder.matrix("a.npy", type_a, &case.a);
    folder.fortran_matrix("b.npy", type_b, &case.b);
    let acc = case.spec.to_string();
    let mut args = vec!["matmul", "a.npy", "b.npy", "--acc", &acc];
    args.extend(["--out", "c.npy", "--report", "r.json", "--json"]);
    args.extend(extra);
    let run = folder.fewbit(&args);
    let expected = matmul(&case.a, &case.b, &case.spec);
    let values: Option<Vec<i64>> =
        expected.values.iter().map(|v| v.to_string().parse().ok()).collect();
    let Some(values) = values else {
        assert_eq!(run.code, Some(2), "{acc}: {}", run.err);
        assert!(run.err.contains("which int64 cannot hold"), "{}", run.err);
        assert_eq!(folder.names(), ["a.npy", "b.npy"]);
        return;
    };
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{acc}");
    assert_eq!(folder.names(), ["a.npy", "b.npy", "c.npy", "r.json"]);
    let shape = [case.a.rows, case.a.cols, case.b.cols];
    assert_eq!(folder.int64("c.npy"), (vec![shape[0], shape[2]], values), "{acc}");
    let text = std::fs::read_to_string(folder.file("r.json")).expect("a report");
    assert_eq!(text, run.out, "standard output is the report");
    let report: Report = serde_json::from_str(&text).expect("the report's fields");
    assert_eq!((report.acc, report.shape), (acc.clone(), shape));
    assert!(report.seconds >= 0.0 && report.threads > 0 && !report.isa.is_empty());
    assert_eq!(report.provenance["inputs"].as_array().map(Vec::len), Some(2));
    assert_eq!(report.stages.len(), expected.stages.len());
    for (found, expected) in report.stages.iter().zip(&expected.stages) {
        assert_eq!((found.events, found.outputs), (expected.events, expected.outputs), "{acc}");
        assert_eq!(found.min.to_string(), expected.min.to_string(), "{acc}");
        assert_eq!(found.max.to_string(), expected.max.to_string(), "{acc}");
        assert_eq!(found.required_bits, expected.required_bits, "{acc}");
        assert_eq!(found.histogram, expected.histogram, "{acc}");
        let found = found.first.as_ref().map(|f| (f.row, f.col, f.k, f.value.to_string()));
        let expected = expected.first.as_ref().map(|f| (f.row, f.col, f.k, f.value.to_string()));
        assert_eq!(found, expected, "{acc}");
    }
}

fn stage(register: Option<(u32, Overflow)>, width: usize, count: Option<usize>) -> StageSpec {
    StageSpec { register, width, interleave: 1, count }
}

fn case(shape: (usize, usize, usize), bits: (u32, u32), pattern: Pattern, spec: Spec) -> Case {
    let (m, k, n) = shape;
    let (a, b) = (Range::unsigned(bits.0), Range::signed(bits.1));
    Case { a: Matrix::left(m, k, a, pattern, 1), b: Matrix::right(k, n, b, pattern, 2), spec }
}

#[test]
fn every_depth_and_pattern_of_a_narrow_product() {
    for (index, k) in [0, 1, 2, 15, 16, 17, 63, 64, 65, 129].into_iter().enumerate() {
        let pattern = Pattern::ALL[index % 8];
        for overflow in [Overflow::Wrap, Overflow::Saturate] {
            let single = Spec(vec![stage(Some((12, overflow)), 1, None)]);
            check(&case((3, k, 5), (8, 4), pattern, single), ("|u1", "|i1"), &[]);
            let tiles = Spec(vec![
                stage(Some((10, overflow)), 1, Some(16)),
                stage(Some((13, Overflow::Saturate)), 1, None),
            ]);
            check(&case((2, k, 9), (8, 4), pattern, tiles), ("<u2", ">i2"), &["--threads", "2"]);
        }
    }
}

#[test]
fn every_register_width_on_full_32_bit_operands() {
    for bits in 2..=64 {
        let overflow = if bits % 2 == 0 { Overflow::Wrap } else { Overflow::Saturate };
        let spec = Spec(vec![stage(Some((bits, overflow)), 1, None)]);
        check(&case((2, 37, 3), (32, 32), Pattern::Uniform, spec), ("<u4", "<i4"), &[]);
    }
}

#[test]
fn an_adder_tree_equals_its_twin_of_two_stages() {
    let sat = Some((20, Overflow::Saturate));
    let tree = Spec(vec![stage(sat, 8, None)]);
    let twin = Spec(vec![stage(None, 1, Some(8)), stage(sat, 1, None)]);
    assert_eq!(
        (tree.to_string().as_str(), twin.to_string().as_str()),
        ("int20-sat*8", "exact/8,int20-sat")
    );
    for k in [0, 1, 7, 8, 9, 250] {
        for spec in [&tree, &twin] {
            check(
                &case((3, k, 4), (8, 8), Pattern::High, spec.clone()),
                (">u2", ">i4"),
                &["--repeat", "2"],
            );
        }
    }
}

#[test]
fn empty_matrices_have_empty_products() {
    let spec = Spec(vec![stage(Some((8, Overflow::Saturate)), 1, None)]);
    for shape in [(0, 4, 3), (3, 4, 0), (0, 0, 0)] {
        check(&case(shape, (8, 8), Pattern::Uniform, spec.clone()), ("|u1", "|i1"), &[]);
    }
}

#[test]
fn a_result_beyond_int64_is_refused() {
    let spec = Spec(vec![stage(None, 1, None)]);
    check(&case((1, 9, 1), (32, 32), Pattern::High, spec), ("<u4", "<i4"), &[]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_product_equals_the_oracle(case in any_case()) {
        let fits = |m: &Matrix, low: i64, high: i64| m.data.iter().all(|v| (low..=high).contains(v));
        let descr = |m: &Matrix| if fits(m, i32::MIN.into(), i32::MAX.into()) { "<i4" } else { "<u4" };
        prop_assume!([&case.a, &case.b].iter().all(|m| {
            fits(m, i32::MIN.into(), i32::MAX.into()) || fits(m, 0, u32::MAX.into())
        }));
        check(&case, (descr(&case.a), descr(&case.b)), &[]);
    }
}
