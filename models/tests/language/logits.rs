//! Logits against transformers', and the ways to compute them against each other.

use fewbit_models::language::{BuildOptions, KeyValueCache, LogitsToKeep};
use fewbit_models::tensor::Tensor;
use ndarray::{Array4, Axis, s};

use crate::support::{MODELS, checkpoint, difference, expected, graph, logits, run};
use fewbit_models::language::Checkpoint;

/// What is asked for: float32 leaves some 1e-6.
const TOLERANCE: f32 = 1e-5;

#[test]
fn logits_are_those_of_transformers() {
    for name in MODELS {
        let expected = expected(name);
        let graph = graph(name, &BuildOptions::default());
        let outputs = run(&graph, &[expected.input_ids]);
        let difference = difference(&logits(&outputs[0]), &expected.logits);
        println!("{name}: {difference:.1e}");
        assert!(difference < TOLERANCE, "{name}: {difference}");
    }
}

/// The comparison sees what it is for: another base, window, norm or order of weights.
#[test]
fn other_models_have_other_logits() {
    for name in MODELS {
        let expected = expected(name);
        for other in MODELS.iter().filter(|&&other| other != name) {
            let graph = graph(other, &BuildOptions::default());
            let outputs = run(&graph, std::slice::from_ref(&expected.input_ids));
            let difference = difference(&logits(&outputs[0]), &expected.logits);
            assert!(difference > 0.1, "{name} and {other}: {difference}");
        }
    }
}

#[test]
fn chosen_logits_are_those_of_all_places() {
    for name in MODELS {
        let expected = expected(name);
        let options = BuildOptions { logits: LogitsToKeep::Chosen, ..BuildOptions::default() };
        let graph = graph(name, &options);
        let places = Tensor::vector(vec![20i64, 3, 4]);
        let found = logits(&run(&graph, &[expected.input_ids, places])[0]);
        let expected = expected.logits.select(Axis(1), &[20, 3, 4]);
        assert!(difference(&found, &expected) < TOLERANCE, "{name}");
    }
}

/// A sequence in parts of 1, 9 and 11 tokens, the keys and values of each part handed to the next.
#[test]
fn a_cache_changes_nothing() {
    for name in MODELS {
        let expected = expected(name);
        let options = BuildOptions { cache: KeyValueCache::Inputs, ..BuildOptions::default() };
        let graph = graph(name, &options);
        let checkpoint = checkpoint(name);
        let config = checkpoint.config();
        let empty = Array4::<f32>::zeros((2, config.num_key_value_heads, 0, config.head_dim));
        let mut cache = vec![Tensor::from(empty); 2 * config.num_hidden_layers];
        let ids = expected.input_ids.get::<i64>().unwrap();
        for (from, to) in [(0, 1), (1, 10), (10, 21)] {
            let part = ids.slice(s![.., from..to]).as_standard_layout().into_owned();
            let mut inputs = vec![Tensor::from(part)];
            inputs.append(&mut cache);
            let mut outputs = run(&graph, &inputs);
            cache = outputs.split_off(1);
            assert_eq!(cache[0].shape()[2], to, "{name}");
            let part = expected.logits.slice(s![.., from..to, ..]).to_owned();
            let difference = difference(&logits(&outputs[0]), &part);
            assert!(difference < TOLERANCE, "{name}, places {from} to {to}: {difference}");
        }
    }
}
