//! Golden language models with a tokenizer of one token per character.

use serde_json::json;

use super::Folder;

/// The characters that are tokens 3 to 46 of the golden models.
pub(crate) const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ ";

/// A golden model in the folder `model`, with a tokenizer of one token per character.
pub(crate) fn model(name: &str) -> Folder {
    let folder = Folder::new();
    let golden = format!("{}/../models/tests/golden/language/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::create_dir(folder.file("model")).expect("a folder");
    for entry in std::fs::read_dir(golden).expect("the golden model") {
        let entry = entry.expect("an entry");
        let to = folder.file("model").join(entry.file_name());
        std::fs::copy(entry.path(), to).expect("a file");
    }
    let mut vocab = json!({"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 47});
    for (number, character) in ALPHABET.chars().enumerate() {
        vocab[character.to_string()] = (number + 3).into();
    }
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", "invert": false},
        "post_processor": null, "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"}
    });
    write(&folder, "model/tokenizer.json", &tokenizer.to_string());
    folder
}

pub(crate) fn write(folder: &Folder, name: &str, text: &str) {
    std::fs::write(folder.file(name), text).expect("a file");
}

/// A text of words that mean nothing, so many tokens long, another one for each seed.
pub(crate) fn words(seed: usize, length: usize) -> String {
    let letters: Vec<char> = ALPHABET.chars().collect();
    let mut state = seed as u64;
    (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            letters[(state >> 33) as usize % letters.len()]
        })
        .collect()
}
