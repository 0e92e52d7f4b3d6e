//! SentencePiece's pieces: `tokenizer.ggml.model` is `llama`.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Value, json};

use super::LanguageError;
use super::vocabulary::Vocabulary;

/// The longest piece that is cut in two at every place.
const LONGEST: usize = 1024;

/// The parts of a `tokenizer.json`, as transformers 4.50 makes them of a GGUF file (`GGUFLlamaConverter`).
pub(super) fn parts(
    vocabulary: &Vocabulary<'_>,
    unknown: Option<u32>,
    space_prefix: bool,
) -> Result<Value, LanguageError> {
    let merges = match vocabulary.merges()? {
        Some(merges) => merges,
        None => merges_of_scores(vocabulary)?,
    };
    let unknown = unknown.and_then(|id| vocabulary.tokens.get(id as usize));
    let (mut normalizers, mut decoders) = (Vec::new(), Vec::new());
    if space_prefix {
        normalizers.push(json!({"type": "Prepend", "prepend": "▁"}));
    }
    normalizers.push(json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"}));
    decoders.push(json!({"type": "ByteFallback"}));
    decoders.push(json!({"type": "Fuse"}));
    decoders.push(json!({"type": "Replace", "pattern": {"String": "▁"}, "content": " "}));
    if space_prefix {
        decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
    }
    Ok(json!({
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": null,
        "decoder": {"type": "Sequence", "decoders": decoders},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": unknown, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true,
            "ignore_merges": false,
            "vocab": vocabulary.by_text(), "merges": merges,
        },
    }))
}

/// Merges of pieces with scores: every way to cut a piece into two others, the pieces by falling score.
///
/// Of one piece, the cut with the better first part comes first; where scores are equal, the order of the vocabulary and of the
/// places of the cut stays.
fn merges_of_scores(vocabulary: &Vocabulary<'_>) -> Result<Vec<Value>, LanguageError> {
    let scores = vocabulary.scores.ok_or_else(|| {
        LanguageError::tokenizer(
            "the file has neither `tokenizer.ggml.merges` nor `tokenizer.ggml.scores`",
        )
    })?;
    if let Some(score) = scores.iter().find(|score| score.is_nan()) {
        return Err(LanguageError::tokenizer(format!("a score is {score:?}")));
    }
    let falling = |x: f32, y: f32| y.partial_cmp(&x).unwrap_or(Ordering::Equal);
    // Of two pieces that are the same, the place of the first and the score of the last.
    let mut by_text: HashMap<&str, f32> = HashMap::new();
    let mut pieces = Vec::new();
    for (token, score) in vocabulary.tokens.iter().zip(scores) {
        if by_text.insert(token, *score).is_none() {
            pieces.push(token.as_str());
        }
    }
    let mut merges = Vec::new();
    for piece in pieces {
        if piece.len() > LONGEST {
            continue;
        }
        let cut = |(place, _)| {
            let (first, second) = piece.split_at(place);
            Some(((first, *by_text.get(first)?), (second, *by_text.get(second)?)))
        };
        let mut cuts: Vec<_> = piece.char_indices().skip(1).filter_map(cut).collect();
        cuts.sort_by(|x, y| falling(x.0.1, y.0.1).then(falling(x.1.1, y.1.1)));
        merges.extend(cuts.into_iter().map(|cut| (cut.0.0, cut.1.0, by_text[piece])));
    }
    merges.sort_by(|x, y| falling(x.2, y.2));
    Ok(merges.into_iter().map(|(first, second, _)| json!([first, second])).collect())
}
