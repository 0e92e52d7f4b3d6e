//! Factors of normalizations, and statistics of batch normalizations.

use fewbit_models::exec::QuantizerMode;
use fewbit_models::graph::Graph;
use fewbit_models::ops::{Add, BatchNormalization, Op};
use fewbit_models::passes::{
    VarianceRule, correct_norms, layer_norm_to_rms, merge_batch_norm, merge_norm_affine,
};
use fewbit_models::tensor::Tensor;
use ndarray::ArrayD;

use super::golden::Case;
use super::support::{
    assert_constant, constant, difference, finished, graph, linear, norm, normalized, outputs,
};

#[test]
fn factors_and_summands_of_a_normalization_merge_as_in_brevitas() {
    let case = Case("merge_norm");
    let batches = Case("act_fx_norm").batches();
    let mut graph = normalized(case, batches[0][0].shape());
    let before = outputs(&graph, &batches, QuantizerMode::Apply);
    let report = merge_norm_affine(&mut graph).expect("merged");
    assert_eq!(report.changed, 1);
    assert!(difference(&outputs(&graph, &batches, QuantizerMode::Apply), &before) < 1e-5);
    assert_constant(&graph, "w1", &ArrayD::ones(case.array("w1").shape()));
    for i in [2, 3] {
        let weights = case.array(&format!("w{i}'")).reversed_axes();
        assert_constant(&graph, &format!("w{i}"), &weights.as_standard_layout().into_owned());
    }
    assert_constant(&graph, "b2", &case.array("b2'"));
    // The product without a bias has an addition now, and the output is still the last node's.
    assert_constant(&graph, "linear3.bias", &case.array("b3'"));
    let last = graph.producer(graph.outputs()[1]).expect("a node").0;
    assert!(matches!(graph.node(last).op, Op::Add(_)));
    assert_eq!(graph.name_of(graph.outputs()[1]), "linear3");
}

/// A residual stream with two normalizations.
fn stream(case: Case) -> Graph {
    let (mut graph, x) = graph(case.array("x1").shape());
    let x = linear(&mut graph, x, case, 1);
    let y = norm(&mut graph, x, case, 2);
    let y = linear(&mut graph, y, case, 3);
    let x = graph.add("sum", Add::default(), &[x, y]);
    let x = norm(&mut graph, x, case, 4);
    let x = linear(&mut graph, x, case, 5);
    finished(graph, &[x])
}

#[test]
fn a_centred_stream_has_root_mean_squares_as_in_brevitas() {
    let case = Case("layer_norm_to_rms");
    let mut graph = stream(case);
    let expected: Vec<f32> = case.array("y1").iter().copied().collect();
    assert!(difference(&outputs(&graph, &case.batches(), QuantizerMode::Apply), &expected) < 1e-5);
    let report = layer_norm_to_rms(&mut graph).expect("centred");
    assert_eq!(report.changed, 2);
    assert!(graph.nodes().all(|(_, node)| !matches!(node.op, Op::LayerNormalization(_))));
    assert!(difference(&outputs(&graph, &case.batches(), QuantizerMode::Apply), &expected) < 1e-5);
    for i in [1, 3, 5] {
        let weights = case.array(&format!("w{i}'")).reversed_axes();
        assert_constant(&graph, &format!("w{i}"), &weights.as_standard_layout().into_owned());
        assert_constant(&graph, &format!("b{i}"), &case.array(&format!("b{i}'")));
    }
    let report = layer_norm_to_rms(&mut graph).expect("nothing");
    assert_eq!(report.detail, "nothing to do: no layer normalizations of a centred stream");
}

#[test]
fn a_stream_that_something_else_uses_stays_as_it_is() {
    let case = Case("layer_norm_to_rms");
    let mut graph = stream(case);
    let sum = graph.find("sum").expect("the sum");
    graph.add_output(sum);
    let before = outputs(&graph, &case.batches(), QuantizerMode::Apply);
    assert_eq!(layer_norm_to_rms(&mut graph).expect("nothing").changed, 0);
    assert_eq!(outputs(&graph, &case.batches(), QuantizerMode::Apply), before);
}

/// A batch normalization with the statistics of the case.
fn batch_norm() -> Graph {
    let case = Case("norm_correction");
    let (mut graph, x) = graph(case.array("x1").shape());
    let channels = case.array("mean").len();
    let ones = graph.add_constant("gamma", Tensor::vector(vec![1.0f32; channels]));
    let zeros = graph.add_constant("beta", Tensor::vector(vec![0.0f32; channels]));
    let mean = graph.add_constant("mean", case.tensor("mean"));
    let variance = graph.add_constant("variance", case.tensor("variance"));
    let inputs = [x, ones, zeros, mean, variance];
    let y = graph.add("norm", BatchNormalization::default(), &inputs);
    finished(graph, &[y])
}

#[test]
fn statistics_are_those_of_the_batches() {
    let case = Case("norm_correction");
    let mut graph = batch_norm();
    let rule = VarianceRule::GeometricMean;
    let report = correct_norms(&mut graph, &case.batches(), rule, &mut |_, _| ());
    assert_eq!(report.expect("corrected").changed, 1);
    // What Brevitas leaves.
    assert_constant(&graph, "mean", &case.array("mean'"));
    assert_constant(&graph, "variance", &case.array("variance'"));
    // With the variance itself, outputs have mean 0 and a mean of the batches' variances of 1.
    let mut graph = batch_norm();
    let rule = VarianceRule::Estimated;
    correct_norms(&mut graph, &case.batches(), rule, &mut |_, _| ()).expect("corrected");
    let geometric = case.array("variance'").mapv(|v| v * v) / case.array("variance");
    assert_constant(&graph, "variance", &geometric);
    let y = outputs(&graph, &case.batches(), QuantizerMode::Apply);
    let mean = y.iter().sum::<f32>() / y.len() as f32;
    let square = y.iter().map(|y| y * y).sum::<f32>() / y.len() as f32;
    assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 0.1, "{mean} {square}");
}

#[test]
fn merged_normalizations_leave_nothing_to_correct() {
    let case = Case("act_fx_dense");
    let mut graph = super::support::convolutions(case, 1);
    assert_eq!(merge_batch_norm(&mut graph).expect("nothing").changed, 0);
    let before = constant(&graph, "w1");
    let rule = VarianceRule::default();
    let report = correct_norms(&mut graph, &case.batches(), rule, &mut |_, _| ()).expect("nothing");
    assert_eq!(report.detail, "nothing to do: no batch normalizations that are not merged");
    assert_eq!(constant(&graph, "w1"), before);
}
