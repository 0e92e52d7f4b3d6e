//! What ONNX Runtime gave: `tests/golden/requantize/generate.py`.

use fewbit::Requantizer;
use fewbit::requantize::{PerChannel, Requantization, ScaleParameters};
use serde_json::Value;

use crate::jobs::{int, policy};

const FILE: &str = include_str!("../golden/requantize/onnxruntime.jsonl");

fn integers(of: &Value) -> Vec<i64> {
    of.as_array().unwrap().iter().map(|x| x.as_i64().unwrap()).collect()
}

fn floats(of: &Value) -> Vec<f32> {
    integers(of).into_iter().map(|bits| f32::from_bits(bits as u32)).collect()
}

#[test]
fn onnx_is_what_onnx_runtime_computes() {
    let mut outputs = 0;
    for line in FILE.lines().skip(1) {
        let case: Value = serde_json::from_str(line).unwrap();
        // As the operator: the product of both scales, then the quotient, in f32.
        let (a, y) = (floats(&case["a_scale"])[0], floats(&case["y_scale"])[0]);
        let scales: Vec<f32> = floats(&case["b_scale"]).iter().map(|b| a * b / y).collect();
        let numbers = match scales[..] {
            [scale] => PerChannel::Tensor(scale),
            _ => PerChannel::Channels(scales),
        };
        let to = int(case["to"].as_str().unwrap());
        let job = Requantization::new(policy("onnx"), ScaleParameters::Float(numbers), to).unwrap();
        let job = job.with_zero_point(case["zero_point"].as_i64().unwrap()).unwrap();
        let (sums, expected) = (integers(&case["sums"]), integers(&case["outputs"]));
        let mut found = vec![0i16; sums.len()];
        Requantizer::new(job).run(&sums, &mut found).unwrap();
        for ((x, found), expected) in sums.iter().zip(&found).zip(&expected) {
            assert_eq!(i64::from(*found), *expected, "{x} in {}", case["kind"]);
        }
        outputs += sums.len();
    }
    assert_eq!(outputs, 2016);
}
