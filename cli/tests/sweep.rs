//! `fewbit sweep` on the carried data, and on one layer.

mod common;

use std::path::Path;

use common::Folder;
use serde_json::Value;

fn sweep(folder: &Folder, args: &[&str]) -> Value {
    let all: Vec<&str> = ["sweep", "--json"].iter().chain(args).copied().collect();
    let run = folder.fewbit(&all);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
    if args.contains(&"--out") {
        let file = std::fs::read_to_string(folder.file("sweep.json")).expect("sweep.json");
        assert_eq!(file, run.out);
    }
    serde_json::from_str(&run.out).expect("JSON")
}

/// `(bits, accuracy)` of one policy.
fn curve(report: &Value, policy: &str) -> Vec<(u64, f64)> {
    let points = report["points"].as_array().expect("points").iter();
    let points = points.filter(|p| p["policy"] == policy);
    points
        .map(|p| (p["bits"].as_u64().expect("bits"), p["accuracy"].as_f64().expect("accuracy")))
        .collect()
}

#[test]
fn the_carried_network_needs_fewer_bits_than_guaranteed_and_collapses_below() {
    let folder = Folder::new();
    let report = sweep(&folder, &["--out", "."]);
    assert_eq!((&report["weights"], &report["acts"]), (&"int4".into(), &"uint8".into()));
    let exact = report["exact"]["accuracy"].as_f64().expect("accuracy");
    assert!(exact >= 0.96, "{exact}");
    let guaranteed = report["guaranteed_bits"].as_u64().expect("bits");
    assert!((9..=23).contains(&guaranteed), "{guaranteed}");
    let curves = ["wrap", "saturate", "two-stage"].map(|policy| curve(&report, policy));
    for curve in &curves {
        let bits: Vec<u64> = curve.iter().map(|point| point.0).collect();
        assert_eq!(bits, (8..=24).collect::<Vec<u64>>());
        for &(bits, accuracy) in curve {
            assert!(bits < guaranteed || accuracy == exact, "{bits}: {accuracy}, exact {exact}");
        }
        assert!(curve[0].1 < 0.5 * exact, "no collapse: {curve:?}");
    }
    for (wrap, saturate) in curves[0].iter().zip(&curves[1]) {
        assert!(saturate.1 >= wrap.1, "P = {}: {} < {}", wrap.0, saturate.1, wrap.1);
    }
    for point in report["points"].as_array().expect("points") {
        let overflows = point["overflow_share"].as_f64().expect("a share");
        assert!((0.0..=1.0).contains(&overflows));
        if overflows == 0.0 {
            assert_eq!(point["sqnr_db"], Value::Null, "{point}");
            assert_eq!(point["sqnr_float_db"], report["exact"]["sqnr_float_db"], "{point}");
        }
        assert_eq!(point["exact"], point["sqnr_db"].is_null(), "{point}");
        assert_eq!(point["equals_float"], false, "{point}");
        if point["bits"].as_u64() >= Some(guaranteed) {
            assert_eq!(overflows, 0.0, "{point}");
        }
    }
    check_guarantees(&report);
    let picture = std::fs::read_to_string(folder.file("sweep.svg")).expect("sweep.svg");
    assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
    assert!(picture.contains(&format!("guaranteed: P = {guaranteed}")));
    assert_eq!(folder.names(), ["sweep.json", "sweep.svg"]);
}

/// Every guaranteed point keeps its guarantee; `(axe, joint)` from which `P` on the accuracy is within 1 point of exact.
fn check_guarantees(report: &Value) -> [(u64, u64); 3] {
    let points = report["guaranteed"].as_array().expect("points");
    for point in points {
        assert_eq!((&point["overflow_share"], &point["guaranteed"]), (&0.0.into(), &true.into()));
    }
    let exact = report["exact"]["accuracy"].as_f64().expect("accuracy");
    let least = |policy: &str, constraint: &str| {
        let of = points.iter().filter(|p| p["policy"] == policy && p["constraint"] == constraint);
        let far = of.clone().filter(|p| p["accuracy"].as_f64().expect("accuracy") < exact - 0.01);
        let bits = |point: &Value| point["bits"].as_u64().expect("bits");
        let (first, last) = (of.clone().map(bits).min(), of.clone().map(bits).max());
        let least = far.map(bits).max().map_or(first, |bits| Some(bits + 1));
        assert!(
            least > first && least <= last,
            "{policy} {constraint}: {first:?} {least:?} {last:?}"
        );
        least.expect("points")
    };
    ["wrap", "saturate", "two-stage"].map(|policy| (least(policy, "axe"), least(policy, "joint")))
}

#[test]
fn a_guarantee_costs_fewer_bits_where_scales_and_codes_are_chosen_together() {
    for network in ["64-128-128-10", "64-96-64-32-10"] {
        let folder = Folder::new();
        let args = ["--network", network, "--bits", "11..18", "--constraint", "axe,joint"];
        let report = sweep(&folder, &args);
        assert_eq!(report["points"], Value::Array(vec![]));
        let found = check_guarantees(&report);
        for (axe, joint) in found {
            assert!(joint < axe, "{network}: {found:?}");
        }
        let run = folder.fewbit(&[&["sweep"][..], &args].concat());
        assert!(run.out.starts_with(&format!("{network}, int4 weights, ")), "{}", run.out);
        for (name, (axe, joint)) in ["wrap, saturate", "two-stage"].iter().zip(&found[1..]) {
            let line = format!(
                "\n{name}: guaranteed within 1 point of exact from P = {axe} on with axe, from P = {joint} on with joint\n"
            );
            assert!(run.out.contains(&line), "{line}{}", run.out);
        }
    }
}

#[test]
fn constraints_change_no_point_without_one() {
    let folder = Folder::new();
    let args = ["--bits", "13..14", "--acc", "int{P}-sat"];
    let with =
        |constraint: &str| sweep(&folder, &[&args[..], &["--constraint", constraint]].concat());
    let (mut all, none) = (with("joint,none,axe-strict,joint"), with("none"));
    let constraints: Vec<&str> = all["guaranteed"]
        .as_array()
        .expect("points")
        .iter()
        .filter_map(|point| point["constraint"].as_str())
        .collect();
    assert_eq!(constraints, ["axe-strict", "axe-strict", "joint", "joint"]);
    assert_eq!(none["guaranteed"], Value::Array(vec![]));
    all["guaranteed"] = Value::Array(vec![]);
    let mut none = none;
    for report in [&mut all, &mut none] {
        report["cnn"].take();
    }
    assert_eq!(all, none);
}

#[test]
fn the_readme_shows_what_the_command_prints_and_draws() {
    let folder = Folder::new();
    let run = folder.fewbit(&["sweep"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md");
    assert!(readme.contains(&run.out), "README.md does not show\n{}", run.out);
    let shown = std::fs::read(root.join("docs/img/sweep.svg")).expect("the picture");
    let drawn = std::fs::read(folder.file("sweep.svg")).expect("sweep.svg");
    assert!(shown == drawn, "docs/img/sweep.svg is not what the command draws");
}

/// The lines of the table that the default sweep prints: one per P, down to the first at which all are exact.
#[test]
fn the_table_has_one_line_per_width_and_ends_where_all_are_exact() {
    let folder = Folder::new();
    let report = sweep(&folder, &["--bits", "13..20", "--constraint", "none"]);
    assert_eq!(folder.names(), [""; 0], "files that nobody asked for");
    let of_bits = |bits: u64| {
        let points = report["points"].as_array().expect("points").iter();
        points.filter(move |p| p["bits"] == bits).cloned().collect::<Vec<_>>()
    };
    let all_exact = |bits: &u64| of_bits(*bits).iter().all(|p| p["overflow_share"] == 0.0);
    let settled = (13..=20).find(all_exact).expect("a width at which all are exact");
    assert!((14..20).contains(&settled));
    let run = folder.fewbit(&[
        "sweep",
        "--network",
        "64-128-128-10",
        "--bits",
        "13..20",
        "--constraint",
        "none",
    ]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let rows: Vec<Vec<&str>> = run
        .out
        .lines()
        .filter(|line| line.starts_with("| 1") || line.starts_with("| 2"))
        .map(|line| line.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    let bits: Vec<u64> = rows.iter().map(|row| row[0].parse().expect("a width")).collect();
    assert_eq!(bits, (13..=settled).collect::<Vec<_>>());
    for (bits, row) in bits.iter().zip(&rows) {
        let expected = of_bits(*bits).into_iter().flat_map(|p| {
            let number = |key: &str| p[key].as_f64();
            let percent = |key: &str| number(key).map(|share| format!("{:.2} %", 100.0 * share));
            let db = |key: &str| number(key).map_or("exact".into(), |db| format!("{db:.2}"));
            [
                percent("accuracy").expect("a share"),
                percent("overflow_share").expect("a share"),
                db("sqnr_db"),
                db("sqnr_float_db"),
            ]
        });
        assert_eq!(row[1..], expected.collect::<Vec<String>>(), "P = {bits}");
    }
    let rest = format!("beyond P = {settled}, to the 20 measured, the same: no overflow");
    assert!(run.out.contains(&rest), "{}", run.out);
}

#[test]
fn a_table_without_an_exact_end_is_whole() {
    let folder = Folder::new();
    let template = ["--acc", "int{P}-sat", "--acc", "int{P}-sat*2"];
    let args = ["sweep", "--network", "64-128-128-10", "--bits", "8..10", "--constraint", "none"];
    let run = folder.fewbit(&[&args[..], &template].concat());
    assert_eq!(run.code, Some(0), "{}", run.err);
    let starts = |start: &str| run.out.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(starts("|  8 ") + starts("|  9 ") + starts("| 10 "), 3, "{}", run.out);
    // Two of one policy are told apart by the accumulators.
    assert!(run.out.contains(" int{P}-sat |") && run.out.contains(" int{P}-sat*2 |"));
    assert!(!run.out.contains("no overflow"), "{}", run.out);
}

#[test]
fn options_reach_the_sweep() {
    let folder = Folder::new();
    let template = "int{P}-sat/16,int{P}-wrap*4";
    let args = ["--weights", "int8", "--acts", "int8", "--bits", "13..14", "--acc", template];
    let more = ["--seed", "5", "--calibration", "64", "--threads", "1", "--constraint", "none"];
    let report = sweep(&folder, &[&args[..], &more[..]].concat());
    assert_eq!((&report["weights"], &report["acts"]), (&"int8".into(), &"int8".into()));
    let points = report["points"].as_array().expect("points");
    let accs: Vec<&str> = points.iter().filter_map(|p| p["acc"].as_str()).collect();
    assert_eq!(accs, ["int13-sat/16,int13-wrap*4", "int14-sat/16,int14-wrap*4"]);
}

#[test]
fn asymmetric_codes_lose_nothing_through_a_wide_register() {
    for (weights, acts) in [("uint8", "uint8"), ("int8n", "uint6"), ("uint4", "int8")] {
        let folder = Folder::new();
        let report = sweep(&folder, &["--weights", weights, "--acts", acts, "--bits", "30..30"]);
        let exact = report["exact"]["accuracy"].as_f64().expect("accuracy");
        assert!(exact > 0.9, "{weights} {acts}: {exact}");
        for point in report["guaranteed"].as_array().expect("points") {
            let accuracy = point["accuracy"].as_f64().expect("accuracy");
            assert!(accuracy > exact - 0.01, "{weights} {acts}: {point}, exact {exact}");
        }
    }
}

#[test]
fn one_layer_is_measured_by_its_sqnr() {
    let folder = Folder::new();
    let wave =
        |n: usize, step: f32| -> Vec<f32> { (0..n).map(|i| (i as f32 * step).sin()).collect() };
    folder.floats("w.npy", &[10, 96], &wave(960, 0.37));
    folder.floats("x.npy", &[20, 96], &wave(1920, 0.11));
    let report = sweep(&folder, &["--weight", "w.npy", "--input", "x.npy", "--out", "."]);
    assert_eq!(report["exact"]["accuracy"], Value::Null);
    assert_eq!(report["float"]["accuracy"], Value::Null);
    let quantization =
        report["exact"]["sqnr_float_db"].as_f64().expect("4-bit weights lose something");
    assert!((10.0..40.0).contains(&quantization), "{quantization}");
    assert_eq!(report["samples"], 20);
    let guaranteed = report["guaranteed_bits"].as_u64().expect("bits");
    for point in report["points"].as_array().expect("points") {
        assert_eq!(point["accuracy"], Value::Null);
        // A register that wraps may come back, so an overflow need not be an error; no overflow is none.
        let overflows = point["overflow_share"] != 0.0;
        assert!(overflows || point["exact"] == true, "{point}");
        assert_eq!(point["exact"], point["sqnr_db"].is_null(), "{point}");
        let float = point["sqnr_float_db"].as_f64().expect("a number");
        assert!(point["exact"] == false || float == quantization, "{point}");
        assert!(!overflows || point["bits"].as_u64() < Some(guaranteed), "{point}");
    }
    let points = report["guaranteed"].as_array().expect("points");
    for point in points {
        assert_eq!((&point["accuracy"], &point["overflow_share"]), (&Value::Null, &0.0.into()));
        let wide = point["bits"].as_u64() >= Some(guaranteed);
        let float = point["sqnr_float_db"].as_f64().expect("a number");
        assert!(!wide || float > quantization - 1.0, "{point}, exact {quantization}");
    }
    let run = folder.fewbit(&["sweep", "--weight", "w.npy", "--input", "x.npy", "--out", "."]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert!(run.out.contains(": guaranteed within 1 dB of exact from P = "), "{}", run.out);
}

#[test]
fn layers_of_nothing_are_guaranteed_too() {
    let folder = Folder::new();
    folder.floats("w.npy", &[2, 3], &[0.0, 0.0, 0.0, 1.0, -2.0, 0.0]);
    folder.floats("x.npy", &[2, 3], &[0.0; 6]);
    let report = sweep(&folder, &["--weight", "w.npy", "--input", "x.npy", "--bits", "2..3"]);
    assert_eq!(report["guaranteed"].as_array().map(Vec::len), Some(3 * 2 * 2));
}

/// Squares of 1e20 are beyond float32, in which a solver's statistics are.
#[test]
fn inputs_that_solvers_cannot_take_are_measured_without_a_guarantee() {
    let folder = Folder::new();
    folder.floats("w.npy", &[1, 2], &[1.0, 0.5]);
    folder.floats("x.npy", &[2, 2], &[1e20, 2e20, 2e20, -1e20]);
    let args = ["sweep", "--weight", "w.npy", "--input", "x.npy", "--bits", "12..13"];
    let run = folder.fewbit(&args);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    assert!(run.err.contains("`--constraint none` measures without one"), "{}", run.err);
    assert_eq!(folder.names(), ["w.npy", "x.npy"]);
    let run = folder.fewbit(&[&args[..], &["--constraint", "none"]].concat());
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
}

/// W = [1, 0.5] in int8 has codes 127 and 64 (63.5 is a tie) with scale 1/127; X = 255 and 0 have the codes themselves.
#[test]
fn both_ratios_are_those_by_hand() {
    let folder = Folder::new();
    folder.floats("w.npy", &[1, 2], &[1.0, 0.5]);
    folder.floats("x.npy", &[1, 2], &[255.0, 255.0]);
    let args = ["--weight", "w.npy", "--input", "x.npy", "--weights", "int8"];
    let report =
        sweep(&folder, &[&args[..], &["--bits", "15..17", "--acc", "int{P}-sat"]].concat());
    let points = report["points"].as_array().expect("points");
    // 255 * 191 = 48705 needs 17 bits; int16 keeps 32767 of it, int15 16383. The float layer has 382.5 = 48577.5 / 127.
    let db = |signal: f64, other: f64| 20.0 * (signal / (signal - other).abs()).log10();
    for (point, kept) in points.iter().zip([16383.0, 32767.0, 48705.0]) {
        let near = |key: &str, expected: f64| {
            let found = point[key].as_f64().expect("a number");
            assert!((found - expected).abs() < 1e-3, "{key}: {found}, by hand {expected}");
        };
        near("sqnr_float_db", db(48577.5, kept));
        match point["bits"].as_u64() {
            Some(17) => {
                assert_eq!((&point["exact"], &point["sqnr_db"]), (&true.into(), &Value::Null))
            }
            _ => {
                assert_eq!(point["exact"], false);
                near("sqnr_db", db(48705.0, kept));
            }
        }
    }
}
