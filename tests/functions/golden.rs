//! What LiteRT's kernels gave: `tests/golden/functions/generate.py`.

use fewbit::functions::{SoftmaxOutput, TfliteSoftmax};
use fewbit::reference::functions::softmax_tflite;
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
