//! Where weights come from.

use crate::tensor::Tensor;

use super::{LanguageConfig, LanguageError, Tokenizer};

/// The weights of a language model by Hugging Face's names, one at a time, so that memory stays small.
///
/// Names are `model.embed_tokens.weight`, `model.layers.0.self_attn.q_proj.weight`, `model.norm.weight`, `lm_head.weight`; a
/// linear layer's weight has shape `[out, in]`. Query and key rows are in Hugging Face's order (the rotary pairs are `i` and
/// `i + head_dim / 2`), whatever the file has.
pub trait Checkpoint {
    /// The architecture.
    fn config(&self) -> &LanguageConfig;

    /// The names of all weights.
    fn names(&self) -> Vec<String>;

    /// A weight, as `f32`.
    ///
    /// # Errors
    /// A name that there is not; a file that cannot be read, or has changed.
    fn tensor(&self, name: &str) -> Result<Tensor, LanguageError>;

    /// The tokenizer.
    ///
    /// # Errors
    /// There is none, or one of an unknown kind.
    fn tokenizer(&self) -> Result<Tokenizer, LanguageError>;
}
