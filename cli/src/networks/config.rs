//! Configurations from files and flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fewbit_models::flow::{Key, Keys};
use serde_json::Value;

use super::error::NetworkError;
use super::keys::KeyArgs;
use crate::error::CliError;
use crate::io::input::read_text;
use crate::io::log::InputLog;

/// The keys of a YAML file, overridden by those of the arguments.
///
/// # Errors
/// A file that is no YAML mapping; a key that there is not, with the nearest ones.
pub(crate) fn config(
    known: &[Key],
    path: Option<&Path>,
    args: &KeyArgs,
    log: &InputLog,
) -> Result<Keys, CliError> {
    let mut keys = Keys::new();
    if let Some(path) = path {
        let wrong = |reason: String| CliError::Array { path: path.to_owned(), reason };
        for (key, value) in mapping(path, log)? {
            keys.set(known, &key, value).map_err(|error| wrong(error.to_string()))?;
        }
    }
    for (key, value) in args.iter() {
        keys.set(known, key, value.clone()).map_err(NetworkError::from)?;
    }
    Ok(keys)
}

/// The keys and values of a YAML file.
fn mapping(path: &Path, log: &InputLog) -> Result<BTreeMap<String, Value>, CliError> {
    let text = read_text(path, log)?;
    serde_saphyr::from_str(&text).map_err(|error| {
        let line = error.to_string();
        let reason = format!("is no mapping of keys: {}", line.lines().next().unwrap_or_default());
        CliError::Array { path: path.to_owned(), reason }
    })
}

/// The key `model` of the arguments, or of the file.
///
/// # Errors
/// A file that is no YAML mapping.
pub(crate) fn model_key(
    path: Option<&Path>,
    args: &KeyArgs,
    log: &InputLog,
) -> Result<Option<PathBuf>, CliError> {
    let text = |value: &Value| value.as_str().map(PathBuf::from);
    if let Some((_, value)) = args.iter().find(|(key, _)| *key == "model") {
        return Ok(text(value));
    }
    let Some(path) = path else { return Ok(None) };
    Ok(mapping(path, log)?.get("model").and_then(text))
}
