//! Networks in floats, with their quantizers, and in integers through accumulators: a small convolutional network on the carried
//! digits and a tiny Llama of random weights, on one thread and on all; and the share of products, beside other libraries.
//!
//! Seconds are those of a batch of images, or of a window of tokens. Of products, the peers are `matrixmultiply` (as `ndarray` runs
//! it, which a user has without asking) and `rten-gemm`, both with the weights as they lie in a linear layer, `[out, in]`.

mod llama;
#[path = "../../../benches/support/mod.rs"]
mod support;

use std::fmt::Display;
use std::hint::black_box;
use std::path::Path;

use fewbit::ReportLevel;
use fewbit::quantize::{Preset, Quantizer, Recipe};
use fewbit_models::exec::integer::{IntegerOptions, run_integer};
use fewbit_models::exec::{Constants, QuantizerMode, run_batch};
use fewbit_models::graph::Graph;
use fewbit_models::language::{BuildOptions, build};
use fewbit_models::ops::{Fact, Gemm};
use fewbit_models::passes::{
    ActivationQuantizers, OutputCodes, calibrate, insert_activation_quantizers,
    insert_weight_quantizers, merge_batch_norm,
};
use fewbit_models::tensor::{ElementType, Tensor};
use llama::{Llama, tensor};
use ndarray::Array2;
use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, GemmOptions};
use rten_tensor::NdTensorView;
use support::{Bench, Contestant, Numbers, Unit, on_threads};

/// Tokens of a window.
const TOKENS: usize = 128;

/// What must be there for the bench to run.
fn fine<T, E: Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

fn preset(name: &str) -> Quantizer {
    match fine(fine(name.parse::<&Preset>()).recipe()) {
        Recipe::Quantizer(quantizer) => quantizer,
        _ => panic!("{name} has more than one scale"),
    }
}

/// The network with quantizers of 8 bits before its products, calibrated.
fn quantized(float: &Graph, inputs: &[Tensor]) -> Graph {
    let mut graph = float.clone();
    let (signed, unsigned) = (preset("Int8ActPerTensorFloat"), preset("Uint8ActPerTensorFloat"));
    let activations = ActivationQuantizers { signed, unsigned, outputs: OutputCodes::Sums };
    fine(insert_activation_quantizers(&mut graph, &activations));
    fine(insert_weight_quantizers(&mut graph, &preset("Int8WeightPerChannelFloat")));
    fine(calibrate(&mut graph, &[inputs.to_vec()]));
    graph
}

/// All executions of a network by turns.
fn executions(bench: &Bench, case: &str, float: &Graph, inputs: &[Tensor]) {
    let graph = quantized(float, inputs);
    let mut contestants = Vec::new();
    for (name, graph, mode) in
        [("float", float, QuantizerMode::Skip), ("fake", &graph, QuantizerMode::Apply)]
    {
        let constants = fine(Constants::of(graph, mode));
        contestants.push(Contestant::ours(name, 1, move || {
            black_box(run_batch(graph, inputs, mode, &constants).is_ok());
        }));
    }
    for (name, acc) in [("exact", "exact"), ("saturate-events", "int20-sat")] {
        let accumulator = fine(acc.parse());
        let options =
            IntegerOptions { accumulator, report: ReportLevel::Events, ..Default::default() };
        let graph = &graph;
        contestants.push(Contestant::ours(format!("integer-{name}"), 1, move || {
            black_box(run_integer(graph, inputs, &options).is_ok());
        }));
    }
    bench.race(case, Unit::Seconds, contestants);
}

/// A linear layer as a graph runs it, and other libraries.
fn linear(bench: &Bench, case: &str, [m, k, n]: [usize; 3]) {
    let (x, w) = (tensor(&[m, k], 1, 1.0), tensor(&[n, k], 2, 1.0));
    let array =
        |x: &Tensor| -> Array2<f32> { fine(fine(x.get::<f32>()).to_owned().into_dimensionality()) };
    let (a, b) = (array(&x), array(&w));
    let mut graph = Graph::new("linear");
    let input = graph.add_input("x", Fact::new(ElementType::F32, vec![m.into(), k.into()]));
    let weight = graph.add_constant("w", w);
    let y = graph.add("y", Gemm { transpose_b: true, ..Gemm::default() }, &[input, weight]);
    graph.add_output(y);
    let mode = QuantizerMode::Skip;
    let constants = fine(Constants::of(&graph, mode));
    let (inputs, gemm) = ([x], GemmExecutor::<f32, f32, f32>::default());
    let (from_a, from_b) = (a.as_slice().unwrap_or_default(), b.as_slice().unwrap_or_default());
    let theirs = NdTensorView::from_data([n, k], from_b);
    let packed = gemm.prepack_b(theirs.transposed());
    let mut out = vec![0f32; m * n];
    let contestants = vec![
        Contestant::ours("gemm", m * k * n, || {
            black_box(run_batch(&graph, &inputs, mode, &constants).is_ok());
        }),
        Contestant::peer("matrixmultiply", m * k * n, || {
            black_box(a.dot(&b.t()));
        }),
        Contestant::peer("rten-gemm", m * k * n, || {
            let a = GemmInputA::Unpacked(NdTensorView::from_data([m, k], from_a));
            let b = GemmInputB::Packed(&packed);
            assert!(gemm.gemm(&mut out, a, b, GemmOptions::default()).is_ok());
            black_box(&out);
        }),
    ];
    bench.race(case, Unit::Products, contestants);
}

fn main() {
    let bench = Bench::from_args();
    let images = if bench.is_quick() { 64 } else { 512 };
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/digits/cnn.onnx");
    let mut cnn = fine(fewbit_models::onnx::read(Path::new(file)));
    fine(merge_batch_norm(&mut cnn));
    let shape = cnn.value(cnn.inputs()[0]).fact.shape.clone().unwrap_or_default();
    let mut shape: Vec<usize> = shape.iter().map(|dim| dim.size().unwrap_or(images)).collect();
    shape[0] = images;
    let digits = [tensor(&shape, 3, 4.0)];
    let llama = fine(build(&Llama::new(), &BuildOptions::default(), &mut |_, _| ()));
    let mut numbers = Numbers::new(4);
    let ids = Array2::from_shape_simple_fn((1, TOKENS), || (numbers.next() % 1024) as i64);
    let all = rayon::current_num_threads();
    for threads in if all > 1 { vec![1, all] } else { vec![1] } {
        println!("# {images} images, {TOKENS} tokens, {threads} thread(s)");
        on_threads(threads, || {
            executions(&bench, &format!("cnn/{threads}-threads"), &cnn, &digits);
            executions(&bench, &format!("llama/{threads}-threads"), &llama, &[ids.clone().into()]);
            for shape @ [m, k, n] in [[512, 576, 1536], [512, 1536, 576], [1, 576, 1536]] {
                linear(&bench, &format!("linear-{m}x{k}x{n}/{threads}-threads"), shape);
            }
        });
    }
}
