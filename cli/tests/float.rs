//! `fewbit matmul` and `fewbit explain` through float registers, against the rational oracle and by hand.

mod common;

use std::collections::HashMap;

use common::Folder;
use fewbit_testkit::accumulate::real::{Elements, RealMatrix};
use fewbit_testkit::accumulate::{Real, RealCase, any_real_case, real_matmul};
use num_rational::BigRational;
use proptest::prelude::*;
use serde_json::Value;

/// Writes the codes as the smallest type that holds them; its format.
fn write(folder: &Folder, name: &str, matrix: &RealMatrix) -> String {
    let bits = match matrix.elements {
        Elements::Float(format) => 1 + format.exponent_bits + format.fraction_bits,
        Elements::Int(bits) => bits,
    };
    let (descr, size) = match bits {
        0..=8 => ("|u1", 1),
        9..=16 => ("<u2", 2),
        _ => ("<u4", 4),
    };
    let data: Vec<u8> =
        matrix.codes.iter().flat_map(|code| code.to_le_bytes()[..size].to_vec()).collect();
    folder.npy(name, descr, false, &[matrix.rows, matrix.cols], &data);
    matrix.elements.to_string()
}

/// The values of C.npy, float32 or float64.
fn values(folder: &Folder, name: &str) -> (String, Vec<f64>) {
    let (descr, _, data) = folder.array(name);
    let values = match descr.as_str() {
        "<f4" => data.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b).into()).collect(),
        _ => data.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect(),
    };
    (descr, values)
}

fn rational(x: f64) -> BigRational {
    BigRational::from_float(x).expect("a finite number")
}

fn same(found: f64, expected: &Real) -> bool {
    match expected {
        Real::Nan => found.is_nan(),
        Real::Infinite(negative) => found.is_infinite() && (found < 0.0) == *negative,
        Real::Finite(x) => found.is_finite() && rational(found) == *x,
    }
}

fn check(case: &RealCase) {
    let folder = Folder::new();
    let (a, b) = (write(&folder, "a.npy", &case.a), write(&folder, "b.npy", &case.b));
    let acc = case.spec.to_string();
    let args = [
        "matmul", "a.npy", "b.npy", "--a", &a, "--b", &b, "--acc", &acc, "--out", "c.npy", "--json",
    ];
    let run = folder.fewbit(&args);
    let Some((expected, stages)) = real_matmul(&case.a, &case.b, &case.spec, None) else {
        assert_eq!(run.code, Some(2), "{acc}: {}", run.out);
        return;
    };
    let integer =
        acc.split(',').all(|stage| stage.starts_with("int") || stage.starts_with("exact"));
    if integer && [&case.a, &case.b].iter().all(|m| matches!(m.elements, Elements::Int(_))) {
        // Integers through integer stages: int64, or refused.
        return;
    }
    assert_eq!(run.code, Some(0), "{acc}: {}", run.err);
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    let (_, found) = values(&folder, "c.npy");
    let exact = found.iter().zip(&expected).filter(|(f, e)| same(**f, e)).count() as u64;
    assert_eq!(exact + report["rounded"].as_u64().unwrap(), expected.len() as u64, "{acc}");
    for (found, expected) in report["stages"].as_array().unwrap().iter().zip(&stages) {
        let count = |name: &str| found[name].as_u64().unwrap();
        assert_eq!(count("events"), expected.events, "{acc}");
        assert_eq!(count("outputs"), expected.outputs, "{acc}");
        assert_eq!(count("steps"), expected.steps, "{acc}");
        assert_eq!(count("inexact"), expected.inexact, "{acc}");
        assert_eq!(count("absorbed"), expected.absorbed, "{acc}");
        if let Some(min) = found["min"].as_f64() {
            assert_eq!(rational(min), expected.min, "{acc}");
        }
    }
    // Without a report it is the lanes that compute, with the same result.
    let fast: Vec<&str> = args.iter().copied().chain(["--detail", "none"]).collect();
    let before = folder.array("c.npy");
    let run = folder.fewbit(&fast);
    assert_eq!(run.code, Some(0), "{acc}: {}", run.err);
    let after = folder.array("c.npy");
    assert_eq!(before.0, after.0, "{acc}");
    assert!(before.2 == after.2 || expected.iter().any(|e| matches!(e, Real::Nan)), "{acc}");
    // The trace of the last output ends where the product does, after as many steps as the report counts.
    let (m, n) = (case.a.rows, case.b.cols);
    let (row, col) = ((m - 1).to_string(), (n - 1).to_string());
    let trace = [
        "explain", "a.npy", "b.npy", "--a", &a, "--b", &b, "--acc", &acc, "--row", &row, "--col",
        &col,
    ];
    let run = folder.fewbit(&[&trace[..], &["--json"]].concat());
    assert_eq!(run.code, Some(0), "{acc}: {}", run.err);
    let trace: Value = serde_json::from_str(&run.out).expect("JSON");
    if let Some(value) = trace["value"].as_f64() {
        assert!(same(value, &expected[m * n - 1]), "{acc}: {value}");
    }
    let steps: u64 = stages.iter().map(|stage| stage.steps).sum();
    assert_eq!(trace["all_steps"].as_u64().unwrap() * (m * n) as u64, steps, "{acc}");
    let steps = trace["steps"].as_array().unwrap();
    assert_eq!(steps.len() as u64, trace["all_steps"].as_u64().unwrap());
    if let (Some(last), 1) = (steps.last(), stages.len()) {
        assert_eq!(last["after"], trace["value"], "{acc}");
        // Of registers that take turns each goes on from its own value.
        let mut registers = HashMap::new();
        for step in steps {
            let index = step["register"]["index"].as_u64().unwrap_or(0);
            if let Some(before) = registers.insert(index, &step["after"]) {
                assert_eq!(before, &step["before"], "{acc}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_product_equals_the_oracle(case in any_real_case()) {
        check(&case);
    }
}

#[test]
fn values_and_codes_are_the_same_operand() {
    let folder = Folder::new();
    // 1.5, -2, 448 and 2^-9 in e4m3fn; 0.5, 4, 1, 3 in e5m2.
    folder.npy("ac.npy", "|u1", false, &[1, 4], &[0x3c, 0xc0, 0x7e, 0x01]);
    folder.floats("av.npy", &[1, 4], &[1.5, -2.0, 448.0, 0.001953125]);
    folder.npy("bc.npy", "|u1", false, &[4, 1], &[0x38, 0x44, 0x3c, 0x42]);
    folder.floats("bv.npy", &[4, 1], &[0.5, 4.0, 1.0, 3.0]);
    for (a, b) in [("ac.npy", "bc.npy"), ("av.npy", "bv.npy"), ("ac.npy", "bv.npy")] {
        for (acc, expected) in [
            // 0.75, -7.25, 440.75, and 2^-8 more is below half a unit of 0.25.
            ("e5m10", 440.75),
            ("exact", 440.755859375),
            ("f32*4", 440.755859375),
        ] {
            let args =
                ["matmul", a, b, "--a", "e4m3fn", "--b", "e5m2", "--acc", acc, "--out", "c.npy"];
            let run = folder.fewbit(&args);
            assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{acc}");
            assert_eq!(values(&folder, "c.npy"), ("<f4".into(), vec![expected]), "{acc}");
        }
    }
    // A sum that float32 does not have.
    let args = ["matmul", "ac.npy", "bc.npy", "--a", "e4m3fn", "--b", "e5m2"];
    folder.floats("c0.npy", &[1, 1], &[16_777_216.0]);
    let run = folder
        .fewbit(&[&args[..], &["--acc", "exact", "--init", "c0.npy", "--out", "c.npy"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert_eq!(values(&folder, "c.npy"), ("<f8".into(), vec![16_777_656.755859375]));
}

#[test]
fn a_register_starts_where_it_is_told() {
    let folder = Folder::new();
    folder.npy("a.npy", "|i1", false, &[1, 2], &[1, 1]);
    folder.npy("b.npy", "|i1", false, &[2, 1], &[3, 0xfa]);
    folder.npy("c0.npy", "<i8", false, &[1, 1], &6i64.to_le_bytes());
    for flag in ["--init", "--bias"] {
        let args = [
            "matmul", "a.npy", "b.npy", "--acc", "int4-sat", flag, "c0.npy", "--out", "c.npy",
            "--json",
        ];
        let run = folder.fewbit(&args);
        // 6, then 9 saturates to 7, then 1.
        assert_eq!(
            (run.code, folder.int64("c.npy")),
            (Some(0), (vec![1, 1], vec![1])),
            "{}",
            run.err
        );
        let report: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(
            (&report["stages"][0]["events"], &report["stages"][0]["max"]),
            (&1.into(), &9.into())
        );
    }
    let args = ["matmul", "a.npy", "b.npy", "--acc", "f32", "--init", "c0.npy", "--out", "c.npy"];
    assert_eq!(folder.fewbit(&args).code, Some(0));
    assert_eq!(values(&folder, "c.npy").1, [3.0]);
}

/// The time is the least of all repetitions, so that many take at least as many times as long.
#[test]
fn a_product_from_starting_values_is_repeated_too() {
    let folder = Folder::new();
    folder.npy("a.npy", "|i1", false, &[96, 256], &[1; 96 * 256]);
    folder.npy("b.npy", "|i1", false, &[256, 96], &[1; 96 * 256]);
    folder.npy("c0.npy", "<i8", false, &[96, 96], &[0; 8 * 96 * 96]);
    let args = ["matmul", "a.npy", "b.npy", "--acc", "int8-sat", "--init", "c0.npy", "--json"];
    let start = std::time::Instant::now();
    let run = folder.fewbit(&[&args[..], &["--threads", "1", "--repeat", "40"]].concat());
    let passed = start.elapsed().as_secs_f64();
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let seconds = report["seconds"].as_f64().unwrap();
    assert!(passed >= 40.0 * seconds, "{passed} s, the least of 40 times {seconds} s");
}

#[test]
fn a_trace_shows_what_an_aligned_step_loses() {
    let folder = Folder::new();
    folder.floats("a.npy", &[1, 3], &[256.0, 1.5, 0.015625]);
    folder.floats("b.npy", &[3, 1], &[1.0, 1.5, 1.0]);
    let args =
        ["explain", "a.npy", "b.npy", "--a", "e4m3fn", "--b", "e4m3fn", "--row", "0", "--col", "0"];
    let run = folder.fewbit(&[&args[..], &["--acc", "aligned9-rz:e8m13-rz*3", "--json"]].concat());
    assert_eq!(run.code, Some(0), "{}", run.err);
    let trace: Value = serde_json::from_str(&run.out).unwrap();
    let step = &trace["steps"][0];
    // The unit is 2^(8 - 9): of 2.25 a quarter is lost, of 2^-6 all.
    assert_eq!(
        (&step["alignment"]["exponent"], &step["alignment"]["position"]),
        (&8.into(), &(-1).into())
    );
    let lost: Vec<_> = step["alignment"]["addends"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["lost"].as_f64())
        .collect();
    assert_eq!(lost, [None, None, Some(0.25), Some(0.015625)]);
    assert_eq!((&step["alignment"]["sum"], &step["exact"]), (&258.into(), &258.265625.into()));
    assert_eq!((&trace["value"], &step["events"][0]), (&258.into(), &"inexact".into()));
    let text = folder.fewbit(&[&args[..], &["--acc", "aligned9-rz:e8m13-rz*3"]].concat()).out;
    for part in ["emax 8, cut at 2^-1", "1.5 * 1.5 = 2.25", "lost 0.25", "value 258"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_long_trace_is_cut_and_says_so() {
    let folder = Folder::new();
    folder.floats("a.npy", &[1, 300], &[1.0; 300]);
    folder.floats("b.npy", &[300, 1], &[1.0; 300]);
    let args = ["explain", "a.npy", "b.npy", "--row", "0", "--col", "0", "--acc", "e8m3"];
    let all = folder.fewbit(&args).out;
    assert!(all.contains("200 of 300 steps are not shown") && all.contains("value 16"), "{all}");
    let part = folder.fewbit(&[&args[..], &["--from", "15", "--to", "17"]].concat()).out;
    assert!(part.contains("297 of 300 steps are not shown"), "{part}");
    assert_eq!(part.matches("absorbed").count(), 2, "{part}");
}

#[test]
fn every_listed_preset_runs() {
    let folder = Folder::new();
    let run = folder.fewbit(&["accumulators", "--json"]);
    let rows: Value = serde_json::from_str(&run.out).unwrap();
    let rows = rows.as_array().unwrap();
    assert!(rows.len() > 40);
    folder.npy("a.npy", "|u1", false, &[1, 64], &[0; 64]);
    folder.npy("b.npy", "|u1", false, &[64, 1], &[0; 64]);
    for row in rows {
        let (name, format) = (row["name"].as_str().unwrap(), row["operands"][0].as_str().unwrap());
        let acc = format!("preset:{name}");
        let mut args =
            vec!["matmul", "a.npy", "b.npy", "--a", format, "--b", format, "--acc", &acc];
        let blocks = row["scales"]
            .as_str()
            .map(|scales| scales.rsplit(' ').next().unwrap().parse::<usize>().unwrap());
        if let Some(block) = blocks {
            folder.npy("sa.npy", "|u1", false, &[1, 64 / block], &[1; 4][..64 / block]);
            folder.npy("sb.npy", "|u1", false, &[64 / block, 1], &[1; 4][..64 / block]);
            args.extend(["--a-scales", "sa.npy", "--b-scales", "sb.npy"]);
        }
        let run = folder.fewbit(&args);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{name}");
        let one = folder.fewbit(&["accumulators", name]);
        assert!(one.out.contains("source") && one.out.contains("unconfirmed"), "{}", one.out);
    }
    // What the grammar spells is what it runs.
    let grammar = rows.iter().find(|row| row["name"] == "a100-f16").unwrap()["grammar"].as_str();
    assert_eq!(grammar, Some("aligned24-rz:f32-rz*8"));
}
