//! A small vision transformer against ONNX Runtime, which ran it in floats and quantized (`golden/vit.py`).

use std::io::Read;

use fewbit_models::exec::{Constants, QuantizerMode, run_batch};
use fewbit_models::graph::Graph;
use fewbit_models::import::recognize_quantizers;
use fewbit_models::onnx::read_bytes;
use fewbit_models::ops::Concat;
use fewbit_models::tensor::Tensor;
use flate2::read::GzDecoder;
use ndarray::{ArrayD, IxDyn};
use safetensors::SafeTensors;

use crate::support::{Narrow, assert_close, fake, floats, integer};

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut all).expect("a packed file");
    all
}

fn graph(packed: &[u8]) -> Graph {
    let mut graph = read_bytes(unpacked(packed), None).expect("a model");
    recognize_quantizers(&mut graph).expect("quantizers");
    graph.infer().expect("shapes");
    graph
}

/// An array of the golden file.
fn golden(name: &str) -> ArrayD<f32> {
    let bytes = unpacked(include_bytes!("../golden/vit.safetensors.gz"));
    let file = SafeTensors::deserialize(&bytes).expect("arrays");
    let view = file.tensor(name).expect("an array");
    let (elements, _) = view.data().as_chunks::<4>();
    let elements = elements.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    ArrayD::from_shape_vec(IxDyn(view.shape()), elements).expect("its elements")
}

/// The ratio of signal and difference, in decibels.
fn ratio(signal: &[f32], other: &[f32]) -> f64 {
    let power = |x: f32| f64::from(x).powi(2);
    let noise: f64 = signal.iter().zip(other).map(|(&a, &b)| power(a - b)).sum();
    10.0 * (signal.iter().map(|&x| power(x)).sum::<f64>() / noise.max(1e-30)).log10()
}

#[test]
fn floats_are_those_of_onnx_runtime() {
    let graph = graph(include_bytes!("../golden/vit.onnx.gz"));
    let inputs = [Tensor::from(golden("x"))];
    let outputs = run_batch(&graph, &inputs, QuantizerMode::Apply, &Constants::default());
    let outputs = outputs.expect("outputs");
    let expected: Vec<f32> = golden("float").iter().copied().collect();
    assert_close(&expected, &floats(&outputs[0]), 1e-4);
}

/// QuantizeLinear, DequantizeLinear as ONNX Runtime computes them; then all products in integers, those of attention as well.
#[test]
fn the_quantized_network_is_that_of_onnx_runtime_in_floats_and_in_integers() {
    let graph = graph(include_bytes!("../golden/vit.quantized.onnx.gz"));
    let inputs = [Tensor::from(golden("x"))];
    let expected: Vec<f32> = golden("quantized").iter().copied().collect();
    let rounded = fake(&graph, &inputs);
    assert_close(&expected, &rounded, 1e-5);
    let run = integer(&graph, &inputs, &Narrow::Exact.options());
    assert_close(&rounded, &floats(&run.outputs[0]), 1e-5);
    // A convolution, two layers of six weighted products and two of attention, a linear layer.
    assert_eq!(run.nodes.len(), 18);
    let float: Vec<f32> = golden("float").iter().copied().collect();
    assert!(ratio(&float, &rounded) > 28.0, "{}", ratio(&float, &rounded));
}

/// ONNX has no default for the axis of a concatenation: a file that leaves it out is refused by others.
#[test]
fn concatenations_are_written_with_their_axis() {
    let mut graph = Graph::new("joined");
    let x = crate::support::input(&mut graph, "x", &[2, 3]);
    let y = graph.add("y", Concat { axis: 0 }, &[x, x]);
    graph.add_output(y);
    graph.infer().expect("shapes");
    let bytes = fewbit_models::onnx::write_bytes(&graph, 17).expect("a model");
    assert!(bytes.windows(4).any(|part| part == b"axis"));
}
