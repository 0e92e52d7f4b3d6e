//! Execution in floats: what is checked of inputs, what an observer sees, that threads do not matter.

use std::collections::BTreeMap;

use fewbit_models::exec::{run_float, run_float_observed};
use fewbit_models::graph::Graph;
use fewbit_models::ops::{Add, Conv, Dim, Fact, Gemm, If, MatMul, Padding, Relu, Softmax};
use fewbit_models::tensor::{ElementType, Tensor};
use ndarray::{ArcArray, IxDyn};

/// Numbers without a pattern between -1 and 1.
fn numbers(shape: &[usize], seed: u64) -> Tensor {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / 8388608.0 - 1.0
    };
    let data = (0..shape.iter().product()).map(|_| next()).collect();
    Tensor::F32(ArcArray::from_shape_vec(IxDyn(shape), data).unwrap())
}

fn named(names: &[&str]) -> Fact {
    Fact::new(ElementType::F32, names.iter().map(|&name| Dim::Named(name.into())).collect())
}

#[test]
fn inputs_are_checked() {
    let mut graph = Graph::new("sum");
    let a = graph.add_input("a", named(&["batch", "width"]));
    let b = graph
        .add_input("b", Fact::new(ElementType::F32, vec![Dim::Named("batch".into()), 3.into()]));
    let sum = graph.add("sum", Add {}, &[a, b]);
    graph.add_output(sum);
    let run = |given: &[(_, Tensor)]| {
        let given: BTreeMap<_, _> = given.iter().cloned().collect();
        run_float(&graph, &given).map_err(|error| error.to_string())
    };
    let error = |given: &[(_, Tensor)]| run(given).unwrap_err();
    assert_eq!(error(&[(a, numbers(&[2, 3], 1))]), "input `b`: it is missing");
    assert_eq!(
        error(&[(a, numbers(&[2, 3], 1)), (b, numbers(&[2, 4], 1))]),
        "input `b`: the shape is [2, 4]: expected [batch, 3]"
    );
    assert_eq!(
        error(&[(a, numbers(&[2, 3], 1)), (b, numbers(&[1, 3], 1))]),
        "input `b`: `batch` is 1 here and 2 before"
    );
    assert_eq!(
        error(&[(a, Tensor::vector(vec![1i64])), (b, numbers(&[1, 3], 1))]),
        "input `a`: elements are int64: expected float32"
    );
    assert_eq!(
        error(&[(a, numbers(&[2, 3], 1)), (b, numbers(&[2, 3], 1)), (sum, numbers(&[2, 3], 1))]),
        "input `sum`: the network has no such input"
    );
    assert_eq!(
        error(&[(a, numbers(&[2, 2], 1)), (b, numbers(&[2, 3], 1))]),
        "node `sum` (Add): [2, 2] and [2, 3] do not broadcast"
    );
    let x = Tensor::from(ndarray::array![[1.0f32, 2.0, 3.0]]);
    let y = Tensor::from(ndarray::array![[2.0f32, 4.0, 6.0]]);
    assert_eq!(run(&[(a, x.clone()), (b, x)]).unwrap(), [y]);
}

#[test]
fn an_observer_sees_every_value_once() {
    let mut graph = Graph::new("chain");
    let x = graph.add_input("x", named(&["n"]));
    let y = graph.add("y", Relu {}, &[x]);
    let z = graph.add("z", Add {}, &[y, x]);
    graph.add_output(z);
    let mut seen = Vec::new();
    let inputs = BTreeMap::from([(x, Tensor::vector(vec![-1.0f32, 2.0]))]);
    let mut observe = |id, tensor: &Tensor| seen.push((id, tensor.clone()));
    run_float_observed(&graph, &inputs, &mut observe).unwrap();
    let expected = [(x, vec![-1.0f32, 2.0]), (y, vec![0.0, 2.0]), (z, vec![-1.0, 4.0])];
    assert_eq!(seen, expected.map(|(id, values)| (id, Tensor::vector(values))));
}

#[test]
fn a_branch_is_chosen_when_the_network_runs() {
    let branch = |twice: bool| {
        let mut branch = Graph::new("branch");
        let x = branch.add_input("x", Fact::default());
        let y = match twice {
            true => branch.add("y", Add {}, &[x, x]),
            false => branch.add("y", Relu {}, &[x]),
        };
        branch.add_output(y);
        branch
    };
    let mut graph = Graph::new("choice");
    let condition = graph.add_input("condition", Fact::new(ElementType::Bool, vec![]));
    let x = graph.add_input("x", named(&["n"]));
    let choice = If { then_branch: branch(true), else_branch: branch(false) };
    let y = graph.add("choice", choice, &[condition, x]);
    graph.add_output(y);
    graph.infer().unwrap();
    assert_eq!(graph.value(y).fact, named(&["n"]));
    for (truth, expected) in [(true, -6.0f32), (false, 0.0)] {
        let x_value = Tensor::vector(vec![-3.0f32]);
        let inputs = BTreeMap::from([(condition, Tensor::scalar(truth)), (x, x_value)]);
        assert_eq!(run_float(&graph, &inputs).unwrap(), [Tensor::vector(vec![expected])]);
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let mut graph = Graph::new("network");
    let x = graph.add_input("x", Fact::default());
    let w = graph.add_constant("w", numbers(&[24, 8, 3, 3], 1));
    let padding = Padding { pads: vec![1; 4], ..Padding::default() };
    let mut y = graph.add("conv", Conv { padding, ..Conv::default() }, &[x, w]);
    let depthwise = graph.add_constant("w", numbers(&[24, 1, 3, 3], 2));
    y = graph.add("depthwise", Conv { groups: 24, ..Conv::default() }, &[y, depthwise]);
    y = graph.add("softmax", Softmax::default(), &[y]);
    let square = graph.add_constant("square", numbers(&[46, 70], 3));
    y = graph.add("product", MatMul {}, &[y, square]);
    graph.add_output(y);
    let flat = graph.add_input("flat", Fact::default());
    let weights = graph.add_constant("weights", numbers(&[300, 200], 4));
    let z = graph.add("gemm", Gemm { transpose_b: true, ..Gemm::default() }, &[flat, weights]);
    graph.add_output(z);
    for batch in [1, 3] {
        let inputs = BTreeMap::from([
            (x, numbers(&[batch, 8, 48, 48], 5)),
            (flat, numbers(&[batch * 40, 200], 6)),
        ]);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run_float(&graph, &inputs).unwrap())
        };
        let one = on(1);
        for threads in [2, 3, 5] {
            assert!(on(threads) == one, "{threads} threads, batch of {batch}");
        }
    }
}
