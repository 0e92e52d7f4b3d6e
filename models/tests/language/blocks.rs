//! What gradients are for, on small language models: rounding that is learned block by block, rotations for the loss.

use std::collections::BTreeMap;

use fewbit_models::flow::{Keys, LanguageFlow, LanguageFlowConfig, QuantizedNetwork};
use fewbit_models::language::{BuildOptions, LogitsToKeep};
use fewbit_models::passes::{Chosen, Journal, PassError};
use fewbit_models::tensor::Tensor;
use serde_json::{Value, json};

use crate::support::{expected, graph};

/// What was chosen, by algorithm and product.
#[derive(Default)]
struct Kept(BTreeMap<String, Chosen>);

impl Journal for Kept {
    fn chosen(&mut self, algorithm: &str, product: &str) -> Result<Option<Chosen>, PassError> {
        Ok(self.0.get(&format!("{algorithm} {product}")).cloned())
    }

    fn keep(&mut self, algorithm: &str, product: &str, chosen: &Chosen) -> Result<(), PassError> {
        self.0.insert(format!("{algorithm} {product}"), chosen.clone());
        Ok(())
    }
}

/// The rows of the golden input as windows.
fn windows(model: &str) -> Vec<Vec<Tensor>> {
    let ids = expected(model).input_ids;
    let ids = ids.get::<i64>().expect("tokens");
    let row = |row: ndarray::ArrayViewD<'_, i64>| {
        let last = row.len() as i64 - 1;
        vec![row.insert_axis(ndarray::Axis(0)).to_owned().into(), Tensor::vector(vec![last])]
    };
    ids.outer_iter().map(row).collect()
}

fn run(
    model: &str,
    keys: &[(&str, Value)],
    journal: &mut dyn Journal,
    steps: &mut Vec<(usize, usize)>,
) -> Result<QuantizedNetwork, String> {
    let mut all = Keys::new();
    let common = [
        ("weight_bit_width", json!(3)),
        ("weight_quant_granularity", json!("per_channel")),
        ("input_bit_width", json!(8)),
        ("input_scale_type", json!("dynamic")),
        ("input_quant_granularity", json!("per_row")),
        ("learned_round", json!("linear_round")),
        ("learned_round_iters", json!(20)),
        ("gpxq_block_name", json!("model.layers")),
    ];
    for (key, value) in common.iter().chain(keys) {
        let set = all.set(LanguageFlowConfig::KEYS, key, value.clone());
        set.map_err(|error| error.to_string())?;
    }
    let config = LanguageFlowConfig::of(all).map_err(|error| error.to_string())?;
    // As the command line builds it: logits of the last place, which no pass but optimised rotations needs.
    let options = BuildOptions { logits: LogitsToKeep::Chosen, ..BuildOptions::default() };
    let graph = graph(model, &options);
    let windows = windows(model);
    let mut hear = |name: &str, done: usize, total: usize| {
        if name == "learned round" {
            steps.push((done, total));
        }
    };
    let flow = LanguageFlow { config: &config };
    let found = flow.run(&graph, &windows, journal, &mut hear);
    found.map_err(|error| error.to_string())
}

/// The report of a pass.
fn report(network: &QuantizedNetwork, pass: &str) -> (usize, String) {
    let found = network.passes.iter().find(|report| report.name == pass);
    let found = found.expect("a report");
    (found.changed, found.detail.clone())
}

/// The share of the error of rounding to nearest that is left, in percent.
fn left(detail: &str) -> f64 {
    let (before, _) = detail.split_once(" % of the error").expect("a share");
    before.rsplit_once(' ').expect("a number").1.parse().expect("a number")
}

#[test]
fn every_architecture_learns_block_by_block() {
    for model in ["llama3", "qwen3", "mistral"] {
        for method in ["linear_round", "hard_sigmoid_round", "sigmoid_round"] {
            let mut steps = Vec::new();
            let keys = [("learned_round", json!(method))];
            let network = run(model, &keys, &mut Kept::default(), &mut steps).expect("quantized");
            let (changed, detail) = report(&network, "learned round");
            let blocks = network.graph.regions("model.layers").len();
            assert_eq!(changed, 7 * blocks, "{model}: {detail}");
            println!("{model} {method}: {detail}");
            // Numbers between both neighbours need more steps at this rate before any rounds the other way.
            assert!(
                left(&detail) <= if method == "linear_round" { 95.0 } else { 100.0 },
                "{detail}"
            );
            // Every step is heard, and the last one is the end.
            assert_eq!(steps.last(), Some(&(20 * blocks, 20 * blocks)));
            assert!(steps.len() > 20 * blocks && steps.is_sorted());
        }
    }
}

#[test]
fn threads_change_nothing_and_a_journal_saves_the_steps() {
    let on = |threads: usize, journal: &mut (dyn Journal + Send)| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let mut steps = Vec::new();
        let network = pool.install(|| run("llama3", &[], journal, &mut steps)).expect("quantized");
        (network.graph, steps.len())
    };
    let mut kept = Kept::default();
    let (one, steps) = on(1, &mut kept);
    let (four, _) = on(4, &mut Kept::default());
    assert!(one == four, "other codes on four threads");
    assert!(steps > 20);
    let (again, steps) = on(2, &mut kept);
    assert!(one == again && steps == 1, "{steps} steps");
}

#[test]
fn a_name_without_blocks_is_refused() {
    let keys = [("gpxq_block_name", json!("model.blocks"))];
    let error = run("llama3", &keys, &mut Kept::default(), &mut Vec::new()).expect_err("no blocks");
    assert!(
        error.starts_with("no node belongs to a block of model.blocks; names are as `"),
        "{error}"
    );
}

#[test]
fn scales_are_learned_with_the_rounding() {
    // That they gain is tested on networks, with more steps.
    let [kept, free] = [false, true].map(|scale| {
        let keys = [("learned_round_scale", json!(scale))];
        let network = run("llama3", &keys, &mut Kept::default(), &mut Vec::new());
        left(&report(&network.expect("quantized"), "learned round").1)
    });
    println!(
        "{kept} % of the error is left with the scales that were found, {free} % with learned ones"
    );
    assert!(free < 80.0 && free != kept);
    for (keys, expected) in [
        (
            [("learned_round_scale", json!(true)), ("learned_round", json!("sigmoid_round"))],
            "`learned_round_scale` needs `learned_round` linear_round",
        ),
        (
            [
                ("learned_round_scale", json!(true)),
                ("weight_quant_granularity", json!("per_tensor")),
            ],
            "`learned_round_scale` needs `weight_quant_granularity` per_channel or per_group",
        ),
    ] {
        let error = run("llama3", &keys, &mut Kept::default(), &mut Vec::new());
        assert_eq!(error.expect_err("refused"), expected);
    }
}

/// The two losses of a report.
fn losses(detail: &str) -> [f64; 2] {
    let (_, losses) = detail.split_once("cross entropy of the next token from ").expect("losses");
    let (before, after) = losses.split_once(" to ").expect("two");
    [before, after].map(|loss| loss.parse().expect("a number"))
}

#[test]
fn rotations_are_optimised_for_the_loss() {
    let keys = [
        ("rotation", json!("fx")),
        ("rotation_sdpa_regions", json!(true)),
        ("optimize_rotations", json!(true)),
        ("rotation_steps", json!(12)),
        ("rotation_batch_size", json!(2)),
        ("learned_round", Value::Null),
    ];
    for model in ["llama3", "qwen2"] {
        let network = run(model, &keys, &mut Kept::default(), &mut Vec::new()).expect("quantized");
        let (_, detail) = report(&network, "rotate");
        let [before, after] = losses(&detail);
        println!("{model}: {detail}");
        assert!(after < before, "{model}: {detail}");
        // The float function is what it was.
        let options = BuildOptions { logits: LogitsToKeep::Chosen, ..BuildOptions::default() };
        let original = graph(model, &options);
        let inputs = windows(model).swap_remove(0);
        let [expected, found] = [&original, &network.float].map(|graph| {
            let outputs = crate::support::run(graph, &inputs);
            crate::support::logits(&outputs[0])
        });
        let worst = crate::support::difference(&found, &expected);
        assert!(worst < 1e-4, "{model}: {worst}");
    }
    let other = ("rotation_objective", json!("weights"));
    let keys: Vec<_> = keys.into_iter().chain([other]).collect();
    let network = run("llama3", &keys, &mut Kept::default(), &mut Vec::new()).expect("quantized");
    assert!(report(&network, "rotate").1.contains("squared relative error of weights from"));
}
