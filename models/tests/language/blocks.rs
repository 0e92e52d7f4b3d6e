//! Rounding that is learned block by block, on small language models.

use std::collections::BTreeMap;

use fewbit_models::flow::{Keys, QuantizedNetwork};
use fewbit_models::flow::{LanguageFlow, LanguageFlowConfig};
use fewbit_models::language::BuildOptions;
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
        vec![Tensor::from(row.insert_axis(ndarray::Axis(0)).to_owned())]
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
    let graph = graph(model, &BuildOptions::default());
    let mut hear = |name: &str, done: usize, total: usize| {
        if name == "learned round" {
            steps.push((done, total));
        }
    };
    let flow = LanguageFlow { config: &config };
    let found = flow.run(&graph, &windows(model), journal, &mut hear);
    found.map_err(|error| error.to_string())
}

fn detail(network: &QuantizedNetwork) -> (usize, String) {
    let found = network.passes.iter().find(|report| report.name == "learned round");
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
            let (changed, detail) = detail(&network);
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
