//! Files of each architecture, loaded as transformers loads them.

use fewbit_models::gguf::{Gguf, Metadata, TensorInfo};
use fewbit_models::language::{
    Architecture, Checkpoint, GgufCheckpoint, LanguageConfig, RopeScaling, RowOrder,
};
use serde_json::Value;

use crate::files::rewritten;
use crate::support::{digest, unpacked};

macro_rules! files {
    ($($name:literal),+) => {
        [$((
            $name,
            include_bytes!(concat!("../golden/gguf/", $name, ".gguf.gz")).as_slice(),
            include_str!(concat!("../golden/gguf/", $name, ".json")),
        )),+]
    };
}

static FILES: [(&str, &[u8], &str); 4] = files!["llama", "mistral", "qwen2", "qwen3"];

fn expected(name: &str, json: &Value) -> LanguageConfig {
    let config = &json["config"];
    let count = |key: &str| config[key].as_u64().unwrap() as usize;
    let float = |key: &str| config[key].as_f64().unwrap() as f32;
    let scaling = &config["rope_scaling"];
    LanguageConfig {
        architecture: name.parse().unwrap(),
        vocab_size: count("vocab_size"),
        hidden_size: count("hidden_size"),
        intermediate_size: count("intermediate_size"),
        num_hidden_layers: count("num_hidden_layers"),
        num_attention_heads: count("num_attention_heads"),
        num_key_value_heads: count("num_key_value_heads"),
        head_dim: config["head_dim"]
            .as_u64()
            .map_or(count("hidden_size") / count("num_attention_heads"), |dim| dim as usize),
        rms_norm_eps: float("rms_norm_eps"),
        rope_theta: float("rope_theta"),
        rope_scaling: scaling["factor"].as_f64().map(|factor| RopeScaling::Llama3 {
            factor: factor as f32,
            low_freq_factor: scaling["low_freq_factor"].as_f64().unwrap() as f32,
            high_freq_factor: scaling["high_freq_factor"].as_f64().unwrap() as f32,
            original_max_position_embeddings: scaling["original_max_position_embeddings"]
                .as_u64()
                .unwrap() as usize,
        }),
        max_position_embeddings: count("max_position_embeddings"),
        sliding_window: (name == "mistral").then(|| count("sliding_window")),
        tie_word_embeddings: config["tie_word_embeddings"].as_bool().unwrap(),
        attention_bias: name == "qwen2",
        mlp_bias: false,
        bos_token_id: Some(1),
        eos_token_ids: vec![2],
    }
}

#[test]
fn weights_and_configurations() {
    for (name, packed, json) in FILES {
        let json: Value = serde_json::from_str(json).unwrap();
        let checkpoint = GgufCheckpoint::new(Gguf::from_bytes(unpacked(packed)).unwrap()).unwrap();
        assert_eq!(*checkpoint.config(), expected(name, &json), "{name}");
        let weights = json["weights"].as_object().unwrap();
        let mut names = checkpoint.names();
        names.sort();
        assert_eq!(names, weights.keys().cloned().collect::<Vec<_>>(), "{name}");
        for (key, weight) in weights {
            let tensor = checkpoint.tensor(key).unwrap();
            let shape: Vec<usize> = serde_json::from_value(weight["shape"].clone()).unwrap();
            assert_eq!(tensor.shape(), shape, "{name}, {key}");
            let found = digest(tensor.get::<f32>().unwrap());
            assert_eq!(found.to_string(), weight["digest"].as_str().unwrap(), "{name}, {key}");
        }
        assert!(checkpoint.tensor("model.layers.9.mlp.up_proj.weight").is_err());
        assert!(checkpoint.tensor("nonsense").is_err());
        let error = checkpoint.tokenizer().unwrap_err().to_string();
        assert_eq!(error, "tokenizer: the file has no `tokenizer.ggml.model`");
    }
}

/// What is written is what the package gguf writes, byte for byte.
#[test]
fn files_are_written_as_by_gguf() {
    for (name, packed, _) in FILES {
        let bytes = unpacked(packed);
        assert!(rewritten(&Gguf::from_bytes(bytes.clone()).unwrap()) == bytes, "{name}");
    }
}

#[test]
fn row_orders_are_inverse() {
    let rows: Vec<u32> = (0..3 * 8 * 5).collect();
    let there = RowOrder::Interleaved.from_other(&rows, 3, 8).unwrap();
    assert_ne!(there, rows);
    assert_eq!(RowOrder::Halves.from_other(&there, 3, 8).unwrap(), rows);
    assert!(RowOrder::Halves.from_other(&rows, 7, 8).is_err());
    assert!(RowOrder::Halves.from_other(&rows, 8, 3).is_err());
    assert!(RowOrder::Halves.from_other(&rows, 0, 8).is_err());
}

/// A llama file whose metadata are changed.
fn changed(
    change: impl FnOnce(&mut Metadata, &mut Vec<(TensorInfo, Vec<u8>)>),
) -> Result<GgufCheckpoint, String> {
    let file = Gguf::from_bytes(unpacked(FILES[0].1)).unwrap();
    let mut metadata = file.metadata().clone();
    let tensors = file.tensors().map(|info| (info.clone(), file.bytes(&info.name).unwrap()));
    let mut tensors = tensors.collect();
    change(&mut metadata, &mut tensors);
    let bytes = crate::files::written(&metadata, &tensors);
    GgufCheckpoint::new(Gguf::from_bytes(bytes).unwrap()).map_err(|error| error.to_string())
}

#[test]
fn keys_that_cannot_be() {
    let set = |key: &'static str, value: fewbit_models::gguf::Value| {
        changed(|metadata, _| drop(metadata.insert(key, value))).unwrap_err()
    };
    for (error, part) in [
        (set("general.architecture", "gpt2".into()), "`gpt2`: expected one of llama, mistral"),
        (
            set("general.architecture", "qwen2".into()),
            "`qwen2.embedding_length`: the file does not have it",
        ),
        (set("llama.attention.head_count", 0u32.into()), "0 is no count"),
        (set("llama.attention.head_count", u64::MAX.into()), "expected an integer"),
        (set("llama.attention.head_count_kv", 3u32.into()), "3 does not divide the 4"),
        (set("llama.block_count", "two".into()), "it is string, expected an integer"),
        (set("llama.rope.dimension_count", 7u32.into()), "is odd"),
        (set("llama.attention.key_length", 16u32.into()), "8 of a head's 16"),
        (set("llama.rope.freq_base", f32::NAN.into()), "is not positive"),
        (set("llama.rope.scaling.type", "yarn".into()), "`yarn` is not supported"),
        (set("llama.rope.scaling.type", "linear".into()), "`llama.rope.scaling.factor`"),
        (set("llama.embedding_length", 48u32.into()), "expected [vocabulary, 48]"),
        (set("tokenizer.ggml.eos_token_id", 64u32.into()), "64 is no token of a vocabulary of 64"),
    ] {
        assert!(error.contains(part) && !error.contains('\n'), "{error}");
    }
    let linear = changed(|metadata, tensors| {
        metadata.insert("llama.rope.scaling.type", "linear");
        metadata.insert("llama.rope.scaling.factor", 4.0f32);
        tensors.retain(|(info, _)| info.name != "rope_freqs.weight");
    });
    let scaling = linear.unwrap().config().rope_scaling;
    assert_eq!(scaling, Some(RopeScaling::Linear { factor: 4.0 }));
    let window =
        changed(|metadata, _| drop(metadata.insert("llama.attention.sliding_window", 9u32)));
    assert_eq!(window.unwrap().config().architecture, Architecture::Mistral);
    let rope = changed(|_, tensors| {
        let rope = tensors.iter_mut().find(|(info, _)| info.name == "rope_freqs.weight").unwrap();
        rope.1[..4].copy_from_slice(&3f32.to_le_bytes());
    });
    assert!(rope.unwrap_err().contains("no divisors of Llama 3"));
}

#[test]
fn weights_that_are_no_numbers() {
    let name = "blk.1.ffn_norm.weight";
    let broken = changed(|_, tensors| {
        let tensor = tensors.iter_mut().find(|(info, _)| info.name == name).unwrap();
        tensor.1[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    let error = broken.unwrap().tensor("model.layers.1.post_attention_layernorm.weight");
    let error = error.unwrap_err().to_string();
    assert_eq!(error, "tensor `model.layers.1.post_attention_layernorm.weight`: element 2 is NaN");
}
