//! Every operator beside ONNX Runtime 1.32.0, QONNX's beside qonnx 1.0.0 (`golden/generate.py`); and, where they are there,
//! the published cases of the package onnx 1.23.2 (`golden/onnx_cases.py`) and whole networks.

use std::collections::BTreeSet;

use crate::support::{Case, cases, failure};
use fewbit_models::onnx::{read_bytes, write_bytes};
use fewbit_models::ops::Op;

const FAMILIES: [(&str, &[u8]); 8] = [
    ("convolutions", include_bytes!("../golden/convolutions.bin.gz")),
    ("elementwise", include_bytes!("../golden/elementwise.bin.gz")),
    ("products", include_bytes!("../golden/products.bin.gz")),
    ("normalization", include_bytes!("../golden/normalization.bin.gz")),
    ("movement", include_bytes!("../golden/movement.bin.gz")),
    ("recurrent", include_bytes!("../golden/recurrent.bin.gz")),
    ("quantization", include_bytes!("../golden/quantization.bin.gz")),
    ("qonnx", include_bytes!("../golden/qonnx.bin.gz")),
];

/// Sums of floats come in another order.
const TOLERANCE: f32 = 1e-5;

/// What is wrong in some cases, none of them expected to be.
fn failures(cases: &[Case], tolerance: f32) -> Vec<String> {
    let failed = |case: &Case| {
        let failure = failure(case, tolerance)?;
        Some(format!("{}: {failure}", case.name))
    };
    cases.iter().filter_map(failed).collect()
}

#[test]
fn operators_compute_what_onnx_runtime_computes() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (family, bytes) in FAMILIES {
        let cases = cases(bytes);
        assert!(cases.len() > 30, "{family} has {} cases", cases.len());
        for case in &cases {
            seen.insert(case.name.split(' ').next().unwrap().to_owned());
        }
        wrong.extend(failures(&cases, TOLERANCE));
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen.len() > 110, "{} operators", seen.len());
}

#[test]
fn what_is_written_reads_back_equal() {
    let mut written = 0;
    for (_, bytes) in FAMILIES {
        for case in cases(bytes) {
            let Ok(graph) = read_bytes(case.model.clone(), None) else { continue };
            match write_bytes(&graph, 25) {
                Ok(bytes) => {
                    let again =
                        read_bytes(bytes, None).unwrap_or_else(|e| panic!("{}: {e}", case.name));
                    assert_eq!(format!("{again:?}"), format!("{graph:?}"), "{}", case.name);
                    written += 1;
                }
                Err(error) => {
                    // Only forms that newer operator sets do not have.
                    assert!(error.to_string().contains("newer operator sets"), "{error}");
                }
            }
        }
    }
    assert!(written > 700, "{written}");
}

#[test]
fn the_comparison_objects_to_a_wrong_answer() {
    for (family, bytes) in FAMILIES {
        let mut all = cases(bytes);
        let case = &mut all[0];
        assert_eq!(failure(case, TOLERANCE), None, "{family}");
        let (name, expected) = case.outputs.pop_first().unwrap();
        let fewbit_models::tensor::Tensor::F32(array) = expected else { continue };
        let mut array = array.into_owned();
        let last = array.len() - 1;
        array.as_slice_mut().unwrap()[last] += 1e-3;
        case.outputs.insert(name, array.into());
        assert!(failure(case, TOLERANCE).is_some(), "{family}");
    }
}

fn data(file: &str) -> Option<Vec<Case>> {
    let Ok(folder) = std::env::var("FEWBIT_MODELS_DATA") else {
        println!("skipped: FEWBIT_MODELS_DATA names no folder with {file}");
        return None;
    };
    match std::fs::read(format!("{folder}/{file}")) {
        Ok(bytes) => Some(cases(&bytes)),
        Err(error) => {
            println!("skipped: {folder}/{file}: {error}");
            None
        }
    }
}

#[test]
fn networks_compute_what_onnx_runtime_computes() {
    let Some(cases) = data("networks.bin.gz") else { return };
    for case in &cases {
        assert_eq!(failure(case, 1e-4), None, "{}", case.name);
        let graph = read_bytes(case.model.clone(), None).unwrap();
        for opset in [21, 25] {
            if let Ok(bytes) = write_bytes(&graph, opset) {
                let again = read_bytes(bytes, None).unwrap();
                assert!(again == graph, "{} in operator set {opset}", case.name);
            } else {
                println!("{} cannot be written in operator set {opset}", case.name);
            }
        }
    }
    println!("{} networks", cases.len());
}

/// What the published cases have and this crate does not, by a part of the message or of the name.
const KNOWN: &[&str] = &[
    "unknown operators",
    "7 to 25 are supported",
    // Statistics and masks of training.
    "training",
    "Dropout in training",
    // Where the greatest elements of windows are.
    "output 1 is not computed",
    // `float16` and `bfloat16` tensors are `float32` here, and are not rounded between operators.
    "16",
    "precision",
    // ONNX Runtime takes the integer extent, the published case the product with the scale.
    "test_resize_downsample_scales_cubic_align_corners",
    "test_resize_downsample_scales_linear_align_corners",
    "NaN in e2m1fn",
];

#[test]
fn published_cases() {
    let Some(cases) = data("onnx_cases.bin.gz") else { return };
    let wrong = failures(&cases, 1e-4);
    println!("{} of {} published cases", cases.len() - wrong.len(), cases.len());
    let new: Vec<_> =
        wrong.iter().filter(|w| !KNOWN.iter().any(|known| w.contains(known))).collect();
    assert!(new.is_empty(), "{new:#?}");
    assert!(cases.len() - wrong.len() > 1100);
}

#[test]
fn the_table_has_each_name_once() {
    let names: BTreeSet<_> = Op::NAMES.iter().collect();
    assert_eq!(names.len(), Op::NAMES.len());
    assert!(names.len() > 130, "{}", names.len());
}
