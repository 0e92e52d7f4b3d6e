//! Greedy generation, perplexity and multiple choice against transformers', Brevitas's and lm-eval's.

use std::fs;

use fewbit_models::eval::{
    ChoiceItem, ChoiceOptions, PerplexityWindows, multiple_choice, perplexity,
};
use fewbit_models::exec::QuantizerMode;
use fewbit_models::graph::Graph;
use fewbit_models::language::{
    BuildOptions, Checkpoint, GenerateOptions, KeyValueCache, LanguageError, LanguageModel,
    LogitsToKeep, generate,
};
use serde_json::Value;

use crate::support::{MODELS, checkpoint, expected, folder, graph};

const CHOSEN: BuildOptions =
    BuildOptions { cache: KeyValueCache::None, logits: LogitsToKeep::Chosen };
const ALL: BuildOptions = BuildOptions { cache: KeyValueCache::None, logits: LogitsToKeep::All };
const CACHED: BuildOptions =
    BuildOptions { cache: KeyValueCache::Inputs, logits: LogitsToKeep::Chosen };

/// What the Python packages found.
fn scores() -> Value {
    let path = folder("scores.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn model(graph: &Graph) -> LanguageModel<'_> {
    LanguageModel::float(graph, QuantizerMode::Skip).unwrap()
}

fn near(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= 2e-5 * expected.abs(), "{what}: {found}, not {expected}");
}

/// All rows of tokens, one after the other.
fn tokens(name: &str) -> Vec<u32> {
    let ids = expected(name).input_ids;
    ids.integers().unwrap().into_iter().map(|id| id as u32).collect()
}

#[test]
fn greedy_generation_is_that_of_transformers() {
    for name in MODELS {
        let expected: Vec<u32> = expected(name).greedy.iter().map(|&token| token as u32).collect();
        let options = GenerateOptions {
            max_new_tokens: 12,
            eos_token_ids: checkpoint(name).config().eos_token_ids.clone(),
        };
        for built in [CACHED, CHOSEN, ALL] {
            let graph = graph(name, &built);
            let mut heard = Vec::new();
            let mut hear = |token| heard.push(token);
            let found = generate(&model(&graph), &expected[..8], &options, &mut hear).unwrap();
            assert_eq!(found, expected[8..], "{name}, {built:?}");
            assert_eq!(found, heard);
        }
    }
    // It has ended before.
    assert_eq!(expected("qwen2").greedy.len(), 9);
}

#[test]
fn perplexities_are_those_of_brevitas_and_transformers() {
    let scores = scores();
    for name in MODELS {
        let tokens = tokens(name);
        let expected = &scores["models"][name];
        for built in [CHOSEN, ALL] {
            let graph = graph(name, &built);
            let measure = |windows, most| {
                perplexity(&model(&graph), &tokens, windows, most, &mut |_, _| ()).unwrap()
            };
            let halves = measure(PerplexityWindows::Halves { seqlen: 10 }, usize::MAX);
            assert_eq!((halves.windows.len(), halves.scored, halves.tokens), (4, 20, 40));
            near(halves.perplexity, &expected["halves"], name);
            let two = measure(PerplexityWindows::Halves { seqlen: 10 }, 2);
            assert_eq!(two.windows, halves.windows[..2]);
            let sliding = measure(PerplexityWindows::Sliding { seqlen: 8, stride: 3 }, usize::MAX);
            assert_eq!(sliding.scored, 41);
            near(sliding.perplexity, &expected["sliding"], name);
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let graph = graph("llama3", &CHOSEN);
    let tokens = tokens("llama3");
    let measure = || {
        let windows = PerplexityWindows::Halves { seqlen: 6 };
        perplexity(&model(&graph), &tokens, windows, usize::MAX, &mut |_, _| ()).unwrap()
    };
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    assert_eq!(pool(1).install(measure), pool(3).install(measure));
}

#[test]
fn choices_are_scored_as_in_lm_eval() {
    let scores = scores();
    let alphabet: Vec<char> = scores["alphabet"].as_str().unwrap().chars().collect();
    let encode = |text: &str| -> Result<Vec<u32>, LanguageError> {
        let token = |c| alphabet.iter().position(|&other| other == c).unwrap() as u32 + 3;
        Ok(text.chars().map(token).collect())
    };
    let items: Vec<ChoiceItem> = serde_json::from_value(scores["questions"].clone()).unwrap();
    let options = ChoiceOptions { target_delimiter: " ".into(), empty_context: 1, max_length: 256 };
    for name in MODELS {
        let graph = graph(name, &CHOSEN);
        let found =
            multiple_choice(&model(&graph), &encode, &items, &options, &mut |_, _| ()).unwrap();
        let expected = &scores["models"][name]["choices"];
        near(found.acc, &expected["acc"], name);
        near(found.acc_stderr, &expected["acc_stderr"], name);
        near(found.acc_norm, &expected["acc_norm"], name);
        near(found.acc_norm_stderr, &expected["acc_norm_stderr"], name);
        for (item, found) in found.log_likelihoods.iter().enumerate() {
            for (choice, &found) in found.iter().enumerate() {
                let expected = &expected["log_likelihoods"][item][choice];
                near(found, expected, &format!("{name}, question {item}, choice {choice}"));
            }
        }
    }
}

#[test]
fn what_is_no_language_model_is_refused() {
    let wrong = |graph: &Graph| LanguageModel::float(graph, QuantizerMode::Skip).unwrap_err();
    let start = "the network is no language model: it has";
    let mut other = Graph::new("other");
    let x = other.add_input("x", fewbit_models::ops::Fact::default());
    other.add_output(x);
    assert_eq!(wrong(&other).to_string(), format!("{start} an input `x`, which is no part of one"));
    assert_eq!(wrong(&Graph::new("empty")).to_string(), format!("{start} no input `input_ids`"));
    let graph = graph("llama2", &CHOSEN);
    let model = model(&graph);
    let error = model.logits(&[1, 48, 2], 0..1).unwrap_err().to_string();
    assert_eq!(error, "node `model.embed_tokens` (Gather): index 48 into 48 entries");
    assert!(model.logits(&[1, 2], 0..3).is_err() && model.logits(&[1, 2], 1..1).is_err());
    let options = GenerateOptions { max_new_tokens: 1, eos_token_ids: vec![] };
    let error = generate(&model, &[], &options, &mut |_| ()).unwrap_err().to_string();
    assert_eq!(error, "the prompt has no token: expected one or more");
}
