//! Golden models: folders with expected outputs, as `models/tests/golden/language.py` writes them.

use std::fs;
use std::path::PathBuf;

use fewbit_models::exec::{Constants, QuantizerMode, run_batch};
use fewbit_models::graph::Graph;
use fewbit_models::language::{BuildOptions, HuggingFaceCheckpoint, build};
use fewbit_models::tensor::Tensor;
use ndarray::{Array3, ArrayD, IxDyn};
use safetensors::SafeTensors;

/// Every model.
pub(crate) const MODELS: [&str; 6] =
    ["llama2", "llama3", "llama_linear", "qwen2", "qwen3", "mistral"];

/// The folder of a model.
pub(crate) fn folder(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden", "language", name].iter().collect()
}

/// A model as a checkpoint.
pub(crate) fn checkpoint(name: &str) -> HuggingFaceCheckpoint {
    HuggingFaceCheckpoint::open(folder(name)).unwrap()
}

/// What transformers computes.
pub(crate) struct Expected {
    /// `[batch, sequence]`.
    pub(crate) input_ids: Tensor,
    /// `[batch, sequence, vocab_size]`.
    pub(crate) logits: Array3<f32>,
    /// The first eight tokens of the first row, and what greedy generation appends to them.
    pub(crate) greedy: Vec<i64>,
}

pub(crate) fn expected(name: &str) -> Expected {
    let bytes = fs::read(folder(name).join("expected.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let integers = |name: &str| {
        let view = file.tensor(name).unwrap();
        let words = view.data().as_chunks().0.iter();
        let values = words.map(|&word| i64::from_le_bytes(word)).collect();
        ArrayD::from_shape_vec(IxDyn(view.shape()), values).unwrap()
    };
    let view = file.tensor("logits").unwrap();
    let words = view.data().as_chunks().0.iter();
    let values = words.map(|&word| f32::from_le_bytes(word)).collect();
    let logits = ArrayD::from_shape_vec(IxDyn(view.shape()), values).unwrap();
    Expected {
        input_ids: integers("input_ids").into(),
        logits: logits.into_dimensionality().unwrap(),
        greedy: integers("greedy").into_iter().collect(),
    }
}

pub(crate) fn graph(name: &str, options: &BuildOptions) -> Graph {
    build(&checkpoint(name), options, &mut |_, _| ()).unwrap()
}

pub(crate) fn run(graph: &Graph, inputs: &[Tensor]) -> Vec<Tensor> {
    run_batch(graph, inputs, QuantizerMode::Apply, &Constants::default()).unwrap()
}

pub(crate) fn logits(tensor: &Tensor) -> Array3<f32> {
    let array: ArrayD<f32> = tensor.clone().try_into().unwrap();
    array.into_dimensionality().unwrap()
}

/// The greatest difference, relative to the greatest number expected.
pub(crate) fn difference(found: &Array3<f32>, expected: &Array3<f32>) -> f32 {
    assert_eq!(found.shape(), expected.shape());
    let largest = expected.iter().fold(0.0f32, |a, x| a.max(x.abs()));
    let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    // A NaN is as far away as can be.
    apart.map(|d| if d.is_nan() { f32::INFINITY } else { d }).fold(0.0, f32::max) / largest
}
