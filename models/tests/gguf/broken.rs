//! Files that are truncated, hostile or changed: an error of one line, never a panic, and no more memory than the file justifies.

use fewbit_models::gguf::{Array, Gguf, Metadata, TensorInfo, TensorType, Value};
use fewbit_models::language::{Checkpoint, GgufCheckpoint};

use crate::files::{every_tensor, every_type, written};
use crate::support::splitmix64;

/// The head of a file, to be gone on with.
fn head(version: u32, tensors: u64, entries: u64) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(tensors.to_le_bytes());
    bytes.extend(entries.to_le_bytes());
    bytes
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn entry(bytes: &mut Vec<u8>, key: &str, kind: u32, value: &[u8]) {
    text(bytes, key);
    bytes.extend(kind.to_le_bytes());
    bytes.extend(value);
}

fn tensor(bytes: &mut Vec<u8>, name: &str, extents: &[u64], kind: u32, offset: u64) {
    text(bytes, name);
    bytes.extend((extents.len() as u32).to_le_bytes());
    extents.iter().for_each(|extent| bytes.extend(extent.to_le_bytes()));
    bytes.extend(kind.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
}

#[track_caller]
fn refused(bytes: Vec<u8>, part: &str) {
    let error = Gguf::from_bytes(bytes).unwrap_err().to_string();
    assert!(error.contains(part) && !error.contains('\n'), "{error}");
}

#[test]
fn heads_that_cannot_be() {
    refused(vec![], "truncated");
    refused(b"GGU".to_vec(), "truncated");
    refused(b"PK\x03\x04".to_vec(), "no GGUF file");
    refused(head(1, 0, 0), "version 1 of GGUF: 2 and 3");
    refused(head(3u32.swap_bytes(), 0, 0), "version 50331648");
    refused(head(3, u64::MAX, 0), "the list of 18446744073709551615 tensors");
    refused(head(3, 0, u64::MAX), "the list of 18446744073709551615 metadata");
    refused(head(3, 1, 0), "the list of 1 tensors");
    assert!(Gguf::from_bytes(head(2, 0, 0)).is_ok());
}

#[test]
fn metadata_that_cannot_be() {
    let one = |key: &str, kind: u32, value: &[u8]| {
        let mut bytes = head(3, 0, 1);
        entry(&mut bytes, key, kind, value);
        bytes.extend([0; 16]);
        bytes
    };
    refused(one("k", 13, &[0]), "13 is no type of value");
    refused(one("k", 7, &[2]), "2 is no bool");
    refused(one("k\nl", 7, &[2]), r"metadata `k\nl`");
    refused(
        one("k", 8, &u64::MAX.to_le_bytes()),
        "the value of metadata `k` takes 18446744073709551615",
    );
    refused(one("k", 8, &[1, 0, 0, 0, 0, 0, 0, 0, 0xff]), "is not UTF-8");
    refused(one(&"k".repeat(300), 13, &[0]), "kkk...`: 13 is no");
    for kind in 0u32..13 {
        let array = [kind.to_le_bytes().as_slice(), &(1u64 << 40).to_le_bytes()].concat();
        refused(one("k", 9, &array), "the value of metadata `k`");
    }
    let mut deep = Vec::new();
    for _ in 0..100_000 {
        deep.extend(9u32.to_le_bytes());
        deep.extend(1u64.to_le_bytes());
    }
    refused(one("k", 9, &deep), "more than 4 deep");
    refused(one("general.alignment", 4, &0u32.to_le_bytes()), "it is 0, expected a power of two");
    refused(one("general.alignment", 4, &33u32.to_le_bytes()), "it is 33, expected a power of two");
    refused(
        one("general.alignment", 10, &[32, 0, 0, 0, 0, 0, 0, 0]),
        "it is uint64, expected a uint32",
    );
    let mut twice = head(3, 0, 2);
    entry(&mut twice, "k", 0, &[1]);
    entry(&mut twice, "k", 0, &[1]);
    refused(twice, "metadata `k`: the file has it twice");
    let mut length = head(3, 0, 1);
    length.extend(u64::MAX.to_le_bytes());
    length.extend([0; 16]);
    refused(length, "the key of metadata entry 0");
}

#[test]
fn tensors_that_cannot_be() {
    let one = |name: &str, extents: &[u64], kind: u32, offset: u64| {
        let mut bytes = head(3, 1, 0);
        tensor(&mut bytes, name, extents, kind, offset);
        bytes.extend(vec![0; 256]);
        bytes
    };
    assert!(Gguf::from_bytes(one("x", &[32], 0, 0)).is_ok());
    refused(one("x", &[], 0, 0), "it has 0 axes");
    refused(one("x", &[1; 5], 0, 0), "it has 5 axes");
    refused(one("x", &[32, 0], 0, 0), "has no elements");
    refused(one("x", &[u64::MAX, 2], 0, 0), "too many elements");
    refused(one("x", &[1 << 32, 1 << 32, 1 << 32], 0, 0), "too many elements");
    refused(one("x", &[1 << 60], 0, 0), "tensor `x` takes");
    refused(one("x", &[33], 8, 0), "rows of 33 elements are not whole Q8_0 blocks");
    refused(one("x", &[32], 99, 0), "its type 99 is unknown");
    refused(one("x", &[32], 0, 8), "its offset 8 is no multiple of the alignment 32");
    refused(one("x", &[32], 0, 256), "truncated");
    refused(one("x", &[32], 0, u64::MAX - 31), "truncated");
    let mut two = head(3, 2, 0);
    tensor(&mut two, "x", &[32], 0, 0);
    tensor(&mut two, "y", &[32], 0, 96);
    two.extend(vec![0; 512]);
    refused(two, "tensor `y`: it overlaps tensor `x`");
    let mut same = head(3, 2, 0);
    tensor(&mut same, "x", &[32], 0, 0);
    tensor(&mut same, "x", &[32], 0, 128);
    same.extend(vec![0; 512]);
    refused(same, "tensor `x`: the file has two of this name");
}

#[test]
fn every_truncation() {
    let bytes = written(&every_type(), &every_tensor());
    // Behind the last tensor there is padding only.
    let last =
        every_tensor().last().map(|(_, bytes)| bytes.len().next_multiple_of(32) - bytes.len());
    for length in 0..bytes.len() - last.unwrap() {
        let error = Gguf::from_bytes(bytes[..length].to_vec()).unwrap_err().to_string();
        assert!(error.contains("truncated") && !error.contains('\n'), "{length}: {error}");
    }
}

/// A file with a small model and its tokenizer.
fn model() -> Vec<u8> {
    let mut metadata = Metadata::default();
    metadata.insert("general.architecture", "llama");
    for (key, value) in [
        ("embedding_length", 8u32),
        ("feed_forward_length", 8),
        ("block_count", 1),
        ("attention.head_count", 2),
        ("attention.head_count_kv", 1),
        ("context_length", 16),
    ] {
        metadata.insert(&format!("llama.{key}"), value);
    }
    metadata.insert("llama.attention.layer_norm_rms_epsilon", 1e-5f32);
    metadata.insert("tokenizer.ggml.model", "gpt2");
    metadata.insert("tokenizer.ggml.pre", "smollm");
    let texts = |texts: &[&str]| {
        Value::Array(Array::String(texts.iter().copied().map(String::from).collect()))
    };
    metadata.insert("tokenizer.ggml.tokens", texts(&["<s>", "a", "b", "ab", "Ġ", "1"]));
    metadata.insert("tokenizer.ggml.token_type", Value::Array(Array::I32(vec![3, 1, 1, 1, 1, 1])));
    metadata.insert("tokenizer.ggml.scores", Value::Array(Array::F32(vec![0.0; 6])));
    metadata.insert("tokenizer.ggml.merges", texts(&["a b"]));
    metadata.insert("tokenizer.ggml.bos_token_id", 0u32);
    metadata.insert("tokenizer.ggml.unknown_token_id", 0u32);
    metadata.insert("tokenizer.ggml.add_bos_token", true);
    let tensor = |name: &str, rows: usize| {
        let info = TensorInfo { name: name.into(), shape: vec![rows, 8], kind: TensorType::F32 };
        let bytes = vec![0; info.bytes().unwrap()];
        (info, bytes)
    };
    written(
        &metadata,
        &[
            tensor("token_embd.weight", 6),
            tensor("blk.0.attn_q.weight", 8),
            tensor("blk.0.attn_k.weight", 4),
        ],
    )
}

/// Everything that a file is asked for.
fn used(bytes: Vec<u8>) -> Result<(), String> {
    let line = |error: String| {
        assert!(!error.contains('\n') && error.len() < 1000, "{error}");
        error
    };
    let file = Gguf::from_bytes(bytes).map_err(|error| line(error.to_string()))?;
    let checkpoint = GgufCheckpoint::new(file).map_err(|error| line(error.to_string()))?;
    for name in checkpoint.names() {
        checkpoint.tensor(&name).map_err(|error| line(error.to_string()))?;
    }
    let tokenizer = checkpoint.tokenizer().map_err(|error| line(error.to_string()))?;
    let tokens = tokenizer.encode("<s>ab 1 é").map_err(|error| line(error.to_string()))?;
    tokenizer.decode(&tokens).map_err(|error| line(error.to_string()))?;
    Ok(())
}

#[test]
fn mutations() {
    let bytes = model();
    used(bytes.clone()).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    let mut count = |bytes| match used(bytes) {
        Ok(()) => accepted += 1,
        Err(_) => refused += 1,
    };
    // The part before the tensors' bytes, where it matters.
    let last = 1200.min(bytes.len());
    for seed in 0..6000u64 {
        let mut changed = bytes.clone();
        for step in 0..=seed % 3 {
            let random = splitmix64(seed * 16 + step);
            let at = (random >> 8) as usize % last;
            match random % 5 {
                0 => changed[at] ^= 1 << (random >> 60 & 7),
                1 => changed[at] = (random >> 40) as u8,
                2 => changed[at] = [0, 1, 0x7f, 0xff][(random >> 40) as usize & 3],
                3 => {
                    let end = (at + 8).min(changed.len());
                    let word = [u64::MAX, 1 << 63, 1 << 32, 0][(random >> 40) as usize & 3];
                    changed[at..end].copy_from_slice(&word.to_le_bytes()[..end - at]);
                }
                _ => changed.truncate(at),
            }
            if changed.len() < last {
                break;
            }
        }
        count(changed);
    }
    assert!(accepted > 100 && refused > 1000, "{accepted} accepted, {refused} refused");
}
