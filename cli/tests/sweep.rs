//! `fewbit sweep` on the carried data, and on one layer.

mod common;

use std::path::Path;

use common::Folder;
use serde_json::Value;

fn sweep(folder: &Folder, args: &[&str]) -> Value {
    let all: Vec<&str> = ["sweep", "--json"].iter().chain(args).copied().collect();
    let run = folder.fewbit(&all);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
    let report = serde_json::from_str(&run.out).expect("JSON");
    let file = std::fs::read_to_string(folder.file("sweep.json")).expect("sweep.json");
    assert_eq!(file, run.out);
    report
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
    let report = sweep(&folder, &[]);
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
        }
        if point["bits"].as_u64() >= Some(guaranteed) {
            assert_eq!(overflows, 0.0, "{point}");
        }
    }
    let picture = std::fs::read_to_string(folder.file("sweep.svg")).expect("sweep.svg");
    assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"));
    assert!(picture.contains(&format!("guaranteed: P = {guaranteed}")));
    assert_eq!(folder.names(), ["sweep.json", "sweep.svg"]);
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

#[test]
fn options_reach_the_sweep() {
    let folder = Folder::new();
    let template = "int{P}-sat/16,int{P}-wrap*4";
    let args = ["--weights", "int8", "--acts", "int8", "--bits", "13..14", "--acc", template];
    let more = ["--seed", "5", "--calibration", "64", "--threads", "1"];
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
    assert_eq!(report["samples"], 20);
    let guaranteed = report["guaranteed_bits"].as_u64().expect("bits");
    for point in report["points"].as_array().expect("points") {
        assert_eq!(point["accuracy"], Value::Null);
        // A register that wraps may come back, so an overflow need not be an error; no overflow is none.
        let overflows = point["overflow_share"] != 0.0;
        assert!(overflows || point["sqnr_db"].is_null(), "{point}");
        assert!(!overflows || point["bits"].as_u64() < Some(guaranteed), "{point}");
    }
}
