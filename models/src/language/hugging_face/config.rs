//! `config.json` and `generation_config.json`.

use crate::language::{Architecture, LanguageConfig, LanguageError, RopeScaling};

use super::json::Object;

/// What the files say; the second one, where it is there, has the tokens that end a text.
pub(super) fn config(
    file: &Object,
    generation: Option<&Object>,
) -> Result<LanguageConfig, LanguageError> {
    let name = file.some_text("model_type")?;
    let architecture =
        name.parse().map_err(|error: LanguageError| file.wrong("model_type", error.to_string()))?;
    refuse_unsupported(file)?;
    let num_attention_heads = file.some_count("num_attention_heads")?;
    let hidden_size = file.some_count("hidden_size")?;
    let head_dim = match file.count("head_dim")? {
        Some(size) => size,
        None => hidden_size / num_attention_heads.max(1),
    };
    let rope = rope_object(file)?;
    let rope_theta = match &rope {
        Some(rope) if rope.has("rope_theta") => rope.some_float("rope_theta")?,
        _ => file.float("rope_theta")?.unwrap_or(10000.0),
    };
    let num_hidden_layers = file.some_count("num_hidden_layers")?;
    let eos = generation.map(|generation| generation.tokens("eos_token_id")).transpose()?.flatten();
    let config = LanguageConfig {
        architecture,
        vocab_size: file.some_count("vocab_size")?,
        hidden_size,
        intermediate_size: file.some_count("intermediate_size")?,
        num_hidden_layers,
        num_attention_heads,
        num_key_value_heads: file.count("num_key_value_heads")?.unwrap_or(num_attention_heads),
        head_dim,
        rms_norm_eps: file.float("rms_norm_eps")?.unwrap_or(1e-6),
        rope_theta,
        rope_scaling: rope.as_ref().map(rope_scaling).transpose()?.flatten(),
        max_position_embeddings: file.some_count("max_position_embeddings")?,
        sliding_window: sliding_window(file, architecture, num_hidden_layers)?,
        tie_word_embeddings: file.flag("tie_word_embeddings")?.unwrap_or(false),
        attention_bias: match architecture {
            Architecture::Qwen2 => true,
            Architecture::Mistral => false,
            _ => file.flag("attention_bias")?.unwrap_or(false),
        },
        mlp_bias: match architecture {
            Architecture::Llama => file.flag("mlp_bias")?.unwrap_or(false),
            _ => false,
        },
        bos_token_id: file.tokens("bos_token_id")?.and_then(|tokens| tokens.first().copied()),
        eos_token_ids: match eos {
            Some(tokens) => tokens,
            None => file.tokens("eos_token_id")?.unwrap_or_default(),
        },
    };
    Ok(config)
}

/// What models of these families may have, and what is not computed here.
fn refuse_unsupported(file: &Object) -> Result<(), LanguageError> {
    let activation = file.text("hidden_act")?.unwrap_or_else(|| "silu".into());
    if !matches!(activation.as_str(), "silu" | "swish") {
        return Err(file.wrong("hidden_act", format!("`{activation}`: expected silu")));
    }
    if file.has("quantization_config") {
        let problem =
            "the weights are quantized: expected a folder of float32, float16 or bfloat16 weights";
        return Err(file.wrong("quantization_config", problem));
    }
    if let Some(factor) = file.float("partial_rotary_factor")?.filter(|&factor| factor != 1.0) {
        let problem = format!("{factor}: expected 1, whole heads that are turned");
        return Err(file.wrong("partial_rotary_factor", problem));
    }
    Ok(())
}

/// How positions turn: `rope_parameters` since transformers 5, `rope_scaling` before.
fn rope_object(file: &Object) -> Result<Option<Object>, LanguageError> {
    match file.object("rope_parameters")? {
        Some(rope) => Ok(Some(rope)),
        None => file.object("rope_scaling"),
    }
}

fn rope_scaling(rope: &Object) -> Result<Option<RopeScaling>, LanguageError> {
    let key = if rope.has("rope_type") { "rope_type" } else { "type" };
    let kind = rope.text(key)?.unwrap_or_else(|| "default".into());
    Ok(match kind.as_str() {
        "default" => None,
        "linear" => Some(RopeScaling::Linear { factor: rope.some_float("factor")? }),
        "llama3" => Some(RopeScaling::Llama3 {
            factor: rope.some_float("factor")?,
            low_freq_factor: rope.some_float("low_freq_factor")?,
            high_freq_factor: rope.some_float("high_freq_factor")?,
            original_max_position_embeddings: rope
                .some_count("original_max_position_embeddings")?,
        }),
        other => {
            let problem = format!("`{other}`: expected one of default, linear, llama3");
            return Err(rope.wrong(key, problem));
        }
    })
}

/// The window of all layers; none if no layer has one.
fn sliding_window(
    file: &Object,
    architecture: Architecture,
    layers: usize,
) -> Result<Option<usize>, LanguageError> {
    let Some(window) = file.count("sliding_window")? else { return Ok(None) };
    let is_qwen = matches!(architecture, Architecture::Qwen2 | Architecture::Qwen3);
    let windowed = match file.texts("layer_types")? {
        Some(types) => types.iter().filter(|kind| *kind == "sliding_attention").count(),
        None if is_qwen => match file.flag("use_sliding_window")? {
            Some(true) => layers.saturating_sub(file.count("max_window_layers")?.unwrap_or(28)),
            _ => 0,
        },
        None if architecture == Architecture::Mistral => layers,
        None => 0,
    };
    match windowed {
        0 => Ok(None),
        all if all >= layers => Ok(Some(window)),
        some => {
            let problem = format!("{some} of {layers} layers have a window: expected all or none");
            Err(file.wrong("sliding_window", problem))
        }
    }
}
