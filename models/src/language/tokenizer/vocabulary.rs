//! The lists of a GGUF file's tokenizer.

use serde_json::{Map, Value, json};

use super::LanguageError;
use crate::gguf::Metadata;

/// Kinds of tokens, as numbered in files: those that are found in text before anything else.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// Tokens by number, and what files say of them.
pub(super) struct Vocabulary<'a> {
    pub(super) tokens: &'a [String],
    pub(super) scores: Option<&'a [f32]>,
    kinds: Option<Vec<i64>>,
    merges: Option<&'a [String]>,
}

impl<'a> Vocabulary<'a> {
    /// The lists of the metadata; those that have an element per token must have so many.
    pub(super) fn read(metadata: &'a Metadata) -> Result<Self, LanguageError> {
        let tokens = metadata.texts("tokenizer.ggml.tokens")?;
        let tokens = tokens
            .ok_or_else(|| LanguageError::tokenizer("the file has no `tokenizer.ggml.tokens`"))?;
        let scores = metadata.floats("tokenizer.ggml.scores")?;
        let kinds = metadata.integers("tokenizer.ggml.token_type")?;
        let same = |key: &str, found: Option<usize>| match found {
            Some(found) if found != tokens.len() => {
                let expected = tokens.len();
                Err(LanguageError::tokenizer(format!(
                    "`{key}` has {found} values for {expected} tokens"
                )))
            }
            _ => Ok(()),
        };
        same("tokenizer.ggml.scores", scores.map(<[f32]>::len))?;
        same("tokenizer.ggml.token_type", kinds.as_ref().map(Vec::len))?;
        if u32::try_from(tokens.len()).is_err() || tokens.is_empty() {
            return Err(LanguageError::tokenizer(format!(
                "{} tokens are no vocabulary",
                tokens.len()
            )));
        }
        Ok(Self { tokens, scores, kinds, merges: metadata.texts("tokenizer.ggml.merges")? })
    }

    /// The number of each token; of two that are the same the last one's.
    pub(super) fn by_text(&self) -> Map<String, Value> {
        self.tokens.iter().zip(0u32..).map(|(token, id)| (token.clone(), id.into())).collect()
    }

    /// The merges of the file, as pairs.
    pub(super) fn merges(&self) -> Result<Option<Vec<Value>>, LanguageError> {
        let pair = |merge: &String| {
            // The first part may be a space itself.
            let mut places = merge.char_indices().skip(1).filter(|(_, char)| *char == ' ');
            match places.next().map(|(place, _)| (&merge[..place], &merge[place + 1..])) {
                Some((first, second)) if !second.is_empty() => Ok(json!([first, second])),
                _ => Err(LanguageError::tokenizer(format!(
                    "`{}` is no merge of two tokens",
                    merge.escape_debug()
                ))),
            }
        };
        self.merges.map(|merges| merges.iter().map(pair).collect()).transpose()
    }

    /// The tokens that are found in text before anything else.
    pub(super) fn added(&self) -> Vec<Value> {
        let kinds = self.kinds.iter().flatten().zip(self.tokens).zip(0u32..);
        let added = kinds.filter(|((kind, text), _)| {
            matches!(**kind, CONTROL | USER_DEFINED) && !text.is_empty()
        });
        let added = added.map(|((kind, text), id)| {
            json!({
                "id": id, "content": text, "special": *kind == CONTROL,
                "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            })
        });
        added.collect()
    }
}
