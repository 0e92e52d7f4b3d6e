//! `fewbit digest` beside the list of digests, and beside what ml_dtypes 0.5.4 answers.

mod common;

use std::path::Path;

use common::Folder;

/// Of the codes that ml_dtypes 0.5.4 (NumPy 1.26.4) gives to all 2^32 f32: `docs/proof/README.md` has the line of Python.
const ML_DTYPES: [(&str, &str); 3] = [
    ("e4m3fn", "f0ca981b8f7d111cd2446d1e844d3f8b34a493306d041ae9a1a29b0436866691"),
    ("e5m2fnuz", "ef14d4cee326fb157e81cd8e5af78fa7f296bfeea329d12eb09f4817e5663a07"),
    ("bf16", "8c8486e6ee6633ce0b09f7ac6450352839eb2ae2a1f75e9a60c5a6141e8fcb54"),
];

fn list() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/proof/digests.csv");
    std::fs::read_to_string(path).expect("the list")
}

#[test]
fn the_list_has_what_ml_dtypes_answers() {
    let list = list();
    for (format, sha256) in ML_DTYPES {
        let start = format!("{format},ties-even,special,sign-kept,");
        let line = list.lines().find(|line| line.starts_with(&start)).expect("a line");
        assert!(line.ends_with(sha256), "{line}");
    }
}

/// Every line of the list names what there is, once; a line of a format comes with its others.
#[test]
fn the_list_is_sound() {
    let (list, mut seen) = (list(), std::collections::BTreeSet::new());
    assert_eq!(list.lines().next(), Some("format,rounding,overflow,nan,bytes,sha256"));
    for line in list.lines().skip(1) {
        let (rule, sha256) = line.rsplit_once(',').expect("six fields");
        assert!(seen.insert(rule.to_owned()), "{rule} is there twice");
        assert_eq!(sha256.len(), 64);
        let format = rule.split(',').next().expect("a format");
        assert!(format.parse::<fewbit_formats::Format>().is_ok_and(|f| f.bits() <= 16), "{format}");
    }
    // Of a format there are all twelve modes, two overflow policies and two rules for NaN.
    let formats: std::collections::BTreeSet<&str> =
        seen.iter().filter_map(|rule| rule.split(',').next()).collect();
    assert!(formats.contains("e4m3fn") && formats.contains("e5m2"));
    for format in formats {
        let lines = seen.iter().filter(|rule| rule.split(',').next() == Some(format)).count();
        assert_eq!(lines, 12 * 2 * 2, "{format}");
    }
}

/// One line anew, and beside a list that says otherwise.
#[test]
fn a_line_is_computed_and_compared() {
    let folder = Folder::new();
    std::fs::write(folder.file("list.csv"), list()).expect("a file");
    let rule = ["--round", "ties-even", "--overflow", "special", "--nan", "sign-kept"];
    let digest = |more: &[&str]| folder.fewbit(&[&["digest", "e4m3fn"], &rule[..], more].concat());
    let run = digest(&["--check", "list.csv"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{}", run.out);
    assert!(run.out.starts_with("1 of 1 digests are those of list.csv"), "{}", run.out);
    let changed = list().replace("f0ca981b8f7d", "00ca981b8f7d");
    std::fs::write(folder.file("list.csv"), changed).expect("a file");
    let run = digest(&["--check", "list.csv", "--json"]);
    assert_eq!(run.code, Some(1), "{}", run.err);
    let report: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(report["different"], 1);
    assert_eq!(report["lines"][0]["sha256"], ML_DTYPES[0].1);
    assert!(report["lines"][0]["listed"].as_str().is_some_and(|sha256| sha256.starts_with("00ca")));
}
