//! The architecture as metadata: the way back of [`language_config`](super::language_config).

use crate::gguf::Metadata;
use crate::language::{Architecture, LanguageConfig, RopeScaling};

/// The keys of an architecture, as llama.cpp's `convert_hf_to_gguf.py` writes them; a Mistral model is a `llama` with a window.
pub(in crate::language) fn architecture_metadata(config: &LanguageConfig) -> Metadata {
    let name = match config.architecture {
        Architecture::Mistral => Architecture::Llama.name(),
        other => other.name(),
    };
    let mut metadata = Metadata::default();
    metadata.insert("general.architecture", name);
    let mut count = |key: &str, count: usize| {
        // No configuration that was checked has more than 2^31.
        metadata.insert(&format!("{name}.{key}"), u32::try_from(count).unwrap_or(u32::MAX));
    };
    count("context_length", config.max_position_embeddings);
    count("embedding_length", config.hidden_size);
    count("block_count", config.num_hidden_layers);
    count("feed_forward_length", config.intermediate_size);
    count("attention.head_count", config.num_attention_heads);
    count("attention.head_count_kv", config.num_key_value_heads);
    count("attention.key_length", config.head_dim);
    count("attention.value_length", config.head_dim);
    count("rope.dimension_count", config.head_dim);
    count("vocab_size", config.vocab_size);
    if let Some(window) = config.sliding_window {
        count("attention.sliding_window", window);
    }
    metadata.insert(&format!("{name}.attention.layer_norm_rms_epsilon"), config.rms_norm_eps);
    metadata.insert(&format!("{name}.rope.freq_base"), config.rope_theta);
    if let Some(RopeScaling::Linear { factor }) = config.rope_scaling {
        metadata.insert(&format!("{name}.rope.scaling.type"), "linear");
        metadata.insert(&format!("{name}.rope.scaling.factor"), factor);
    }
    metadata
}
