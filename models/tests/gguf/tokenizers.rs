//! Tokens of many texts, beside those of other tokenizers.

use fewbit_models::gguf::{Array, Gguf, Metadata, Value as Entry};
use fewbit_models::language::Tokenizer;
use serde_json::Value;

use crate::support::unpacked;

static PACKED: &[u8] = include_bytes!("../golden/gguf/tokenizers.json.gz");

fn golden() -> Value {
    serde_json::from_slice(&unpacked(PACKED)).unwrap()
}

fn list<T: serde::de::DeserializeOwned>(value: &Value) -> Vec<T> {
    serde_json::from_value(value.clone()).unwrap()
}

fn file(entry: &Value) -> Gguf {
    let digits = entry["gguf"].as_str().unwrap().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    Gguf::from_bytes(digits.chunks(2).map(byte).collect()).unwrap()
}

#[test]
fn tokens_of_texts() {
    let golden = golden();
    let texts: Vec<String> = list(&golden["texts"]);
    let tokenizers = golden["tokenizers"].as_object().unwrap();
    assert_eq!(tokenizers.len(), 5);
    for (name, entry) in tokenizers {
        let tokenizer = Tokenizer::from_gguf(file(entry).metadata()).unwrap();
        let (tokens, decoded): (Vec<Vec<u32>>, Vec<Option<String>>) =
            (list(&entry["tokens"]), list(&entry["decoded"]));
        for ((text, tokens), decoded) in texts.iter().zip(&tokens).zip(&decoded) {
            assert_eq!(tokenizer.encode(text).unwrap(), *tokens, "{name}: {text:?}");
            let back = tokenizer.decode(tokens).unwrap();
            assert_eq!(back, *decoded.as_ref().unwrap_or(text), "{name}");
        }
        assert_eq!((tokenizer.bos(), tokenizer.eos()), (Some(1), Some(2)), "{name}");
        // The files say nothing of it.
        let first: &[u32] = if matches!(name.as_str(), "llama" | "llama-bpe") { &[1] } else { &[] };
        assert_eq!(tokenizer.prefix(), first, "{name}");
        let count = tokenizer.vocab_size() as u32;
        assert!(tokenizer.decode(&[count - 1]).is_ok());
        let error = tokenizer.decode(&[0, count]).unwrap_err().to_string();
        assert!(error.contains(&format!("there is no token {count} in a vocabulary of {count}")));
    }
}

#[test]
fn tokenizer_files() {
    let golden = golden();
    let texts: Vec<String> = list(&golden["texts"]);
    let tokens: Vec<Vec<u32>> = list(&golden["hf"]["tokens"]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, golden["hf"]["json"].as_str().unwrap()).unwrap();
    let tokenizer = Tokenizer::from_file(&path).unwrap();
    assert_eq!(
        (tokenizer.bos(), tokenizer.eos(), tokenizer.prefix()),
        (None, None, [1].as_slice())
    );
    for (text, tokens) in texts.iter().zip(&tokens) {
        assert_eq!(
            [tokenizer.prefix(), &tokenizer.encode(text).unwrap()].concat(),
            *tokens,
            "{text:?}"
        );
    }
    let config = r#"{"bos_token": {"content": "<|im_start|>"}, "eos_token": "<|im_end|>"}"#;
    std::fs::write(folder.path().join("tokenizer_config.json"), config).unwrap();
    let tokenizer = Tokenizer::from_file(&path).unwrap();
    assert_eq!((tokenizer.bos(), tokenizer.eos()), (Some(1), Some(2)));
    std::fs::write(&path, "{}").unwrap();
    assert!(Tokenizer::from_file(&path).is_err());
    assert!(Tokenizer::from_file(&folder.path().join("none.json")).is_err());
}

/// The small GPT-2 tokenizer with some entries changed.
fn changed(name: &str, change: impl FnOnce(&mut Metadata)) -> Result<Tokenizer, String> {
    let mut metadata = file(&golden()["tokenizers"][name]).metadata().clone();
    change(&mut metadata);
    Tokenizer::from_gguf(&metadata).map_err(|error| error.to_string())
}

#[test]
fn first_tokens() {
    let set = |name, add: bool| {
        let tokenizer = changed(name, |metadata| {
            metadata.insert("tokenizer.ggml.add_bos_token", add);
        });
        tokenizer.unwrap().prefix().to_vec()
    };
    assert_eq!(set("gpt-2", true), [1]);
    assert_eq!(set("llama", true), [1]);
    assert!(set("llama", false).is_empty());
    assert!(set("llama-bpe", false).is_empty());
}

#[test]
fn bytes_without_a_token() {
    // The vocabulary knows no `c`.
    let mut metadata = Metadata::default();
    let texts = |texts: &[&str]| {
        Entry::Array(Array::String(texts.iter().copied().map(String::from).collect()))
    };
    metadata.insert("tokenizer.ggml.model", "gpt2");
    metadata.insert("tokenizer.ggml.tokens", texts(&["<unk>", "a", "b"]));
    metadata.insert("tokenizer.ggml.merges", texts(&[]));
    metadata.insert("tokenizer.ggml.unknown_token_id", 0u32);
    assert_eq!(Tokenizer::from_gguf(&metadata).unwrap().encode("accb").unwrap(), [1, 0, 2]);
}

#[test]
fn tokenizers_that_cannot_be() {
    let set = |key: &'static str, value: Entry| {
        changed("smollm", |metadata| drop(metadata.insert(&format!("tokenizer.ggml.{key}"), value)))
            .unwrap_err()
    };
    let texts = |texts: &[&str]| {
        Entry::Array(Array::String(texts.iter().copied().map(String::from).collect()))
    };
    for (error, part) in [
        (set("model", "bert".into()), "`bert`: expected gpt2 or llama"),
        (set("pre", "unheard-of".into()), "`unheard-of`: expected one of gpt-2, default, smollm"),
        (set("tokens", texts(&[])), "values for 0 tokens"),
        (set("tokens", 3u32.into()), "it is uint32, expected an array of strings"),
        (set("token_type", Entry::Array(Array::I32(vec![1]))), "has 1 values for"),
        (set("merges", texts(&["nospace"])), "`nospace` is no merge of two tokens"),
        (set("merges", texts(&["a nosuchtoken"])), ""),
        (set("bos_token_id", 1_000_000u32.into()), "no token of a vocabulary of"),
        (set("eos_token_id", (-1i32).into()), "no token of a vocabulary of"),
    ] {
        assert!(error.contains(part) && !error.contains('\n'), "{error}");
    }
    let scores = changed("llama", |metadata| {
        let count = metadata.texts("tokenizer.ggml.tokens").unwrap().unwrap().len();
        metadata.insert("tokenizer.ggml.scores", Entry::Array(Array::F32(vec![f32::NAN; count])));
    });
    assert!(scores.unwrap_err().contains("a score is NaN"));
}
