//! Magnitude reduction against Brevitas's, and activation-aware scales and clips.

use fewbit::algorithms::equalize::{AwqParams, ClipParams, MagrParams};
use fewbit_models::exec::QuantizerMode;
use fewbit_models::graph::{Graph, products};
use fewbit_models::passes::{
    clip_weights, insert_weight_quantizers, reduce_magnitudes, scale_by_activations,
};

use super::golden::Case;
use super::support::{
    assert_constant, constant, convolutions, difference, finished, gemm, graph, normalized,
    outputs, preset,
};

#[test]
fn magnitudes_are_reduced_as_in_brevitas() {
    let case = Case("magr");
    let (mut network, x) = graph(case.array("x1").shape());
    let y = gemm(&mut network, x, case, 1);
    let mut network = finished(network, &[y]);
    let params = MagrParams { alpha: 0.05, steps: 50 };
    let report = reduce_magnitudes(&mut network, &case.batches(), &params, &[], &mut |_, _| ());
    assert_eq!(report.expect("reduced").changed, 1);
    let expected = case.array("w1'");
    let found = constant(&network, "w1");
    let flat = |array: &ndarray::ArrayD<f32>| array.iter().copied().collect::<Vec<_>>();
    // Brevitas estimates the eigenvalue from a random start.
    let worst = difference(&flat(&found), &flat(&expected));
    assert!(worst < 1e-3, "{worst}");
    assert!(difference(&flat(&found), &flat(&case.array("w1"))) > 0.02);
}

#[test]
fn groups_are_reduced_one_by_one() {
    let case = Case("act_fx_depthwise");
    let mut network = convolutions(case, 6);
    let before = constant(&network, "w2");
    let params = MagrParams { alpha: 0.01, steps: 20 };
    let report = reduce_magnitudes(&mut network, &case.batches(), &params, &[], &mut |_, _| ());
    assert_eq!(report.expect("reduced").changed, 3);
    let most = |w: &ndarray::ArrayD<f32>| w.iter().fold(0f32, |most, w| most.max(w.abs()));
    assert!(most(&constant(&network, "w2")) < most(&before));
}

/// The error of weights in so few bits, of what an attention would get.
fn error(float: &Graph, transformed: &Graph, bits: u32, case: Case) -> f64 {
    let mut graph = transformed.clone();
    insert_weight_quantizers(&mut graph, &preset("Int8WeightPerChannelFloat", bits))
        .expect("quantizers");
    let y = outputs(float, &case.batches(), QuantizerMode::Skip);
    let z = outputs(&graph, &case.batches(), QuantizerMode::Apply);
    y.iter().zip(&z).map(|(y, z)| f64::from(y - z).powi(2)).sum()
}

#[test]
fn scales_keep_the_function_and_leave_less_error() {
    let case = Case("act_fx_norm");
    let float = normalized(case, case.array("x1").shape());
    let mut graph = float.clone();
    let quantizer = preset("Int8WeightPerChannelFloat", 3);
    let params = AwqParams::default();
    let report =
        scale_by_activations(&mut graph, &case.batches(), &quantizer, &params, &mut |_, _| ());
    assert_eq!(report.expect("scaled").changed, 1);
    let y = outputs(&float, &case.batches(), QuantizerMode::Skip);
    assert!(difference(&outputs(&graph, &case.batches(), QuantizerMode::Skip), &y) < 1e-5);
    let (before, after) = (error(&float, &float, 3, case), error(&float, &graph, 3, case));
    assert!(after < before, "{after} and {before}");
    assert_ne!(constant(&graph, "w1"), constant(&float, "w1"));
}

#[test]
fn clips_leave_no_more_error_and_leave_some_products_out() {
    let case = Case("act_fx_norm");
    let float = normalized(case, case.array("x1").shape());
    let quantizer = preset("Int8WeightPerChannelFloat", 3);
    let params = ClipParams::default();
    let mut graph = float.clone();
    let except = [products(&float)[0].node];
    let batches = case.batches();
    let report = clip_weights(&mut graph, &batches, &quantizer, &params, &except, &mut |_, _| ());
    assert_eq!(report.expect("clipped").changed, 1);
    assert_constant(&graph, "w2", &constant(&float, "w2"));
    let mut graph = float.clone();
    clip_weights(&mut graph, &batches, &quantizer, &params, &[], &mut |_, _| ()).expect("clipped");
    let (before, after) = (error(&float, &float, 3, case), error(&float, &graph, 3, case));
    assert!(after <= before, "{after} and {before}");
}
