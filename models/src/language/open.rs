//! Checkpoints by path.

use std::path::Path;

use super::{Checkpoint, HuggingFaceCheckpoint, LanguageError};

/// What a path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    HuggingFace,
}

impl Kind {
    fn of(path: &Path) -> Option<Self> {
        path.is_dir().then_some(Self::HuggingFace)
    }
}

/// Whether a path stands for a checkpoint of a language model: a folder.
#[must_use]
pub fn is_checkpoint(path: &Path) -> bool {
    Kind::of(path).is_some()
}

/// The checkpoint in a folder as Hugging Face's tools write it.
///
/// # Errors
/// A path that is none; what the checkpoint's own reader refuses.
pub fn open_checkpoint(path: &Path) -> Result<Box<dyn Checkpoint>, LanguageError> {
    match Kind::of(path) {
        Some(Kind::HuggingFace) => Ok(Box::new(HuggingFaceCheckpoint::open(path)?)),
        None => Err(LanguageError::File {
            path: path.to_owned(),
            problem: "is no language model: expected a folder with config.json".into(),
        }),
    }
}
