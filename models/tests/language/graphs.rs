//! What the graph of a checkpoint is: operators, regions, shared weights, and its ONNX file.

use std::collections::BTreeMap;
use std::{env, fs};

use fewbit_models::graph::products;
use fewbit_models::language::{BuildOptions, Checkpoint, KeyValueCache, LogitsToKeep};
use fewbit_models::onnx::{read_bytes, write_bytes};
use fewbit_models::tensor::Tensor;

use crate::support::{MODELS, checkpoint, expected, folder, graph, run};

#[test]
fn every_linear_layer_is_a_product_under_its_own_name() {
    for name in MODELS {
        let graph = graph(name, &BuildOptions::default());
        let checkpoint = checkpoint(name);
        let mut expected = checkpoint.names();
        expected.retain(|name| name.contains("_proj.weight"));
        let tied = checkpoint.config().tie_word_embeddings;
        expected.push(if tied { "model.embed_tokens.weight" } else { "lm_head.weight" }.into());
        let mut found: Vec<String> = products(&graph)
            .iter()
            .map(|product| graph.name_of(product.weight).to_owned())
            .collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn blocks_are_regions() {
    let graph = graph("qwen3", &BuildOptions::default());
    assert_eq!(graph.regions("model.layers"), ["model.layers.0", "model.layers.1"]);
    let mut operators = BTreeMap::new();
    for id in graph.region("model.layers.1") {
        *operators.entry(graph.node(id).op.name()).or_insert(0) += 1;
    }
    let expected = [
        ("Add", 2),
        ("Attention", 1),
        ("Gemm", 7),
        ("Mul", 2),
        ("RMSNormalization", 4),
        ("Reshape", 6),
        ("RotaryEmbedding", 2),
        ("Sigmoid", 1),
    ];
    assert_eq!(operators, BTreeMap::from(expected));
}

#[test]
fn a_tied_last_layer_is_the_embedding() {
    let graph = graph("llama3", &BuildOptions::default());
    let embedding = graph.find("model.embed_tokens.weight").unwrap();
    let users: Vec<_> = graph
        .consumers(embedding)
        .into_iter()
        .map(|(id, place)| (graph.node(id).name.as_str(), place))
        .collect();
    assert_eq!(users, [("model.embed_tokens", 0), ("lm_head", 1)]);
    assert!(graph.find("lm_head.weight").is_none());
}

#[test]
fn shapes_are_known() {
    let options = BuildOptions { cache: KeyValueCache::Inputs, logits: LogitsToKeep::Chosen };
    let graph = graph("llama3", &options);
    let shape = |name: &str| {
        let fact = &graph.value(graph.find(name).unwrap()).fact;
        let dims: Vec<_> = fact.shape.as_ref().unwrap().iter().map(ToString::to_string).collect();
        format!("{} {}", fact.element.unwrap(), dims.join(" "))
    };
    assert_eq!(shape("input_ids"), "int64 batch sequence");
    assert_eq!(shape("past_key_values.1.value"), "float32 batch 2 past 8");
    assert_eq!(shape("present.1.value"), "float32 batch 2 total 8");
    assert_eq!(shape("model.layers.1.self_attn.attention"), "float32 batch sequence 32");
    assert_eq!(shape("logits"), "float32 batch kept 48");
    let names: Vec<_> = graph.inputs().iter().map(|&id| graph.name_of(id)).collect();
    assert_eq!(names[..3], ["input_ids", "past_key_values.0.key", "past_key_values.0.value"]);
    assert_eq!(names.last(), Some(&"logits_to_keep"));
    let names: Vec<_> = graph.outputs().iter().map(|&id| graph.name_of(id)).collect();
    assert_eq!(
        names,
        ["logits", "present.0.key", "present.0.value", "present.1.key", "present.1.value"]
    );
}

/// As a file of operator set 23 and back: the same bits. With `FEWBIT_LANGUAGE_ONNX=FOLDER` the files are written there, with
/// what they compute, for `models/tests/golden/language_onnx.py`.
#[test]
fn graphs_are_files_of_operator_set_23() {
    for name in MODELS {
        let expected = expected(name);
        let graph = graph(name, &BuildOptions::default());
        let bytes = write_bytes(&graph, 23).unwrap();
        let outputs = run(&graph, std::slice::from_ref(&expected.input_ids));
        let again = run(&read_bytes(bytes.clone(), None).unwrap(), &[expected.input_ids]);
        assert_eq!(outputs, again, "{name}");
        let options = BuildOptions { cache: KeyValueCache::Inputs, logits: LogitsToKeep::Chosen };
        let cached = write_bytes(&crate::support::graph(name, &options), 23).unwrap();
        if let Some(to) = env::var_os("FEWBIT_LANGUAGE_ONNX") {
            let to = std::path::Path::new(&to).join(name);
            fs::create_dir_all(&to).unwrap();
            fs::write(to.join("model.onnx"), bytes).unwrap();
            fs::write(to.join("cached.onnx"), cached).unwrap();
            fs::copy(folder(name).join("expected.safetensors"), to.join("expected.safetensors"))
                .unwrap();
            let Tensor::F32(logits) = &outputs[0] else { panic!("{name}: no floats") };
            let logits: Vec<u8> = logits.iter().flat_map(|x| x.to_le_bytes()).collect();
            fs::write(to.join("logits.bin"), logits).unwrap();
        }
    }
}
