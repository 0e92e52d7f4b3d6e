//! Folders that are no checkpoint: one clear line each.

use std::fs;
use std::path::Path;

use fewbit_models::language::{
    Architecture, BuildOptions, Checkpoint, HuggingFaceCheckpoint, RopeScaling, build,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{MODELS, checkpoint, folder};

#[test]
fn configurations_are_those_of_the_files() {
    let llama3 = checkpoint("llama3");
    let config = llama3.config();
    assert_eq!(config.architecture, Architecture::Llama);
    assert_eq!(
        config.rope_scaling,
        Some(RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 64
        })
    );
    assert!(config.tie_word_embeddings && !config.attention_bias);
    assert_eq!((config.num_attention_heads, config.num_key_value_heads), (4, 2));
    // Of generation_config.json; config.json has 2 alone.
    assert_eq!((config.bos_token_id, &config.eos_token_ids[..]), (Some(1), &[2, 47][..]));
    let linear = checkpoint("llama_linear");
    assert_eq!(linear.config().rope_scaling, Some(RopeScaling::Linear { factor: 2.5 }));
    assert!(linear.config().attention_bias && linear.config().mlp_bias);
    let qwen2 = checkpoint("qwen2");
    assert_eq!(qwen2.config().architecture, Architecture::Qwen2);
    assert_eq!((qwen2.config().head_dim, qwen2.config().attention_bias), (6, true));
    assert_eq!(checkpoint("qwen3").config().head_dim, 12);
    assert_eq!(checkpoint("mistral").config().sliding_window, Some(5));
    for name in MODELS.iter().filter(|&&name| name != "mistral") {
        assert_eq!(checkpoint(name).config().sliding_window, None, "{name}");
    }
}

/// A copy of a model's folder.
fn copied(name: &str) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder(name)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

/// What is wrong with the folder; paths without their beginning.
fn problem(path: &Path) -> String {
    let built = HuggingFaceCheckpoint::open(path)
        .and_then(|checkpoint| build(&checkpoint, &BuildOptions::default(), &mut |_, _| ()));
    let problem = built.map(|_| ()).unwrap_err().to_string();
    assert!(!problem.contains('\n'), "{problem}");
    problem.replace(&path.display().to_string(), "DIR")
}

/// What is wrong after keys of `config.json` were changed; null takes one out.
fn with_keys(name: &str, keys: Value) -> String {
    let to = copied(name);
    let file = to.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    for (key, value) in keys.as_object().unwrap() {
        config[key] = value.clone();
    }
    fs::write(&file, config.to_string()).unwrap();
    problem(to.path())
}

#[test]
fn wrong_keys_are_named() {
    let cases = [
        (
            json!({"model_type": "bloom"}),
            "`config.json: model_type`: the architecture is `bloom`: expected one of llama, mistral, qwen2, qwen3",
        ),
        (json!({"model_type": null}), "`config.json: model_type`: is missing"),
        (json!({"hidden_size": null}), "`config.json: hidden_size`: is missing"),
        (
            json!({"hidden_size": -3}),
            "`config.json: hidden_size`: -3: expected a number of at most 2^31",
        ),
        (json!({"hidden_act": "gelu"}), "`config.json: hidden_act`: `gelu`: expected silu"),
        (
            json!({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}),
            "`config.json: rope_scaling.rope_type`: `yarn`: expected one of default, linear, llama3",
        ),
        (
            json!({"rope_scaling": {"type": "linear"}}),
            "`config.json: rope_scaling.factor`: is missing",
        ),
        (
            json!({"rope_scaling": {"type": "linear", "factor": 0}}),
            "`rope_scaling`: the factor 0: expected more than 0",
        ),
        (
            json!({"quantization_config": {"bits": 4}}),
            "`config.json: quantization_config`: the weights are quantized: expected a folder of float32, float16 or bfloat16 weights",
        ),
        (json!({"num_attention_heads": 0}), "`num_attention_heads`: 0: expected 1 to 2^31"),
        (json!({"num_key_value_heads": 3}), "`num_key_value_heads`: 3 does not divide 4 heads"),
        (json!({"head_dim": 7}), "`head_dim`: 7 is odd: positions turn pairs"),
        (json!({"rope_theta": 0}), "`rope_theta`: 0: expected more than 0"),
        (json!({"rope_theta": "much"}), "`config.json: rope_theta`: \"much\": expected a number"),
        (
            json!({"vocab_size": 49}),
            "tensor `model.embed_tokens.weight`: has shape [48, 32], and the configuration asks for [49, 32]",
        ),
        (
            json!({"num_hidden_layers": 1_000_000_000}),
            "tensor `model.layers.2.input_layernorm.weight`: is missing in DIR",
        ),
        (
            json!({"attention_bias": true}),
            "tensor `model.layers.0.self_attn.q_proj.bias`: is missing in DIR",
        ),
    ];
    for (keys, expected) in cases {
        assert_eq!(with_keys("llama2", keys.clone()), expected, "{keys}");
    }
    let mixed =
        json!({"sliding_window": 4, "layer_types": ["full_attention", "sliding_attention"]});
    assert_eq!(
        with_keys("qwen2", mixed),
        "`config.json: sliding_window`: 1 of 2 layers have a window: expected all or none"
    );
}

#[test]
fn wrong_files_are_named() {
    let to = copied("llama2");
    let path = |name: &str| to.path().join(name);
    let weights = fs::read(path("model.safetensors")).unwrap();
    fs::write(path("model.safetensors"), &weights[..weights.len() - 1]).unwrap();
    let found = problem(to.path());
    assert!(found.starts_with("DIR/model.safetensors: its header tells of "), "{found}");
    assert!(found.ends_with("it is cut off or damaged"), "{found}");
    for length in [0, 7] {
        fs::write(path("model.safetensors"), &weights[..length]).unwrap();
        assert_eq!(
            problem(to.path()),
            format!("DIR/model.safetensors: has {length} bytes, and is no .safetensors file")
        );
    }
    fs::write(path("model.safetensors"), &weights[..500]).unwrap();
    assert!(problem(to.path()).contains("it is cut off, or no .safetensors file"));
    let mut broken = weights.clone();
    broken[9] = b'!';
    fs::write(path("model.safetensors"), &broken).unwrap();
    assert!(problem(to.path()).starts_with("DIR/model.safetensors: its header cannot be read: "));
    // The last element of the file, of whichever tensor, as a float16 NaN.
    let mut broken = weights.clone();
    let last = broken.len() - 2;
    broken[last..].copy_from_slice(&0x7e00u16.to_le_bytes());
    fs::write(path("model.safetensors"), &broken).unwrap();
    let found = problem(to.path());
    assert!(found.starts_with("tensor `") && found.contains(" is NaN: expected finite"), "{found}");
    fs::remove_file(path("model.safetensors")).unwrap();
    assert!(problem(to.path()).starts_with("DIR: there is no model.safetensors and no "));
    fs::write(path("config.json"), "[]").unwrap();
    assert_eq!(problem(to.path()), "DIR/config.json: is no JSON object");
    fs::write(path("config.json"), "{").unwrap();
    assert!(problem(to.path()).starts_with("DIR/config.json: is no JSON: "));
    fs::remove_file(path("config.json")).unwrap();
    assert_eq!(problem(to.path()), "DIR/config.json: No such file or directory (os error 2)");
}

#[test]
fn wrong_shards_are_named() {
    let to = copied("llama3");
    let path = |name: &str| to.path().join(name);
    let index: Value =
        serde_json::from_slice(&fs::read(path("model.safetensors.index.json")).unwrap()).unwrap();
    let with = |file: Value| {
        let mut index = index.clone();
        index["weight_map"]["model.norm.weight"] = file;
        fs::write(path("model.safetensors.index.json"), index.to_string()).unwrap();
        problem(to.path())
    };
    let start = "`model.safetensors.index.json: weight_map.model.norm.weight`";
    assert_eq!(
        with("../model.safetensors".into()),
        format!("{start}: `../model.safetensors`: expected a file of the same folder")
    );
    assert_eq!(with(3.into()), format!("{start}: 3: expected a text"));
    assert_eq!(
        with("no.safetensors".into()),
        "DIR/no.safetensors: No such file or directory (os error 2)"
    );
    assert_eq!(
        with("model-00001-of-00003.safetensors".into()),
        "tensor `model.norm.weight`: is missing in DIR"
    );
}

#[test]
fn weights_are_asked_for_by_name() {
    let checkpoint = checkpoint("llama3");
    assert_eq!(checkpoint.names().len(), 20);
    let norm = checkpoint.tensor("model.norm.weight").unwrap();
    assert_eq!(norm.shape(), [32]);
    // Of bfloat16.
    let norm = norm.get::<f32>().unwrap();
    assert!(norm.iter().all(|x| x.to_bits() & 0xffff == 0) && norm.iter().any(|&x| x != 1.0));
    let error = checkpoint.tensor("lm_head.weight").unwrap_err().to_string();
    assert!(error.starts_with("tensor `lm_head.weight`: is missing in "), "{error}");
}
