//! Byte-level BPE: `tokenizer.ggml.model` is `gpt2`.

use serde_json::{Value, json};

use super::LanguageError;
use super::vocabulary::Vocabulary;

/// How text is split before merges, a row each: names in files, and what differs.
struct Split {
    /// `tokenizer.ggml.pre`.
    names: &'static [&'static str],
    /// Each digit apart, before GPT-2's split.
    digits: bool,
    /// The split, where it is not GPT-2's.
    regex: Option<&'static str>,
    normalizer: Option<&'static str>,
    /// Whether a whole word of the vocabulary is taken before merges are tried.
    ignore_merges: bool,
    /// Whether a text begins with the first token where the file says nothing.
    add_bos: bool,
}

/// The split of GPT-2 is in the crate `tokenizers` (`ByteLevel`). Sources of the others: the `tokenizer.json` of SmolLM2, Llama 3
/// and Qwen 2, the latter two as transformers 4.50 has them (`TikTokenConverter`, `Qwen2Converter`); names as llama.cpp's
/// `convert_hf_to_gguf.py` gives them.
const SPLITS: [Split; 4] = [
    Split {
        names: &["gpt-2", "default"],
        digits: false,
        regex: None,
        normalizer: None,
        ignore_merges: false,
        add_bos: false,
    },
    Split {
        names: &["smollm"],
        digits: true,
        regex: None,
        normalizer: None,
        ignore_merges: false,
        add_bos: false,
    },
    Split {
        names: &["llama-bpe", "llama3", "llama-v3"],
        digits: false,
        regex: Some(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ),
        normalizer: None,
        ignore_merges: true,
        add_bos: true,
    },
    Split {
        names: &["qwen2"],
        digits: false,
        regex: Some(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ),
        normalizer: Some("NFC"),
        ignore_merges: false,
        add_bos: false,
    },
];

/// The name in files of the split that a `tokenizer.json` has; `None` for one that files have no name for.
pub(super) fn split_name(json: &Value) -> Option<&'static str> {
    let steps = match &json["pre_tokenizer"]["pretokenizers"] {
        Value::Array(steps) => steps.clone(),
        _ => vec![json["pre_tokenizer"].clone()],
    };
    let of = |kind: &str| steps.iter().find(|step| step["type"] == kind);
    let digits = of("Digits").is_some();
    let regex = of("Split").map(|step| step["pattern"]["Regex"].as_str());
    let plain = of("ByteLevel")?["use_regex"].as_bool().unwrap_or(true);
    let normalizer = json["normalizer"]["type"].as_str();
    let is = |split: &&Split| {
        split.digits == digits
            && Some(split.regex) == regex.or(plain.then_some(None))
            && split.normalizer == normalizer
            && split.regex.is_none() == plain
    };
    SPLITS.iter().find(is)?.names.first().copied()
}

/// The parts of a `tokenizer.json`, and whether a text begins with the first token where the file says nothing.
pub(super) fn parts(
    vocabulary: &Vocabulary<'_>,
    pre: Option<&str>,
    unknown: Option<u32>,
) -> Result<(Value, bool), LanguageError> {
    let pre = pre.unwrap_or("gpt-2");
    let split = SPLITS.iter().find(|split| split.names.contains(&pre)).ok_or_else(|| {
        let names: Vec<_> = SPLITS.iter().flat_map(|split| split.names).copied().collect();
        let pre = pre.escape_debug();
        LanguageError::tokenizer(format!(
            "`tokenizer.ggml.pre` is `{pre}`: expected one of {}",
            names.join(", ")
        ))
    })?;
    let merges = vocabulary.merges()?;
    let merges = merges
        .ok_or_else(|| LanguageError::tokenizer("the file has no `tokenizer.ggml.merges`"))?;
    // Vocabularies lack bytes that their training had none of.
    let unknown = unknown.and_then(|id| vocabulary.tokens.get(id as usize));
    let mut steps = Vec::new();
    if split.digits {
        steps.push(json!({"type": "Digits", "individual_digits": true}));
    }
    if let Some(regex) = split.regex {
        let pattern = json!({"Regex": regex});
        steps.push(
            json!({"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": false}),
        );
    }
    steps.push(json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
        "use_regex": split.regex.is_none(),
    }));
    let parts = json!({
        "normalizer": split.normalizer.map(|kind| json!({"type": kind})),
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps},
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": unknown, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": false,
            "ignore_merges": split.ignore_merges,
            "vocab": vocabulary.by_text(), "merges": merges,
        },
    });
    Ok((parts, split.add_bos))
}
