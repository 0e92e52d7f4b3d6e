//! Networks, and what they give.

use fewbit::quantize::{Preset, Quantizer, Recipe};
use fewbit_models::exec::{Constants, QuantizerMode, run_batch};
use fewbit_models::graph::{Graph, ValueId};
use fewbit_models::ops::{Add, Conv, Dim, Fact, Gemm, LayerNormalization, MatMul, Padding, Relu};
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::ArrayD;

use super::golden::Case;

/// A graph with an input `x` of a shape, whose first extent is the batch.
pub(crate) fn graph(shape: &[usize]) -> (Graph, ValueId) {
    let mut graph = Graph::new("network");
    let mut dims = vec![Dim::Named("batch".into())];
    dims.extend(shape[1..].iter().map(|&extent| Dim::Size(extent)));
    let x = graph.add_input("x", Fact::new(ElementType::F32, dims));
    (graph, x)
}

/// With outputs, in order.
pub(crate) fn finished(mut graph: Graph, outputs: &[ValueId]) -> Graph {
    outputs.iter().for_each(|&output| graph.add_output(output));
    graph.sort().expect("an order");
    graph.infer().expect("shapes");
    graph
}

/// A convolution with the weights `w{i}` and the bias `b{i}` of a case; one that keeps the extents.
pub(crate) fn conv(graph: &mut Graph, x: ValueId, case: Case, i: usize, groups: usize) -> ValueId {
    let weights = case.tensor(&format!("w{i}"));
    let pad = weights.shape()[2] / 2;
    let padding = Padding { pads: vec![pad; 4], ..Padding::default() };
    let w = graph.add_constant(&format!("w{i}"), weights);
    let b = graph.add_constant(&format!("b{i}"), case.tensor(&format!("b{i}")));
    let op = Conv { groups, padding, ..Conv::default() };
    graph.add(&format!("conv{i}"), op, &[x, w, b])
}

/// `x Wᵀ + b` with the weights of a case: a matrix product with an addition behind it, or a Gemm where rows are a matrix.
pub(crate) fn linear(graph: &mut Graph, x: ValueId, case: Case, i: usize) -> ValueId {
    let w = case.array(&format!("w{i}")).reversed_axes().as_standard_layout().into_owned();
    let w = graph.add_constant(&format!("w{i}"), w);
    let y = graph.add(&format!("linear{i}"), MatMul {}, &[x, w]);
    match case.get(&format!("b{i}")) {
        None => y,
        Some(b) => {
            let b = graph.add_constant(&format!("b{i}"), b);
            graph.add(&format!("biased{i}"), Add::default(), &[y, b])
        }
    }
}

/// The same as a Gemm.
pub(crate) fn gemm(graph: &mut Graph, x: ValueId, case: Case, i: usize) -> ValueId {
    let w = graph.add_constant(&format!("w{i}"), case.tensor(&format!("w{i}")));
    let op = Gemm { transpose_b: true, ..Gemm::default() };
    graph.add(&format!("gemm{i}"), op, &[x, w])
}

/// A layer normalization with the factors and summands of a case.
pub(crate) fn norm(graph: &mut Graph, x: ValueId, case: Case, i: usize) -> ValueId {
    let mut inputs = vec![x, graph.add_constant(&format!("w{i}"), case.tensor(&format!("w{i}")))];
    if let Some(b) = case.get(&format!("b{i}")) {
        inputs.push(graph.add_constant(&format!("b{i}"), b));
    }
    graph.add(&format!("norm{i}"), LayerNormalization::default(), &inputs)
}

pub(crate) fn relu(graph: &mut Graph, name: &str, x: ValueId) -> ValueId {
    graph.add(name, Relu::default(), &[x])
}

/// Three convolutions with ReLUs between them, the second one with so many groups.
pub(crate) fn convolutions(case: Case, groups: usize) -> Graph {
    let (mut graph, x) = graph(case.array("x1").shape());
    let y = conv(&mut graph, x, case, 1, 1);
    let y = relu(&mut graph, "relu1", y);
    let y = conv(&mut graph, y, case, 2, groups);
    let y = relu(&mut graph, "relu2", y);
    let y = conv(&mut graph, y, case, 3, 1);
    finished(graph, &[y])
}

/// The same with the first two convolutions in `layer1`, and the third one in `layer2`.
pub(crate) fn named_blocks(mut graph: Graph) -> Graph {
    for id in graph.order().to_vec() {
        let node = graph.node_mut(id);
        let block = if node.name == "conv3" { "layer2" } else { "layer1" };
        node.name = format!("/{block}/{block}.0/{}", node.name);
    }
    graph
}

/// A layer normalization and two matrix products that take it.
pub(crate) fn normalized(case: Case, shape: &[usize]) -> Graph {
    let (mut graph, x) = graph(shape);
    let x = norm(&mut graph, x, case, 1);
    let q = linear(&mut graph, x, case, 2);
    let k = linear(&mut graph, x, case, 3);
    finished(graph, &[q, k])
}

/// All outputs for all batches, as one list.
pub(crate) fn outputs(graph: &Graph, batches: &[Vec<Tensor>], mode: QuantizerMode) -> Vec<f32> {
    let run = |batch: &Vec<Tensor>| {
        run_batch(graph, batch, mode, &Constants::default()).expect("outputs")
    };
    let tensors = batches.iter().flat_map(run);
    tensors
        .flat_map(|t| t.get::<f32>().expect("floats").iter().copied().collect::<Vec<_>>())
        .collect()
}

/// The elements of a constant.
pub(crate) fn constant(graph: &Graph, name: &str) -> ArrayD<f32> {
    let id = graph.find(name).unwrap_or_else(|| panic!("a value {name}"));
    graph.data(id).expect("a constant").get::<f32>().expect("floats").to_owned()
}

/// The greatest difference, in units of the greatest magnitude expected.
pub(crate) fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let most = expected.iter().fold(f32::MIN_POSITIVE, |most, x| most.max(x.abs()));
    found.iter().zip(expected).fold(0f32, |worst, (a, b)| worst.max((a - b).abs())) / most
}

/// That a constant of the graph is what a case has after its transformation.
pub(crate) fn assert_constant(graph: &Graph, name: &str, expected: &ArrayD<f32>) {
    let found = constant(graph, name);
    assert_eq!(found.shape(), expected.shape(), "{name}");
    let flat = |array: &ArrayD<f32>| array.iter().copied().collect::<Vec<_>>();
    let worst = difference(&flat(&found), &flat(expected));
    assert!(worst < 2e-6, "{name}: {worst}");
}

pub(crate) fn preset(name: &str, bits: u32) -> Quantizer {
    let recipe = name.parse::<&Preset>().expect("a preset").recipe().expect("a recipe");
    let recipe = recipe.set("bit_width", bits.into()).expect("a width");
    let Recipe::Quantizer(quantizer) = recipe else { panic!("a quantizer of one scale") };
    quantizer
}
