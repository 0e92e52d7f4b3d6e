//! Activation equalization against Brevitas's.

use fewbit_models::exec::QuantizerMode;
use fewbit_models::graph::{Graph, products};
use fewbit_models::ops::{Add, Dim, Fact, MatMul, Mul, Op, RMSNormalization, Sigmoid};
use fewbit_models::passes::{
    ActivationEqualizeParams, EqualizationTarget, EqualizeParams, equalize, equalize_activations,
    regions,
};
use fewbit_models::tensor::{ElementType, Tensor};

use super::golden::Case;
use super::support::{
    assert_constant, constant, convolutions, difference, finished, linear, normalized, outputs,
    relu,
};

fn params(target: EqualizationTarget) -> ActivationEqualizeParams {
    ActivationEqualizeParams { target, ..ActivationEqualizeParams::default() }
}

/// Runs the pass on a network of a case, which must compute the same afterwards.
fn equalized(mut graph: Graph, case: Case, target: EqualizationTarget, places: usize) -> Graph {
    let before = outputs(&graph, &case.batches(), QuantizerMode::Apply);
    let report =
        equalize_activations(&mut graph, &case.batches(), &params(target)).expect("equalized");
    assert_eq!(report.changed, places, "{}", report.detail);
    let after = outputs(&graph, &case.batches(), QuantizerMode::Apply);
    assert!(difference(&after, &before) < 1e-5, "{}", case.0);
    graph
}

#[test]
fn factors_go_into_the_products_before_as_in_brevitas() {
    for (name, groups) in [("act_fx_dense", 1), ("act_fx_depthwise", 6)] {
        let case = Case(name);
        let graph = equalized(convolutions(case, groups), case, EqualizationTarget::Sources, 2);
        for constant in ["w1", "b1", "w2", "b2", "w3", "b3"] {
            assert_constant(&graph, constant, &case.array(&format!("{constant}'")));
        }
    }
}

#[test]
fn factors_go_into_nodes_before_every_product_as_in_brevitas() {
    for (name, groups) in [("act_layerwise_dense", 1), ("act_layerwise_depthwise", 6)] {
        let case = Case(name);
        let graph = equalized(convolutions(case, groups), case, EqualizationTarget::Nodes, 3);
        for i in 1..=3 {
            assert_constant(&graph, &format!("w{i}"), &case.array(&format!("w{i}'")));
            let name = format!("conv{i}.equalization");
            let factors = constant(&graph, &name);
            assert_eq!(factors.shape(), [factors.len(), 1, 1]);
            let expected = case.array(&format!("m{i}"));
            let expected = expected.to_shape(factors.shape()).expect("as many").into_owned();
            assert_constant(&graph, &name, &expected);
        }
    }
}

#[test]
fn factors_go_into_a_normalization_as_in_brevitas() {
    let case = Case("act_fx_norm");
    let graph = normalized(case, case.array("x1").shape());
    let graph = equalized(graph, case, EqualizationTarget::Sources, 1);
    for constant in ["w1", "b1", "b2"] {
        assert_constant(&graph, constant, &case.array(&format!("{constant}'")));
    }
    for constant in ["w2", "w3"] {
        let expected = case.array(&format!("{constant}'")).reversed_axes();
        assert_constant(&graph, constant, &expected.as_standard_layout().into_owned());
    }
}

/// A normalization whose mean square is computed in parts, or by its own node, and a product with its bias in an addition.
fn transformer_parts(in_parts: bool) -> Graph {
    let case = Case("act_fx_norm");
    let mut graph = Graph::new("parts");
    let dims = vec![Dim::Named("batch".into()), 7.into(), 8.into()];
    let x = graph.add_input("x", Fact::new(ElementType::F32, dims));
    let gamma = graph.add_constant("gamma", case.tensor("w1"));
    let ones = graph.add_constant("ones", Tensor::vector(vec![1.0f32; 8]));
    let y = match in_parts {
        true => {
            let y = graph.add("rms", RMSNormalization::default(), &[x, ones]);
            let y = graph.add("rms_shape", Sigmoid {}, &[y]);
            graph.add("scaled", Mul {}, &[gamma, y])
        }
        false => graph.add("rms", RMSNormalization::default(), &[x, gamma]),
    };
    let y = linear(&mut graph, y, case, 2);
    let y = relu(&mut graph, "relu", y);
    let last = graph.add_constant("last", Tensor::vector((0..6).map(|i| i as f32 - 2.5).collect()));
    let last = {
        let tensor = graph.data(last).expect("a constant").clone();
        let array = tensor.get::<f32>().expect("floats").to_owned();
        let column = array.to_shape((6, 1)).expect("a column").into_owned().into_dyn();
        graph.add_constant("column", column)
    };
    let y = graph.add("out", MatMul {}, &[y, last]);
    finished(graph, &[y])
}

#[test]
fn matrix_products_have_their_biases_in_additions_and_normalizations_in_parts_their_factors() {
    for in_parts in [false, true] {
        let mut graph = transformer_parts(in_parts);
        let case = Case("act_fx_norm");
        let found = regions(&graph);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].summands.len(), 1, "the bias of the matrix product");
        let before = outputs(&graph, &case.batches(), QuantizerMode::Apply);
        let weight = constant(&graph, "w2");
        let report =
            equalize_activations(&mut graph, &case.batches(), &params(EqualizationTarget::Sources));
        assert_eq!(report.expect("equalized").changed, 2);
        let report = equalize(&mut graph, &EqualizeParams::default()).expect("equalized");
        assert_eq!(report.changed, 2);
        assert_ne!(constant(&graph, "w2"), weight);
        let after = outputs(&graph, &case.batches(), QuantizerMode::Apply);
        assert!(difference(&after, &before) < 1e-5);
    }
}

#[test]
fn a_sum_with_something_that_is_no_bias_is_no_region() {
    let case = Case("act_fx_norm");
    let mut graph = Graph::new("positions");
    let dims = vec![Dim::Named("batch".into()), 7.into(), 8.into()];
    let x = graph.add_input("x", Fact::new(ElementType::F32, dims));
    let w = graph.add_constant("w", case.tensor("w1"));
    let x = graph.add("rms", RMSNormalization::default(), &[x, w]);
    // One number for all channels.
    let shift = graph.add_constant("shift", Tensor::vector(vec![0.5f32]));
    let x = graph.add("shifted", Add::default(), &[x, shift]);
    let y = linear(&mut graph, x, case, 2);
    let mut graph = finished(graph, &[y]);
    let before = outputs(&graph, &case.batches(), QuantizerMode::Apply);
    let report =
        equalize_activations(&mut graph, &case.batches(), &params(EqualizationTarget::Sources));
    let report = report.expect("nothing");
    assert_eq!(report.detail, "nothing to do: no regions of products");
    assert_eq!(outputs(&graph, &case.batches(), QuantizerMode::Apply), before);
    assert!(products(&graph).len() == 1 && graph.nodes().any(|(_, n)| matches!(n.op, Op::Add(_))));
}
