//! Text to tokens and back.
//!
//! Every tokenizer is a `tokenizer.json`, run by the crate `tokenizers`: from a GGUF file's metadata one is made first.

mod byte_level;
mod from_gguf;
mod sentence_piece;
mod to_gguf;
mod vocabulary;

use std::path::Path;

use serde_json::Value;

use super::LanguageError;
use crate::gguf::Metadata;
pub(in crate::language) use to_gguf::tokenizer_metadata;

/// Text to tokens and back.
///
/// ```
/// use fewbit_models::gguf::{Array, Metadata, Value};
/// use fewbit_models::language::Tokenizer;
/// let mut metadata = Metadata::default();
/// metadata.insert("tokenizer.ggml.model", "gpt2");
/// metadata.insert("tokenizer.ggml.pre", "gpt-2");
/// let tokens = ["<|end|>", "a", "b", "Ġ", "ab"].map(String::from);
/// metadata.insert("tokenizer.ggml.tokens", Value::Array(Array::String(tokens.to_vec())));
/// metadata.insert("tokenizer.ggml.token_type", Value::Array(Array::I32(vec![3, 1, 1, 1, 1])));
/// metadata.insert("tokenizer.ggml.merges", Value::Array(Array::String(vec!["a b".into()])));
/// let tokenizer = Tokenizer::from_gguf(&metadata)?;
/// assert_eq!(tokenizer.encode("ab a<|end|>")?, [4, 3, 1, 0]);
/// assert_eq!(tokenizer.decode(&[4, 3, 1, 0])?, "ab a<|end|>");
/// # Ok::<(), fewbit_models::language::LanguageError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    prefix: Vec<u32>,
    bos: Option<u32>,
    eos: Option<u32>,
    vocab_size: usize,
}

impl Tokenizer {
    /// The tokenizer in a GGUF file's metadata (`tokenizer.ggml.*`).
    ///
    /// | `model` | `pre` | what it becomes |
    /// |---|---|---|
    /// | `gpt2` | `gpt-2`, `default`, none | byte-level BPE, split as GPT-2 does |
    /// | `gpt2` | `smollm` | the same after each digit is split off |
    /// | `gpt2` | `llama-bpe`, `llama3`, `llama-v3` | byte-level BPE, split as Llama 3 does; whole words of the vocabulary before merges |
    /// | `gpt2` | `qwen2` | byte-level BPE, split as Qwen 2 does, after NFC |
    /// | `llama` | | BPE of SentencePiece's pieces with bytes for what there is no piece for; merges from the scores where there are none |
    ///
    /// Control tokens are special, user-defined ones are not; both are found in text before anything else. `add_bos_token` is
    /// followed; where the file has none, `llama` and the splits of Llama 3 add one.
    ///
    /// # Errors
    /// No tokenizer, one of another kind, or lists that do not go together.
    pub fn from_gguf(metadata: &Metadata) -> Result<Self, LanguageError> {
        let (json, bos, eos) = from_gguf::tokenizer_json(metadata)?;
        let bytes = serde_json::to_vec(&json).map_err(LanguageError::tokenizer)?;
        Self::new(&bytes, bos, eos)
    }

    /// The tokenizer in a `tokenizer.json`; first and last tokens are those that `tokenizer_config.json` beside it names, if there is one.
    ///
    /// # Errors
    /// A file that cannot be read, or is no `tokenizer.json` that the crate `tokenizers` knows.
    pub fn from_file(path: &Path) -> Result<Self, LanguageError> {
        let failed = |path: &Path, error: std::io::Error| LanguageError::File {
            path: path.to_owned(),
            problem: error.to_string(),
        };
        let bytes = std::fs::read(path).map_err(|error| failed(path, error))?;
        let beside = path.with_file_name("tokenizer_config.json");
        let config = match std::fs::read(&beside) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                LanguageError::tokenizer(format!("{}: {error}", beside.display()))
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Value::Null,
            Err(error) => return Err(failed(&beside, error)),
        };
        let tokenizer = Self::new(&bytes, None, None)?;
        // A token is a text, or an object with its content.
        let named = |key: &str| {
            let token = config.get(key)?;
            let text = token.as_str().or_else(|| token.get("content")?.as_str())?;
            tokenizer.inner.token_to_id(text)
        };
        let (bos, eos) = (named("bos_token"), named("eos_token"));
        Ok(Self { bos, eos, ..tokenizer })
    }

    /// The tokenizer of the text of a `tokenizer.json`.
    fn new(json: &[u8], bos: Option<u32>, eos: Option<u32>) -> Result<Self, LanguageError> {
        let mut inner =
            tokenizers::Tokenizer::from_bytes(json).map_err(LanguageError::tokenizer)?;
        // Texts are taken whole.
        inner.with_truncation(None).map_err(LanguageError::tokenizer)?;
        inner.with_padding(None);
        let vocab = inner.get_vocab(true);
        let vocab_size = vocab.values().max().map_or(0, |id| *id as usize + 1);
        if vocab_size == 0 {
            return Err(LanguageError::tokenizer("the vocabulary is empty"));
        }
        // What is put before a text is what stands before one that is empty, up to where a text would be.
        let ids = |special| -> Result<Vec<u32>, LanguageError> {
            Ok(inner
                .encode_fast("a", special)
                .map_err(LanguageError::tokenizer)?
                .get_ids()
                .to_vec())
        };
        let (with, without) = (ids(true)?, ids(false)?);
        let before = with.len().saturating_sub(without.len());
        let start = (0..=before).find(|&i| with[i..].starts_with(&without)).unwrap_or(0);
        let prefix = with[..start].to_vec();
        Ok(Self { inner, prefix, bos, eos, vocab_size })
    }

    /// The tokens of a text, without those that stand before every text ([`Self::prefix`]).
    ///
    /// Special tokens are found in the text.
    ///
    /// # Errors
    /// A text that has no tokens in this vocabulary.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, LanguageError> {
        Ok(self
            .inner
            .encode_fast(text, false)
            .map_err(LanguageError::tokenizer)?
            .get_ids()
            .to_vec())
    }

    /// The text of tokens, special ones included.
    ///
    /// Bytes that are no UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// A number that is no token.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, LanguageError> {
        if let Some(token) = tokens.iter().find(|token| self.inner.id_to_token(**token).is_none()) {
            let problem =
                format!("there is no token {token} in a vocabulary of {}", self.vocab_size);
            return Err(LanguageError::tokenizer(problem));
        }
        self.inner.decode(tokens, false).map_err(LanguageError::tokenizer)
    }

    /// The tokens that stand before every text: none, or the first one of [`Self::bos`].
    #[must_use]
    pub fn prefix(&self) -> &[u32] {
        &self.prefix
    }

    /// The token that begins a text, whether or not every text begins so.
    #[must_use]
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// The token that ends a text.
    #[must_use]
    pub fn eos(&self) -> Option<u32> {
        self.eos
    }

    /// One more than the last token.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }
}
