//! Functions that a graph spells out: where quantizers stand.

use fewbit_models::graph::{Graph, ValueId};
use fewbit_models::ops::{
    Add, Conv, Div, Erf, MatMul, Mul, Pow, ReduceMean, Relu, Sigmoid, Sqrt, Sub, Tanh,
};
use fewbit_models::passes::{ActivationQuantizers, OutputCodes, insert_activation_quantizers};
use fewbit_models::tensor::Tensor;

use crate::support::{array, input, preset, quantizers};

fn number(graph: &mut Graph, x: f32) -> ValueId {
    graph.add_constant("number", Tensor::scalar(x))
}

fn product(graph: &mut Graph, name: &str, x: ValueId, size: usize) -> ValueId {
    let w = graph.add_constant(&format!("{name}.w"), array(&[size, size], name.len()));
    graph.add(name, MatMul {}, &[x, w])
}

fn names(graph: &mut Graph) -> Vec<String> {
    graph.sort().expect("an order");
    graph.infer().expect("shapes");
    let all = ActivationQuantizers {
        signed: preset("Int8ActPerTensorFloat", 8),
        unsigned: preset("Uint8ActPerTensorFloat", 8),
        outputs: OutputCodes::Sums,
    };
    insert_activation_quantizers(graph, &all).expect("quantizers");
    let name = |(name, _): (String, String)| name.trim_end_matches(".quantizer").to_owned();
    quantizers(graph).into_iter().map(name).collect()
}

#[test]
fn nothing_is_rounded_within_a_gelu_or_a_layer_norm() {
    let mut graph = Graph::new("block");
    let x = input(&mut graph, "x", &[4, 8]);
    let h = product(&mut graph, "up", x, 8);
    // GELU by its hyperbolic tangent, whose cube has a summand of its own.
    let three = number(&mut graph, 3.0);
    let cube = graph.add("cube", Pow {}, &[h, three]);
    let c = number(&mut graph, 0.044715);
    let cube = graph.add("less", Mul {}, &[cube, c]);
    let inner = graph.add("inner", Add {}, &[h, cube]);
    let tanh = graph.add("tanh", Tanh::default(), &[inner]);
    let one = number(&mut graph, 1.0);
    let tanh = graph.add("more", Add {}, &[tanh, one]);
    let gelu = graph.add("gelu", Mul {}, &[h, tanh]);
    let h = product(&mut graph, "down", gelu, 8);
    let sum = graph.add("sum", Add {}, &[x, h]);
    // A layer norm.
    let axes = graph.add_constant("axes", Tensor::vector(vec![-1i64]));
    let mean = graph.add("mean", ReduceMean::default(), &[sum, axes]);
    let apart = graph.add("apart", Sub {}, &[sum, mean]);
    let square = graph.add("square", Mul {}, &[apart, apart]);
    let variance = graph.add("variance", ReduceMean::default(), &[square, axes]);
    let root = graph.add("root", Sqrt::default(), &[variance]);
    let norm = graph.add("norm", Div {}, &[apart, root]);
    let y = product(&mut graph, "last", norm, 8);
    graph.add_output(y);
    // The residual sum is one of two branches: both summands are rounded, on one scale.
    assert_eq!(names(&mut graph), ["down", "gelu", "norm", "x"]);
}

#[test]
fn branches_with_a_product_are_no_function() {
    let mut graph = Graph::new("gate");
    let x = input(&mut graph, "x", &[4, 8]);
    let h = product(&mut graph, "in", x, 8);
    let h = graph.add("relu", Relu::default(), &[h]);
    let gate = product(&mut graph, "gate", h, 8);
    let gate = graph.add("sigmoid", Sigmoid::default(), &[gate]);
    let y = graph.add("gated", Mul {}, &[h, gate]);
    let y = product(&mut graph, "out", y, 8);
    graph.add_output(y);
    // The gate's sigmoid stands behind a product: it is an activation of its own.
    assert_eq!(names(&mut graph), ["gated", "relu", "sigmoid", "x"]);
}

#[test]
fn silu_of_two_nodes_and_gelu_by_erf_are_functions() {
    let mut graph = Graph::new("activations");
    let x = input(&mut graph, "x", &[1, 2, 6]);
    let w = graph.add_constant("w", array(&[2, 2, 3], 1));
    let h = graph.add("conv", Conv::default(), &[x, w]);
    let gate = graph.add("sigmoid", Sigmoid::default(), &[h]);
    let h = graph.add("silu", Mul {}, &[h, gate]);
    let w = graph.add_constant("w", array(&[2, 2, 3], 2));
    let h = graph.add("conv2", Conv::default(), &[h, w]);
    let erf = graph.add("erf", Erf::default(), &[h]);
    let h = graph.add("gelu", Mul {}, &[h, erf]);
    let w = graph.add_constant("w", array(&[2, 2, 1], 3));
    let h = graph.add("conv3", Conv::default(), &[h, w]);
    graph.add_output(h);
    assert_eq!(names(&mut graph), ["gelu", "silu", "x"]);
}
