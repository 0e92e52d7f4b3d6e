//! `fewbit cast`: the files that it writes, against the scalar function, and what it says.

mod common;

use common::Folder;
use fewbit_formats::{Format, NanPolicy, Overflow, Policy, Rounding, philox};
use serde_json::Value;

const VALUES: [f32; 8] = [0.3, -2.6, 100.0, -0.0, 448.0, 465.0, 1e-9, -1e30];

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn f32s(data: &[u8]) -> Vec<f32> {
    data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[test]
fn values_and_codes_are_those_of_the_scalar_function() {
    let folder = Folder::new();
    folder.floats("x.npy", &[2, 4], &VALUES);
    let cases = [
        ("e4m3fn", Rounding::TiesEven, Overflow::Saturate),
        ("e5m2", Rounding::Down, Overflow::Special),
        ("f16", Rounding::Odd, Overflow::Ieee),
        ("posit16", Rounding::TiesEven, Overflow::Saturate),
        ("tf32", Rounding::TiesAway, Overflow::Saturate),
        ("e4m3fn", Rounding::Stochastic { bits: 11 }, Overflow::Saturate),
    ];
    for (name, rounding, overflow) in cases {
        let format: Format = name.parse().unwrap();
        let policy = Policy::new(rounding, overflow).with_nan(NanPolicy::MlDtypes);
        let (rounding, overflow) = (rounding.to_string(), overflow.to_string());
        let flags = ["--to", name, "--round", &rounding, "--overflow", &overflow, "--seed", "9"];
        let run = |extra: &[&str], out: &str| {
            let args = [&["cast"], &flags[..], extra, &["x.npy", out]].concat();
            let run = folder.fewbit(&args);
            assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{args:?}");
        };
        run(&["--codes", "--threads", "1"], "c.npy");
        run(&["--codes", "--threads", "3", "--repeat", "2"], "c3.npy");
        run(&[], "y.npy");
        let (descr, shape, codes) = folder.array("c.npy");
        assert_eq!(shape, [2, 4]);
        assert_eq!(folder.array("c3.npy").2, codes);
        let width = match format.bits() {
            ..=8 => ("|u1", 1),
            9..=16 => ("<u2", 2),
            _ => ("<u4", 4),
        };
        assert_eq!(descr, width.0, "{name}");
        let found: Vec<u32> = codes
            .chunks(width.1)
            .map(|bytes| bytes.iter().rev().fold(0, |code, &byte| code << 8 | u32::from(byte)))
            .collect();
        let encode = |(i, &x): (usize, &f32)| {
            format.encode(x, &policy, philox::bits(9, i as u64)).unwrap().code
        };
        let expected: Vec<u32> = VALUES.iter().enumerate().map(encode).collect();
        assert_eq!(found, expected, "{name}");
        let (descr, _, data) = folder.array("y.npy");
        assert_eq!(descr, "<f4");
        let values: Vec<u32> = f32s(&data).iter().map(|x| x.to_bits()).collect();
        let decoded: Vec<u32> =
            expected.iter().map(|&code| (format.decode(code) as f32).to_bits()).collect();
        assert_eq!(values, decoded, "{name}");
        // And back from the codes.
        let run = folder.fewbit(&["cast", "--from", name, "c.npy", "z.npy"]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        assert_eq!(folder.array("z.npy"), folder.array("y.npy"));
    }
}

#[test]
fn codes_of_one_format_become_codes_of_another() {
    let folder = Folder::new();
    folder.npy("c.npy", "|u1", false, &[3], &[0x7e, 0x38, 0xc1]); // 448, 1, -2.25
    let run =
        folder.fewbit(&["cast", "--from", "e4m3fn", "--to", "e2m1fn", "--codes", "c.npy", "d.npy"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert_eq!(folder.array("d.npy").2, [0b0111, 0b0010, 0b1100]); // 6, 1, -2
}

#[test]
fn integers_of_64_bits_are_not_rounded_on_the_way() {
    let folder = Folder::new();
    let x: [i64; 2] = [(1 << 62) + 1, (1 << 62) + (1 << 51) + 1];
    let data: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
    folder.npy("x.npy", "<i8", false, &[2], &data);
    let run = folder.fewbit(&["cast", "--to", "f16", "--round", "up", "--json", "x.npy", "y.npy"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert_eq!(json(&run.out)["counts"]["overflow"], 2);
    let run = folder.fewbit(&["cast", "--to", "bf16", "--codes", "x.npy", "c.npy"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let run =
        folder.fewbit(&["cast", "--to", "bf16", "--round", "up", "--codes", "x.npy", "d.npy"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert_eq!(folder.array("c.npy").2, [0x80, 0x5e, 0x80, 0x5e]);
    assert_eq!(folder.array("d.npy").2, [0x81, 0x5e, 0x81, 0x5e]);
}

#[test]
fn the_report_counts_and_times() {
    let folder = Folder::new();
    folder.floats("x.npy", &[8], &VALUES);
    let run =
        folder.fewbit(&["cast", "--to", "e4m3fn", "--repeat", "3", "--json", "x.npy", "y.npy"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let report = json(&run.out);
    assert_eq!(report["elements"], 8);
    assert_eq!(report["format"], "e4m3fn");
    assert_eq!(report["rounding"], "ties-even");
    assert_eq!(report["subnormal_output"], "keep");
    assert!(report["seconds"].as_f64().unwrap() >= 0.0);
    // Beyond 464: 465 and -1e30. Exact: -0 and 448.
    let counts = &report["counts"];
    assert_eq!((&counts["overflow"], &counts["inexact"]), (&2.into(), &6.into()));
    assert_eq!((&counts["underflow"], &counts["nan"]), (&1.into(), &0.into()));
}

#[test]
fn what_is_not_a_code_is_named() {
    let folder = Folder::new();
    folder.npy("c.npy", "|u1", false, &[2, 2], &[1, 2, 16, 3]);
    folder.floats("x.npy", &[1], &[1.0]);
    let complaint = |args: &[&str]| {
        let run = folder.fewbit(args);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
        assert!(!folder.file("y.npy").exists());
        run.err
    };
    let err = complaint(&["cast", "--from", "e2m1fn", "c.npy", "y.npy"]);
    assert!(err.contains("holds 16 at [1, 0]") && err.contains("0 to 15"), "{err}");
    let err = complaint(&["cast", "--from", "e2m1fn", "x.npy", "y.npy"]);
    assert!(err.contains("holds float32"), "{err}");
    let err = complaint(&["cast", "x.npy", "y.npy"]);
    assert!(err.contains("--to"), "{err}");
    let err = complaint(&["cast", "--from", "e2m1fn", "--codes", "c.npy", "y.npy"]);
    assert!(err.contains("--to"), "{err}");
}

/// OCP's E4M3 is e4m3fn; the name in capitals is the IEEE-like format here.
#[test]
fn a_name_that_is_another_format_elsewhere_is_warned_of() {
    let folder = Folder::new();
    folder.floats("x.npy", &[2, 1], &[300.0, 1.0]);
    folder.npy("c.npy", "|u1", false, &[1, 2], &[0x38; 2]);
    let warned: [(&[&str], &str, &str); 8] = [
        (&["cast", "--to", "E4M3", "x.npy", "y.npy"], "e4m3 (largest value 240)", "e4m3fn"),
        (&["cast", "--from", "E4M3", "c.npy", "y.npy"], "e4m3 (", "e4m3fn"),
        (&["cast", "--to", "E2M1", "x.npy", "y.npy"], "e2m1 (", "e2m1fn"),
        (&["quantize", "--to", "mx(E2M3,e8m0fnu,32)", "x.npy", "q"], "e2m3 (", "e2m3fn"),
        (&["matmul", "c.npy", "x.npy", "--a", "E4M3", "--acc", "f32"], "e4m3 (", "e4m3fn"),
        (&["matmul", "c.npy", "x.npy", "--acc", "E4M3-rne/1,f32"], "e4m3 (", "e4m3fn"),
        (&["formats", "E3M2"], "e3m2 (", "e3m2fn"),
        (
            &[
                "explain", "c.npy", "x.npy", "--b", "f32", "--a", "E4M3", "--acc", "f32",
                "--row=0", "--col=0",
            ],
            "e4m3 (",
            "e4m3fn",
        ),
    ];
    for (args, ours, theirs) in warned {
        let run = folder.fewbit(args);
        assert_eq!(run.code, Some(0), "{args:?}: {}", run.err);
        assert_eq!(run.err.lines().count(), 1, "{args:?}: {}", run.err);
        assert!(run.err.starts_with("warning: "), "{}", run.err);
        assert!(run.err.contains(&format!("taken as {ours}")), "{args:?}: {}", run.err);
        assert!(run.err.contains(&format!("write {theirs} for that one")), "{}", run.err);
        let run = folder.fewbit(&[args, &["--json"]].concat());
        let report = json(&run.out);
        let warnings = report["warnings"].as_array().expect("warnings");
        assert_eq!(format!("warning: {}\n", warnings[0].as_str().expect("a text")), run.err);
    }
    for name in ["e4m3", "e4m3fn", "E4M3FN", "E5M2", "float8_e4m3", "INT8", "BF16"] {
        let run = folder.fewbit(&["cast", "--to", name, "x.npy", "y.npy", "--json"]);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{name}");
        assert_eq!(json(&run.out).get("warnings"), None);
    }
}
