//! Language models by path.

use std::fs;
use std::path::{Path, PathBuf};

use fewbit_models::graph::Graph;
use fewbit_models::language::{
    BuildOptions, Checkpoint, LanguageConfig, LanguageError, SavedModel, Tokenizer, build,
    is_checkpoint, open_checkpoint,
};

use super::NetworkError;
use crate::error::CliError;
use crate::io::input::Input;
use crate::io::log::InputLog;
use crate::memory;
use crate::output::PhaseProgress;

/// Whether a path stands for a language model, and not for a network in one file.
pub(crate) fn is_language_model(path: &Path) -> bool {
    is_checkpoint(path)
}

/// A language model's checkpoint, whose files are logged.
///
/// # Errors
/// A path that is none; files that are missing or damaged; weights that memory cannot hold.
pub(crate) fn checkpoint(path: &Path, log: &InputLog) -> Result<Box<dyn Checkpoint>, CliError> {
    for file in files(path)? {
        Input::open(&file, log)?;
    }
    let named = |error| match error {
        // What is wrong within a file does not say which.
        LanguageError::Gguf(problem) => {
            LanguageError::File { path: path.to_owned(), problem: problem.to_string() }
        }
        other => other,
    };
    let checkpoint = open_checkpoint(path).map_err(named).map_err(NetworkError::from)?;
    let config = checkpoint.config();
    config.check().map_err(NetworkError::from)?;
    memory::check(
        4 * u128::from(parameters(config)),
        &format!("the weights of {} as float32", path.display()),
        "a smaller model, or more memory",
    )?;
    Ok(checkpoint)
}

/// A quantized language model in a folder of `fewbit ptq`, whose files are logged.
///
/// # Errors
/// Files that are missing, damaged, or of two models; weights that memory cannot hold.
pub(crate) fn saved_model(path: &Path, log: &InputLog) -> Result<SavedModel, CliError> {
    for file in SavedModel::files(path) {
        Input::open(&file, log)?;
    }
    Ok(SavedModel::open(path).map_err(NetworkError::from)?)
}

/// The files that a checkpoint may be read from.
fn files(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |source| CliError::Read { path: path.to_owned(), source };
    let entries = fs::read_dir(path).map_err(failed)?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(failed)?.path();
        let is_read = file.extension().is_some_and(|e| e == "json" || e == "safetensors");
        if is_read && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The weights of matrices; all others are few.
fn parameters(config: &LanguageConfig) -> u64 {
    let [width, inner, layers] =
        [config.hidden_size, config.intermediate_size, config.num_hidden_layers]
            .map(|size| size as u64);
    let heads = 2 * (config.num_attention_heads + config.num_key_value_heads) as u64;
    let block = width.saturating_mul(heads.saturating_mul(config.head_dim as u64))
        + width.saturating_mul(3 * inner);
    let ends = if config.tie_word_embeddings { 1 } else { 2 };
    block
        .saturating_mul(layers)
        .saturating_add(ends * width.saturating_mul(config.vocab_size as u64))
}

/// The graph of a checkpoint, with a bar while its weights are read.
///
/// # Errors
/// Weights that are missing, of another shape, or not finite.
pub(crate) fn language_graph(
    checkpoint: &dyn Checkpoint,
    options: &BuildOptions,
) -> Result<Graph, CliError> {
    let bar = PhaseProgress::new();
    let graph = build(checkpoint, options, &mut |done, of| bar.at("reading weights", done, of));
    Ok(graph.map_err(NetworkError::from)?)
}

/// A file as text, of any length.
///
/// # Errors
/// A file that cannot be read, or is no UTF-8.
pub(crate) fn read_words(path: &Path, log: &InputLog) -> Result<String, CliError> {
    let mut input = Input::open(path, log)?;
    let (mut bytes, length) = (Vec::new(), input.length);
    input.check_memory(length)?;
    input.read(length, &mut bytes)?;
    String::from_utf8(bytes).map_err(|_| input.wrong("is no text: it is not UTF-8".into()))
}

/// The tokens of a text, and before them those that stand before every text.
///
/// # Errors
/// What the tokenizer refuses.
pub(crate) fn tokenized(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, CliError> {
    let mut tokens = tokenizer.prefix().to_vec();
    tokens.extend(tokenizer.encode(text).map_err(NetworkError::from)?);
    Ok(tokens)
}
