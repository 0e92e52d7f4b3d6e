//! Where weights come from.

use crate::gguf::Metadata;
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

    /// The files that the tokenizer can be read from again, by name: `tokenizer.json` with `tokenizer_config.json` where there is one, or
    /// `tokenizer.gguf`, a GGUF file of metadata alone.
    ///
    /// # Errors
    /// There are none, as of a checkpoint in memory.
    fn tokenizer_files(&self) -> Result<Vec<(String, Vec<u8>)>, LanguageError> {
        Err(LanguageError::tokenizer("the checkpoint has no files of one"))
    }

    /// The metadata of a GGUF file of this model: architecture and tokenizer, under llama.cpp's keys.
    ///
    /// # Errors
    /// No tokenizer, as of a checkpoint in memory, or one that GGUF files do not have.
    fn gguf_metadata(&self) -> Result<Metadata, LanguageError> {
        Err(LanguageError::tokenizer("the checkpoint has no files of one"))
    }
}
