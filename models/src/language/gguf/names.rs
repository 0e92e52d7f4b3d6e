//! Names of weights in GGUF files and in Hugging Face's.
//!
//! Source: `tensor_mapping.py` of the PyPI package `gguf` 0.19.0.

/// Parts outside the blocks: llama.cpp's name, Hugging Face's.
const OUTSIDE: [(&str, &str); 3] =
    [("token_embd", "model.embed_tokens"), ("output_norm", "model.norm"), ("output", "lm_head")];

/// Parts of a block, behind `blk.N.` and `model.layers.N.`.
const BLOCK: [(&str, &str); 11] = [
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// One side's words for blocks and where its names are in the rows above.
struct Side {
    block: &'static str,
    name: fn(&(&'static str, &'static str)) -> &'static str,
}

const GGUF: Side = Side { block: "blk", name: |row| row.0 };
const HF: Side = Side { block: "model.layers", name: |row| row.1 };

fn translated(name: &str, from: &Side, to: &Side) -> Option<String> {
    let (part, suffix) = name.rsplit_once('.')?;
    if !matches!(suffix, "weight" | "bias") {
        return None;
    }
    let find = |rows: &[(&'static str, &'static str)], part: &str| {
        rows.iter().find(|row| (from.name)(row) == part).map(to.name)
    };
    if let Some(found) = find(&OUTSIDE, part) {
        return Some(format!("{found}.{suffix}"));
    }
    let rest = part.strip_prefix(from.block)?.strip_prefix('.')?;
    let (block, part) = rest.split_once('.')?;
    // A number as both sides write it: without sign or leading zeros.
    let number: usize = block.parse().ok().filter(|number: &usize| number.to_string() == block)?;
    Some(format!("{}.{number}.{}.{suffix}", to.block, find(&BLOCK, part)?))
}

/// llama.cpp's name of a weight with this name in Hugging Face's files; `None` where it has none.
///
/// ```
/// use fewbit_models::language::gguf_name;
/// assert_eq!(gguf_name("model.layers.3.mlp.up_proj.weight").as_deref(), Some("blk.3.ffn_up.weight"));
/// assert_eq!(gguf_name("model.norm.weight").as_deref(), Some("output_norm.weight"));
/// assert_eq!(gguf_name("blk.3.ffn_up.weight"), None);
/// ```
#[must_use]
pub fn gguf_name(hf: &str) -> Option<String> {
    translated(hf, &HF, &GGUF)
}

/// Hugging Face's name of a weight with this name in GGUF files; `None` where it has none.
///
/// ```
/// use fewbit_models::language::hf_name;
/// assert_eq!(hf_name("blk.3.attn_q.bias").as_deref(), Some("model.layers.3.self_attn.q_proj.bias"));
/// assert_eq!(hf_name("rope_freqs.weight"), None);
/// ```
#[must_use]
pub fn hf_name(gguf: &str) -> Option<String> {
    translated(gguf, &GGUF, &HF)
}
