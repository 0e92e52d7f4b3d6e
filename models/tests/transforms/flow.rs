//! The passes in the vision flow, by their keys.

use fewbit_models::flow::{Keys, QuantizedNetwork, VisionConfig, VisionFlow};
use fewbit_models::graph::{Graph, products};
use serde_json::{Value, json};

use super::golden::Case;
use super::support::{convolutions, named_blocks};

fn run(graph: &Graph, keys: &[(&str, Value)]) -> Result<QuantizedNetwork, String> {
    let mut all = Keys::new();
    for (key, value) in keys {
        all.set(VisionConfig::KEYS, key, value.clone()).map_err(|error| error.to_string())?;
    }
    let config = VisionConfig::of(all).map_err(|error| error.to_string())?;
    let batches = Case("act_fx_dense").batches();
    let flow = VisionFlow { config: &config };
    flow.run(graph, &batches, &mut |_, _, _| ()).map_err(|error| error.to_string())
}

/// The report of a pass.
fn report(network: &QuantizedNetwork, pass: &str) -> (usize, String) {
    let found = network.passes.iter().find(|report| report.name == pass);
    let found = found.unwrap_or_else(|| panic!("no {pass} in {:?}", network.passes));
    (found.changed, found.detail.clone())
}

#[test]
fn keys_run_their_passes() {
    let graph = convolutions(Case("act_fx_dense"), 1);
    for method in ["linear_round", "hard_sigmoid_round", "sigmoid_round"] {
        let keys = [
            ("learned_round", json!(method)),
            ("learned_round_iters", json!(20)),
            ("weight_bit_width", json!(3)),
        ];
        let network = run(&graph, &keys).expect("quantized");
        let (changed, detail) = report(&network, "learned round");
        assert_eq!(changed, 3);
        assert!(detail.ends_with("not the nearest, their biases corrected"), "{detail}");
        assert!(network.passes.iter().all(|report| report.name != "correct biases"));
    }
    for (flow, places, nodes) in [("fx", 2, 0), ("layerwise", 3, 3)] {
        let keys = [("act_equalization", json!(flow)), ("act_equalization_alpha", json!(0.7))];
        let network = run(&graph, &keys).expect("quantized");
        assert_eq!(report(&network, "equalize activations").0, places);
        let inserted = network.graph.nodes().filter(|(_, node)| node.op.name() == "Mul").count();
        assert_eq!(inserted, nodes);
    }
    for side in [false, true] {
        let keys = [
            ("channel_splitting_ratio", json!(0.3)),
            ("channel_splitting_split_input", json!(side)),
        ];
        let network = run(&graph, &keys).expect("quantized");
        assert_eq!(report(&network, "split channels").0, 5);
    }
    let network = run(&graph, &[("calibrate_bn", json!(true))]).expect("quantized");
    let (changed, detail) = report(&network, "correct norms");
    assert_eq!(
        (changed, detail.as_str()),
        (0, "nothing to do: no batch normalizations that are not merged")
    );
    assert_eq!(report(&network, "correct biases").0, 3);
}

#[test]
fn rounding_is_learned_block_by_block() {
    let graph = named_blocks(convolutions(Case("act_fx_dense"), 1));
    for method in ["linear_round", "hard_sigmoid_round", "sigmoid_round"] {
        let keys = [
            ("learned_round", json!(method)),
            ("learned_round_iters", json!(20)),
            ("learned_round_mode", json!("blockwise")),
            ("weight_bit_width", json!(3)),
        ];
        let network = run(&graph, &keys).expect("quantized");
        let (changed, detail) = report(&network, "learned round");
        assert_eq!(changed, 3);
        assert!(detail.contains(" in 2 blocks: "), "{detail}");
        assert!(detail.ends_with("is left, their biases corrected"), "{detail}");
        assert!(network.passes.iter().all(|report| report.name != "correct biases"));
    }
}

/// Between a ReLU and a product that has a multiplication in front of it, values are rounded once.
#[test]
fn equalized_activations_are_rounded_once() {
    let graph = convolutions(Case("act_fx_dense"), 1);
    let network = run(&graph, &[("act_equalization", json!("layerwise"))]).expect("quantized");
    let graph = &network.graph;
    for product in products(graph) {
        let (quantizer, _) = graph.producer(product.input).expect("a quantizer");
        assert_eq!(graph.node(quantizer).op.name(), "Quantize");
        let scaled = graph.node(quantizer).input(0).expect("an input");
        let (scaled, _) = graph.producer(scaled).expect("a multiplication");
        assert_eq!(graph.node(scaled).op.name(), "Mul");
        let before = graph.node(scaled).input(0).expect("an input");
        let before = graph.producer(before).map_or("input", |(id, _)| graph.node(id).op.name());
        assert!(["Relu", "input"].contains(&before), "{before}");
    }
}

#[test]
fn flexml_is_fx() {
    let graph = convolutions(Case("act_fx_dense"), 1);
    let fx = run(&graph, &[]).expect("quantized");
    let flexml = run(&graph, &[("target_backend", json!("flexml"))]).expect("quantized");
    assert_eq!(fx.graph, flexml.graph);
}

#[test]
fn what_is_not_carried_out_is_refused_by_name() {
    let graph = convolutions(Case("act_fx_dense"), 1);
    let refused = |keys: &[(&str, Value)]| run(&graph, keys).expect_err("refused");
    let learned = ("learned_round", json!("linear_round"));
    let blockwise = ("learned_round_mode", json!("blockwise"));
    let named = |name: &str| {
        refused(&[learned.clone(), blockwise.clone(), ("learned_round_block_name", json!(name))])
    };
    assert!(
        named("(").starts_with("`learned_round_block_name` is (: expected a regular expression")
    );
    let none = "no node belongs to a block of stage; names are as `";
    assert!(named("stage").starts_with(none), "{}", named("stage"));
    let split = ("channel_splitting_ratio", json!(0.1));
    assert_eq!(
        refused(&[("target_backend", json!("flexml")), split]),
        "`target_backend` flexml splits no channels: use fx, or leave `channel_splitting_ratio` out"
    );
    for (key, value) in [
        ("channel_splitting_ratio", json!(1.5)),
        ("act_equalization_alpha", json!(-0.5)),
        ("learned_round_lr", json!(-1.0)),
        ("learned_round_batch_size", json!(0)),
        ("learned_round", json!("round")),
    ] {
        let error = refused(&[(key, value)]);
        assert!(error.starts_with(&format!("`{key}` is ")), "{error}");
    }
}
