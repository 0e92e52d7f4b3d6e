//! What LiteRT's kernels gave: `tests/golden/functions/generate.py`.

use fewbit::formats::Format;
use fewbit::functions::table::{ScaledFormat, Table, TablePreset};
use fewbit::functions::{SoftmaxOutput, TfliteSoftmax, TfliteSoftmax16};
use fewbit::reference::functions::{look_up, softmax_tflite, softmax_tflite_int16};
use serde_json::Value;

const FILE: &str = include_str!("../golden/functions/litert.jsonl");

pub(crate) fn cases() -> impl Iterator<Item = Value> {
    FILE.lines().skip(1).map(|line| serde_json::from_str(line).unwrap())
}

pub(crate) fn integers(of: &Value) -> Vec<i64> {
    of.as_array().unwrap().iter().map(|x| x.as_i64().unwrap()).collect()
}

pub(crate) fn float(of: &Value) -> f64 {
    f32::from_bits(of.as_u64().unwrap() as u32).into()
}

#[test]
fn softmax_is_what_litert_computes() {
    let mut outputs = 0;
    for case in cases().filter(|case| case["operator"] == "softmax" && case["from"] != "int16") {
        let output: SoftmaxOutput = case["to"].as_str().unwrap().parse().unwrap();
        let (beta, scale) = (float(&case["beta"]), float(&case["from_scale"]));
        let softmax = TfliteSoftmax::new(beta, scale, output).unwrap();
        let columns = case["columns"].as_u64().unwrap() as usize;
        let (inputs, expected) = (integers(&case["inputs"]), integers(&case["outputs"]));
        for (row, expected) in inputs.chunks(columns).zip(expected.chunks(columns)) {
            let row: Vec<i32> = row.iter().map(|&x| x as i32).collect();
            let found = softmax_tflite(&softmax, &row).unwrap();
            let found: Vec<i64> = found.into_iter().map(Into::into).collect();
            assert_eq!(found, expected, "{} {scale} {beta}", case["from"]);
            outputs += columns;
        }
    }
    assert_eq!(outputs, 3 * 7 * 2 * 346);
}

#[test]
fn softmax_of_int16_is_what_litert_computes() {
    let mut outputs = 0;
    for case in cases().filter(|case| case["operator"] == "softmax" && case["from"] == "int16") {
        let scale = float(&case["from_scale"]);
        let softmax = TfliteSoftmax16::new(float(&case["beta"]), scale).unwrap();
        let columns = case["columns"].as_u64().unwrap() as usize;
        let (inputs, expected) = (integers(&case["inputs"]), integers(&case["outputs"]));
        for (row, expected) in inputs.chunks(columns).zip(expected.chunks(columns)) {
            let row: Vec<i16> = row.iter().map(|&x| x as i16).collect();
            let found = softmax_tflite_int16(&softmax, &row).unwrap();
            let found: Vec<i64> = found.into_iter().map(Into::into).collect();
            assert_eq!(found, expected, "{scale}: {row:?}");
            outputs += columns;
        }
    }
    assert_eq!(outputs, 3 * 2 * 346);
}

/// An integer format with the scale and zero point of a case.
fn scaled(case: &Value, side: &str) -> ScaledFormat {
    let format: Format = case[side].as_str().unwrap().parse().unwrap();
    let zero = case[format!("{side}_zero")].as_i64().unwrap();
    ScaledFormat::new(format, float(&case[format!("{side}_scale")]), zero).unwrap()
}

/// The number of a code of an integer format.
fn integer(scaled: ScaledFormat, code: u32) -> i64 {
    scaled.format().decode(code) as i64
}

#[test]
fn tables_are_those_of_litert() {
    let mut tables = 0;
    for case in cases().filter(|case| case["operator"] != "softmax") {
        let (input, output) = (scaled(&case, "from"), scaled(&case, "to"));
        let wide = input.format() == Format::INT16;
        let preset = if wide { TablePreset::TfliteInt16 } else { TablePreset::TfliteInt8 };
        let function = case["operator"].as_str().unwrap().parse().unwrap();
        let table = Table::new(preset.spec(function, input, output, None).unwrap()).unwrap();
        let of = |x: i64| {
            integer(output, look_up(&table, x as u32 & ((1 << input.format().bits()) - 1)).unwrap())
        };
        let expected = integers(&case["outputs"]);
        let inputs = match wide {
            true => integers(&case["inputs"]),
            false => {
                (input.format().min_finite() as i64..=input.format().max_finite() as i64).collect()
            }
        };
        for (&x, expected) in inputs.iter().zip(expected) {
            assert_eq!(of(x), expected, "{x} of {}", table.spec());
        }
        if wide {
            let all = (case["first"].as_i64().unwrap()..=32767)
                .flat_map(|x| (of(x) as i16).to_le_bytes());
            assert_eq!(u64::from(crc32(all)), case["crc32"].as_u64().unwrap(), "{}", table.spec());
        }
        tables += 1;
    }
    assert_eq!(tables, 40);
}

/// The checksum of zlib, bit by bit.
fn crc32(bytes: impl Iterator<Item = u8>) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(byte), step))
}
