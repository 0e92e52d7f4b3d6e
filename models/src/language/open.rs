//! Checkpoints by path.

use std::path::Path;

use super::{Checkpoint, GgufCheckpoint, HuggingFaceCheckpoint, LanguageError, SavedModel};

/// What a path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Gguf,
    HuggingFace,
}

impl Kind {
    fn of(path: &Path) -> Option<Self> {
        let is_gguf = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"));
        match path.is_dir() {
            true => (!SavedModel::is_in(path)).then_some(Self::HuggingFace),
            false => is_gguf.then_some(Self::Gguf),
        }
    }
}

/// Whether a path stands for a checkpoint of a language model: a folder, but for those of [`SavedModel`], or a file with the
/// ending `.gguf`.
#[must_use]
pub fn is_checkpoint(path: &Path) -> bool {
    Kind::of(path).is_some()
}

/// The checkpoint in a `.gguf` file, or in a folder as Hugging Face's tools write it.
///
/// # Errors
/// A path that is neither; what the checkpoint's own reader refuses.
pub fn open_checkpoint(path: &Path) -> Result<Box<dyn Checkpoint>, LanguageError> {
    Ok(match Kind::of(path) {
        Some(Kind::Gguf) => Box::new(GgufCheckpoint::open(path)?),
        Some(Kind::HuggingFace) => Box::new(HuggingFaceCheckpoint::open(path)?),
        None if SavedModel::is_in(path) => {
            let problem =
                "is a quantized model, not a checkpoint: it is run, and not quantized again";
            return Err(LanguageError::File { path: path.to_owned(), problem: problem.into() });
        }
        None => {
            let problem =
                "is no language model: expected a .gguf file, or a folder with config.json";
            return Err(LanguageError::File { path: path.to_owned(), problem: problem.into() });
        }
    })
}
