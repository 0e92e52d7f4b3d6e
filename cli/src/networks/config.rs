//! Configurations from files and flags.

use std::collections::BTreeMap;
use std::path::Path;

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
        let text = read_text(path, log)?;
        let wrong = |reason: String| CliError::Array { path: path.to_owned(), reason };
        let found: BTreeMap<String, Value> = serde_saphyr::from_str(&text).map_err(|error| {
            let line = error.to_string();
            wrong(format!("is no mapping of keys: {}", line.lines().next().unwrap_or_default()))
        })?;
        for (key, value) in found {
            keys.set(known, &key, value).map_err(|error| wrong(error.to_string()))?;
        }
    }
    for (key, value) in args.iter() {
        keys.set(known, key, value.clone()).map_err(NetworkError::from)?;
    }
    Ok(keys)
}
