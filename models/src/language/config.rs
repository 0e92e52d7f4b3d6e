//! What a checkpoint says of its architecture, in Hugging Face's names.

use std::fmt;
use std::str::FromStr;

use super::LanguageError;

/// A family of decoders, under the `model_type` of Hugging Face's `config.json`.
///
/// All are the decoder of Llama: RMS norms before attention and feed-forward, rotary positions, grouped queries, SiLU gates.
///
/// ```
/// use fewbit_models::language::Architecture;
/// assert_eq!("qwen3".parse::<Architecture>()?, Architecture::Qwen3);
/// assert_eq!(Architecture::Llama.to_string(), "llama");
/// # Ok::<(), fewbit_models::language::LanguageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Architecture {
    /// Llama 2 and 3, SmolLM, SmolLM2.
    Llama,
    /// Llama with a window of attention.
    Mistral,
    /// Llama with biases of queries, keys and values.
    Qwen2,
    /// Llama with norms of each head's queries and keys.
    Qwen3,
}

impl Architecture {
    /// Every family.
    pub const ALL: &'static [Self] = &[Self::Llama, Self::Mistral, Self::Qwen2, Self::Qwen3];

    /// Its `model_type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Architecture {
    type Err = LanguageError;

    fn from_str(text: &str) -> Result<Self, LanguageError> {
        let found = Self::ALL.iter().copied().find(|architecture| architecture.name() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|architecture| architecture.name()).collect();
            LanguageError::Architecture { found: text.to_owned(), expected: names.join(", ") }
        })
    }
}

/// How the frequencies of rotary positions are changed for contexts longer than those of the first training.
///
/// A frequency is `f_i = rope_theta^(-2 i / head_dim)`, and its wavelength `2 pi / f_i`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RopeScaling {
    /// `f_i / factor`.
    Linear {
        /// The divisor.
        factor: f32,
    },
    /// Llama 3: long wavelengths as [`Self::Linear`], short ones unchanged, between the two in proportion.
    Llama3 {
        /// The divisor of long wavelengths.
        factor: f32,
        /// Wavelengths beyond `original_max_position_embeddings / low_freq_factor` are long.
        low_freq_factor: f32,
        /// Wavelengths below `original_max_position_embeddings / high_freq_factor` are short.
        high_freq_factor: f32,
        /// The context of the first training, in tokens.
        original_max_position_embeddings: usize,
    },
}

/// What a checkpoint says of its architecture, in the names of Hugging Face's `config.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct LanguageConfig {
    /// The family (`model_type`).
    pub architecture: Architecture,
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the feed-forward layers.
    pub intermediate_size: usize,
    /// Blocks.
    pub num_hidden_layers: usize,
    /// Heads of queries.
    pub num_attention_heads: usize,
    /// Heads of keys and values, a divisor of the heads of queries.
    pub num_key_value_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Added to the mean square under the root.
    pub rms_norm_eps: f32,
    /// The base of the rotary frequencies.
    pub rope_theta: f32,
    /// How the rotary frequencies are changed.
    pub rope_scaling: Option<RopeScaling>,
    /// The longest context, in tokens.
    pub max_position_embeddings: usize,
    /// How many tokens a position attends to, itself included; all before it where there is none.
    pub sliding_window: Option<usize>,
    /// Whether the last layer's weights are the embedding's.
    pub tie_word_embeddings: bool,
    /// Whether `q_proj`, `k_proj` and `v_proj` have biases (`o_proj` too, in `llama`).
    pub attention_bias: bool,
    /// Whether `gate_proj`, `up_proj` and `down_proj` have biases.
    pub mlp_bias: bool,
    /// The token before every text.
    pub bos_token_id: Option<u32>,
    /// The tokens that end a text.
    pub eos_token_ids: Vec<u32>,
}
