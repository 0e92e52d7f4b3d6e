//! From a `tokenizer.json` to a GGUF file's metadata.

use std::path::Path;

use serde_json::Value;

use super::{LanguageError, Tokenizer, byte_level};
use crate::gguf::{Array, Metadata, Value as Entry};
use crate::language::LanguageConfig;

/// Kinds of tokens, as numbered in files (`TokenType` of the PyPI package `gguf` 0.19.0).
const NORMAL: i32 = 1;
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;
const BYTE: i32 = 6;

/// Adds the tokenizer of a folder to metadata (`tokenizer.ggml.*`): the way back of [`Tokenizer::from_gguf`].
///
/// Rows of the embedding without a token get one that no text has (`[PAD7]`). Scores, which SentencePiece's files have and
/// `tokenizer.json` has not, are the negative ranks of merges.
///
/// # Errors
/// A tokenizer that is no BPE, or that is split as GGUF files have no name for.
pub(in crate::language) fn tokenizer_metadata(
    path: &Path,
    config: &LanguageConfig,
    metadata: &mut Metadata,
) -> Result<(), LanguageError> {
    let tokenizer = Tokenizer::from_file(path)?;
    let bytes = std::fs::read(path).map_err(|error| LanguageError::File {
        path: path.to_owned(),
        problem: error.to_string(),
    })?;
    let json: Value = serde_json::from_slice(&bytes).map_err(LanguageError::tokenizer)?;
    let model = &json["model"];
    let kind = model["type"].as_str().unwrap_or("BPE");
    if kind != "BPE" {
        return Err(LanguageError::tokenizer(format!(
            "it is of the kind {kind}, and GGUF files are written with BPE"
        )));
    }
    let pieces = model["byte_fallback"].as_bool().unwrap_or(false);
    let mut tokens: Vec<Option<String>> = vec![None; config.vocab_size.max(tokenizer.vocab_size())];
    let mut kinds = vec![UNUSED; tokens.len()];
    let unknown = model["unk_token"].as_str();
    let mut put = |id: Option<u64>, text: &str, kind: i32| {
        let id = id.and_then(|id| usize::try_from(id).ok()).filter(|&id| id < tokens.len());
        if let Some(id) = id {
            (tokens[id], kinds[id]) = (Some(text.to_owned()), kind);
        }
    };
    for (text, id) in model["vocab"].as_object().into_iter().flatten() {
        let is_byte = pieces && text.len() == 6 && text.starts_with("<0x") && text.ends_with('>');
        let kind = match unknown == Some(text.as_str()) {
            true => UNKNOWN,
            false if is_byte => BYTE,
            false => NORMAL,
        };
        put(id.as_u64(), text, kind);
    }
    for added in json["added_tokens"].as_array().into_iter().flatten() {
        let special = added["special"].as_bool().unwrap_or(false);
        let text = added["content"].as_str().unwrap_or_default();
        let kind = match special {
            true if unknown == Some(text) && pieces => UNKNOWN,
            true => CONTROL,
            false => USER_DEFINED,
        };
        put(added["id"].as_u64(), text, kind);
    }
    let merges = merges(model)?;
    metadata.insert("tokenizer.ggml.model", if pieces { "llama" } else { "gpt2" });
    if !pieces {
        let split = byte_level::split_name(&json).ok_or_else(|| {
            LanguageError::tokenizer(
                "its text is split as no GGUF file has it: expected the splits of GPT-2, SmolLM2, Llama 3 or Qwen 2",
            )
        })?;
        metadata.insert("tokenizer.ggml.pre", split);
    }
    let named =
        |(id, token): (usize, Option<String>)| token.unwrap_or_else(|| format!("[PAD{id}]"));
    let tokens: Vec<String> = tokens.into_iter().enumerate().map(named).collect();
    if pieces {
        let mut ranks = std::collections::HashMap::new();
        for (rank, (first, second)) in merges.iter().enumerate() {
            ranks.entry(format!("{first}{second}")).or_insert(rank);
        }
        let score = |token: &String| -(ranks.get(token).copied().unwrap_or(merges.len()) as f32);
        let scores = tokens.iter().map(score).collect();
        metadata.insert("tokenizer.ggml.scores", Entry::Array(Array::F32(scores)));
    }
    metadata.insert("tokenizer.ggml.tokens", Entry::Array(Array::String(tokens)));
    metadata.insert("tokenizer.ggml.token_type", Entry::Array(Array::I32(kinds)));
    let merges = merges.iter().map(|(first, second)| format!("{first} {second}")).collect();
    metadata.insert("tokenizer.ggml.merges", Entry::Array(Array::String(merges)));
    let prefix = tokenizer.prefix().first().copied();
    let bos = tokenizer.bos().or(prefix).or(config.bos_token_id);
    let eos = tokenizer.eos().or(config.eos_token_ids.first().copied());
    let unknown = unknown.and_then(|unknown| model["vocab"][unknown].as_u64());
    let unknown = unknown.and_then(|id| u32::try_from(id).ok());
    for (key, id) in [("bos", bos), ("eos", eos), ("unknown", unknown)] {
        if let Some(id) = id {
            metadata.insert(&format!("tokenizer.ggml.{key}_token_id"), id);
        }
    }
    metadata.insert("tokenizer.ggml.add_bos_token", Entry::Bool(prefix.is_some()));
    if pieces {
        metadata.insert("tokenizer.ggml.add_space_prefix", Entry::Bool(has_space_prefix(&json)));
    }
    Tokenizer::from_gguf(metadata).map(|_| ())
}

/// Pairs, which files have as lists or as texts with a space between.
fn merges(model: &Value) -> Result<Vec<(String, String)>, LanguageError> {
    let wrong = || LanguageError::tokenizer("`merges` has something that is no pair of tokens");
    let pair = |merge: &Value| match merge {
        Value::String(text) => {
            let (first, second) = text.split_once(' ').ok_or_else(wrong)?;
            Ok((first.to_owned(), second.to_owned()))
        }
        other => match (other[0].as_str(), other[1].as_str()) {
            (Some(first), Some(second)) => Ok((first.to_owned(), second.to_owned())),
            _ => Err(wrong()),
        },
    };
    model["merges"].as_array().into_iter().flatten().map(pair).collect()
}

/// Whether a space is put before a text.
fn has_space_prefix(json: &Value) -> bool {
    let steps = |part: &Value, all: &str| match &part[all] {
        Value::Array(steps) => steps.clone(),
        _ => vec![part.clone()],
    };
    let prepends = steps(&json["normalizer"], "normalizers").iter().any(|s| s["type"] == "Prepend");
    let scheme = |step: &Value| {
        step["type"] == "Metaspace" && step["prepend_scheme"].as_str() != Some("never")
    };
    prepends || steps(&json["pre_tokenizer"], "pretokenizers").iter().any(scheme)
}
