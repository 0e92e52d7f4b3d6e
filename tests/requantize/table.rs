//! The tables of docs/requantize.md: how many of all 2^32 values two policies disagree about.
//!
//! `cargo test --release -p fewbit --test requantize -- --ignored` holds them against the document, in a few minutes;
//! with `FEWBIT_WRITE_DOCS=1` it writes them.

use std::fmt::Write;
use std::path::Path;

use fewbit::Requantizer;
use fewbit::requantize::{MultiplierShift, PerChannel, Requantization, ScaleParameters};
use rayon::prelude::*;

use crate::jobs::{int, policy};

/// Values of one task.
const TASK: i64 = 1 << 16;

/// The policies of both tables; others differ from one of them nowhere.
const POLICIES: [&str; 8] = [
    "tosa32",
    "tosa32-double",
    "gemmlowp",
    "ruy",
    "cmsis-single",
    "tflite16",
    "onnx",
    "exact-ties-even",
];

/// Those that agree with one of the table on every value, as these tests show.
const SAME: [(&str, &str); 2] = [("tflite-single", "tosa32"), ("cmsis", "gemmlowp")];

/// The multiplier and shift of TFLite's convention of each table.
const TABLES: [MultiplierShift; 2] = [
    MultiplierShift { multiplier: 1 << 30, shift: -16 },
    MultiplierShift { multiplier: 1_518_500_250, shift: -16 },
];

/// A policy with that factor and outputs that none of the 2^32 values saturates.
fn requantizer(name: &str, by: MultiplierShift) -> Requantizer {
    let MultiplierShift { multiplier, shift } = by;
    let real = f64::from(multiplier) * 0.5f64.powi(31 - shift);
    let numbers = match name {
        "tosa32" | "tosa32-double" => ScaleParameters::multiplier_shift(multiplier, 31 - shift),
        "onnx" => ScaleParameters::Float(PerChannel::Tensor(real as f32)),
        "exact-ties-even" => ScaleParameters::Exact(PerChannel::Tensor(real)),
        _ => ScaleParameters::multiplier_shift(multiplier, shift),
    };
    Requantizer::new(Requantization::new(policy(name), numbers, int("int16")).unwrap())
}

/// For each pair, how many of all 32-bit values become different outputs.
fn differences(by: MultiplierShift) -> Vec<u64> {
    let names: Vec<&str> = POLICIES.into_iter().chain(SAME.map(|(name, _)| name)).collect();
    let all: Vec<Requantizer> = names.iter().map(|name| requantizer(name, by)).collect();
    let pairs = all.len() * all.len();
    let task = |task: i64| {
        let start = i64::from(i32::MIN) + task * TASK;
        let values: Vec<i32> = (start..start + TASK).map(|x| x as i32).collect();
        let outputs = all.iter().map(|by| {
            let mut outputs = vec![0i16; values.len()];
            by.run(&values, &mut outputs).unwrap();
            outputs
        });
        let outputs: Vec<Vec<i16>> = outputs.collect();
        let count = |pair: usize| {
            let (a, b) = (&outputs[pair / all.len()], &outputs[pair % all.len()]);
            if pair / all.len() < pair % all.len() {
                a.iter().zip(b).map(|(a, b)| u32::from(a != b)).sum::<u32>().into()
            } else {
                0u64
            }
        };
        (0..pairs).map(count).collect::<Vec<u64>>()
    };
    let add = |a: Vec<u64>, b: Vec<u64>| a.iter().zip(b).map(|(a, b)| a + b).collect();
    (0..1 << 16).into_par_iter().map(task).reduce(|| vec![0; pairs], add)
}

fn table(by: MultiplierShift) -> String {
    let (counts, n) = (differences(by), POLICIES.len() + SAME.len());
    let mut text = format!("| | {} |\n|---|{}\n", POLICIES[1..].join(" | "), "---:|".repeat(7));
    for (row, name) in POLICIES.iter().enumerate().take(POLICIES.len() - 1) {
        let cell = |column: usize| match column > row {
            true => counts[row * n + column].to_string(),
            false => String::new(),
        };
        let cells: Vec<String> = (1..POLICIES.len()).map(cell).collect();
        writeln!(text, "| {name} | {} |", cells.join(" | ")).unwrap();
    }
    for (index, (name, same)) in SAME.iter().enumerate() {
        let row = POLICIES.iter().position(|policy| policy == same).unwrap();
        assert_eq!(counts[row * n + POLICIES.len() + index], 0, "{name} and {same}");
    }
    text
}

#[test]
#[ignore = "all 2^32 values twenty times: minutes"]
fn the_tables_are_those_of_the_document() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/requantize.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let mut written = String::new();
    let mut rest = document.as_str();
    for (number, by) in TABLES.into_iter().enumerate() {
        let (begin, end) = (format!("<!-- table {number} -->\n"), "<!-- end -->\n");
        let (before, after) = rest.split_once(&begin).expect("where a table begins");
        let (_, after) = after.split_once(end).expect("where it ends");
        written += &format!("{before}{begin}{}{end}", table(by));
        rest = after;
    }
    written += rest;
    if std::env::var_os("FEWBIT_WRITE_DOCS").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let same = written == document;
    assert!(same || std::env::var_os("FEWBIT_WRITE_DOCS").is_some(), "{written}");
}
