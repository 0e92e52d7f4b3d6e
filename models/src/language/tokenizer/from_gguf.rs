//! From a GGUF file's metadata to a `tokenizer.json`.

use serde_json::{Value, json};

use super::vocabulary::Vocabulary;
use super::{LanguageError, byte_level, sentence_piece};
use crate::gguf::Metadata;

/// A `tokenizer.json`, and the tokens that begin and end a text.
pub(super) fn tokenizer_json(
    metadata: &Metadata,
) -> Result<(Value, Option<u32>, Option<u32>), LanguageError> {
    let model = metadata.text("tokenizer.ggml.model")?;
    let model =
        model.ok_or_else(|| LanguageError::tokenizer("the file has no `tokenizer.ggml.model`"))?;
    let vocabulary = Vocabulary::read(metadata)?;
    let token = |key: &str| {
        let key = format!("tokenizer.ggml.{key}");
        let Some(id) = metadata.integer(&key)? else { return Ok(None) };
        match u32::try_from(id) {
            Ok(id) if (id as usize) < vocabulary.tokens.len() => Ok(Some(id)),
            _ => {
                let count = vocabulary.tokens.len();
                Err(LanguageError::tokenizer(format!(
                    "`{key}` is {id}, no token of a vocabulary of {count}"
                )))
            }
        }
    };
    let (bos, eos, unknown) =
        (token("bos_token_id")?, token("eos_token_id")?, token("unknown_token_id")?);
    let (mut parts, add_bos) = match model {
        "gpt2" => byte_level::parts(&vocabulary, metadata.text("tokenizer.ggml.pre")?, unknown)?,
        "llama" => {
            let prefix = metadata.flag("tokenizer.ggml.add_space_prefix")?.unwrap_or(true);
            (sentence_piece::parts(&vocabulary, unknown, prefix)?, true)
        }
        other => {
            let other = other.escape_debug();
            return Err(LanguageError::tokenizer(format!(
                "`tokenizer.ggml.model` is `{other}`: expected gpt2 or llama"
            )));
        }
    };
    let add_bos = metadata.flag("tokenizer.ggml.add_bos_token")?.unwrap_or(add_bos);
    let first = if add_bos { bos } else { None };
    parts["version"] = "1.0".into();
    parts["truncation"] = Value::Null;
    parts["padding"] = Value::Null;
    parts["added_tokens"] = vocabulary.added().into();
    parts["post_processor"] = first.map_or(Value::Null, |id| begins_with(id, &vocabulary));
    Ok((parts, bos, eos))
}

/// What puts a token before every text.
fn begins_with(id: u32, vocabulary: &Vocabulary<'_>) -> Value {
    let name = &vocabulary.tokens[id as usize];
    let token = json!({"SpecialToken": {"id": name, "type_id": 0}});
    let text = |id: &str, kind: u32| json!({"Sequence": {"id": id, "type_id": kind}});
    json!({
        "type": "TemplateProcessing",
        "single": [token, text("A", 0)],
        "pair": [token, text("A", 0), text("B", 1)],
        "special_tokens": {name: {"id": name, "ids": [id], "tokens": [name]}},
    })
}
