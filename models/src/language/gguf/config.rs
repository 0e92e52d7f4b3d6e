//! The architecture, from metadata.

use super::rope;
use crate::gguf::{Gguf, Metadata, Value};
use crate::language::{Architecture, LanguageConfig, LanguageError, RopeScaling};

/// llama.cpp's default base of rotary frequencies.
const DEFAULT_ROPE_THETA: f32 = 10_000.0;
/// The name of the divisors of rotary frequencies.
const ROPE_FREQS: &str = "rope_freqs.weight";

/// What the metadata and the list of tensors say of the architecture.
///
/// `general.architecture` is `llama`, `mistral`, `qwen2` or `qwen3`; a `llama` with a window is a Mistral model, which llama.cpp
/// writes so. The vocabulary is that of the embedding's rows; embeddings are tied where there is no `output.weight`; biases are
/// there where the first block has them.
///
/// # Errors
/// Another architecture; a key that is missing or cannot be; a rotary scaling other than linear and Llama 3's.
pub fn language_config(file: &Gguf) -> Result<LanguageConfig, LanguageError> {
    let metadata = file.metadata();
    let name = metadata.text("general.architecture")?;
    let name = name.ok_or_else(|| missing("general.architecture"))?;
    let keys = Keys { metadata, architecture: name };
    let architecture: Architecture = name.parse()?;

    let hidden_size = keys.count("embedding_length")?;
    let num_attention_heads = keys.count("attention.head_count")?;
    let num_key_value_heads =
        keys.optional_count("attention.head_count_kv")?.unwrap_or(num_attention_heads);
    if !num_attention_heads.is_multiple_of(num_key_value_heads) {
        let problem =
            format!("{num_key_value_heads} does not divide the {num_attention_heads} query heads");
        return Err(keys.wrong("attention.head_count_kv", problem));
    }
    let head_dim = keys.head_dim(hidden_size, num_attention_heads)?;
    let rope_theta = keys.float("rope.freq_base")?.unwrap_or(DEFAULT_ROPE_THETA);
    if !(rope_theta.is_finite() && rope_theta > 0.0) {
        return Err(keys.wrong("rope.freq_base", format!("{rope_theta:?} is not positive")));
    }
    let rms_norm_eps = keys.float("attention.layer_norm_rms_epsilon")?;
    let rms_norm_eps =
        rms_norm_eps.ok_or_else(|| missing(&keys.key("attention.layer_norm_rms_epsilon")))?;
    if !(rms_norm_eps.is_finite() && rms_norm_eps >= 0.0) {
        let problem = format!("{rms_norm_eps:?} is no epsilon: expected 0 or more");
        return Err(keys.wrong("attention.layer_norm_rms_epsilon", problem));
    }
    let window = keys.optional_count("attention.sliding_window")?;
    let architecture = match (architecture, window) {
        (Architecture::Llama, Some(_)) => Architecture::Mistral,
        (other, _) => other,
    };
    let has = |name: &str| file.info(name).is_some();
    let rope_scaling = match keys.rope_scaling()? {
        None if has(ROPE_FREQS) => {
            let problem = |problem| LanguageError::Tensor { name: ROPE_FREQS.into(), problem };
            let divisors = file.tensor(ROPE_FREQS)?;
            let divisors = divisors.get::<f32>().map_err(|error| problem(error.to_string()))?;
            let divisors: Vec<f32> = divisors.iter().copied().collect();
            rope::llama3(rope_theta, head_dim, &divisors).map_err(problem)?
        }
        scaling => scaling,
    };
    let embedding = file.info("token_embd.weight").map(|info| info.shape.as_slice());
    let vocab_size = match embedding {
        Some(&[vocabulary, width]) if width == hidden_size => vocabulary,
        Some(shape) => {
            let problem = format!("the shape is {shape:?}, expected [vocabulary, {hidden_size}]");
            return Err(LanguageError::Tensor { name: "token_embd.weight".into(), problem });
        }
        None => {
            let problem = "the file has no embedding".into();
            return Err(LanguageError::Tensor { name: "token_embd.weight".into(), problem });
        }
    };
    Ok(LanguageConfig {
        architecture,
        vocab_size,
        hidden_size,
        intermediate_size: keys.count("feed_forward_length")?,
        num_hidden_layers: keys.count("block_count")?,
        num_attention_heads,
        num_key_value_heads,
        head_dim,
        rms_norm_eps,
        rope_theta,
        rope_scaling,
        max_position_embeddings: keys.count("context_length")?,
        sliding_window: window,
        tie_word_embeddings: !has("output.weight"),
        attention_bias: has("blk.0.attn_q.bias"),
        mlp_bias: has("blk.0.ffn_up.bias"),
        bos_token_id: token(metadata, "tokenizer.ggml.bos_token_id", vocab_size)?,
        eos_token_ids: eos(metadata, vocab_size)?,
    })
}

fn missing(key: &str) -> LanguageError {
    LanguageError::Config { key: key.into(), problem: "the file does not have it".into() }
}

/// A token of the vocabulary.
fn token(metadata: &Metadata, key: &str, vocab_size: usize) -> Result<Option<u32>, LanguageError> {
    let Some(id) = metadata.integer(key)? else { return Ok(None) };
    match u32::try_from(id) {
        Ok(id) if (id as usize) < vocab_size => Ok(Some(id)),
        _ => Err(LanguageError::Config {
            key: key.into(),
            problem: format!("{id} is no token of a vocabulary of {vocab_size}"),
        }),
    }
}

/// The tokens that end a text or a turn.
fn eos(metadata: &Metadata, vocab_size: usize) -> Result<Vec<u32>, LanguageError> {
    let mut ids = Vec::new();
    for key in ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"] {
        ids.extend(token(metadata, key, vocab_size)?.filter(|id| !ids.contains(id)));
    }
    Ok(ids)
}

/// The keys of an architecture.
struct Keys<'a> {
    metadata: &'a Metadata,
    architecture: &'a str,
}

impl Keys<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.architecture)
    }

    fn wrong(&self, key: &str, problem: String) -> LanguageError {
        LanguageError::Config { key: self.key(key), problem }
    }

    fn float(&self, key: &str) -> Result<Option<f32>, LanguageError> {
        Ok(self.metadata.float(&self.key(key))?)
    }

    /// A positive number that every block shares; files may have an array with one for each block.
    fn optional_count(&self, key: &str) -> Result<Option<usize>, LanguageError> {
        let name = self.key(key);
        let number = match self.metadata.get(&name) {
            Some(Value::Array(_)) => {
                let all = self.metadata.integers(&name)?.unwrap_or_default();
                match all.split_first() {
                    Some((first, rest)) if rest.iter().all(|number| number == first) => {
                        Some(*first)
                    }
                    _ => return Err(self.wrong(key, "it changes from block to block".into())),
                }
            }
            _ => self.metadata.integer(&name)?,
        };
        let Some(number) = number else { return Ok(None) };
        // So that no product of some of them is beyond what a machine can address.
        match u32::try_from(number) {
            Ok(count @ 1..) if count <= i32::MAX as u32 => Ok(Some(count as usize)),
            _ => Err(self.wrong(key, format!("{number} is no count: expected 1 to {}", i32::MAX))),
        }
    }

    fn count(&self, key: &str) -> Result<usize, LanguageError> {
        self.optional_count(key)?.ok_or_else(|| missing(&self.key(key)))
    }

    /// The width of a head, all of which is rotated.
    fn head_dim(&self, hidden_size: usize, heads: usize) -> Result<usize, LanguageError> {
        let given = self.optional_count("attention.key_length")?;
        let rotated = self.optional_count("rope.dimension_count")?;
        let head_dim = match given.or(rotated) {
            Some(head_dim) => head_dim,
            None if hidden_size.is_multiple_of(heads) => hidden_size / heads,
            None => {
                let problem = format!("{heads} heads do not divide the width {hidden_size}");
                return Err(self.wrong("attention.head_count", problem));
            }
        };
        let values = self.optional_count("attention.value_length")?.unwrap_or(head_dim);
        if values != head_dim {
            let problem = format!("{values} is not the {head_dim} of the keys");
            return Err(self.wrong("attention.value_length", problem));
        }
        match rotated {
            Some(rotated) if rotated != head_dim => {
                let problem =
                    format!("{rotated} of a head's {head_dim} elements are rotated: expected all");
                Err(self.wrong("rope.dimension_count", problem))
            }
            _ if !head_dim.is_multiple_of(2) => {
                let problem = format!("{head_dim} is odd, and rotary positions turn pairs");
                Err(self.wrong("attention.key_length", problem))
            }
            _ => Ok(head_dim),
        }
    }

    fn rope_scaling(&self) -> Result<Option<RopeScaling>, LanguageError> {
        let kind = self.metadata.text(&self.key("rope.scaling.type"))?;
        let (key, factor) = match kind {
            None => ("rope.scale_linear", self.float("rope.scale_linear")?),
            Some("none") => return Ok(None),
            Some("linear") => {
                let factor = self.float("rope.scaling.factor")?;
                let factor = factor.ok_or_else(|| missing(&self.key("rope.scaling.factor")))?;
                ("rope.scaling.factor", Some(factor))
            }
            Some(other) => {
                let problem = format!("`{other}` is not supported: expected none or linear");
                return Err(self.wrong("rope.scaling.type", problem));
            }
        };
        match factor {
            None | Some(1.0) => Ok(None),
            Some(factor) if factor.is_finite() && factor > 0.0 => {
                Ok(Some(RopeScaling::Linear { factor }))
            }
            Some(factor) => Err(self.wrong(key, format!("{factor:?} is no positive factor"))),
        }
    }
}
