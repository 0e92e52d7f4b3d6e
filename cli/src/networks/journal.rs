//! What is chosen already, in files beside the results.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use fewbit_models::passes::{Chosen, Journal, PassError};
use ndarray::Array2;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::CliError;
use crate::io::log::InputLog;
use crate::output;

/// The folder within that of the results.
const FOLDER: &str = "resume";
/// The file in it that says what the run depends on.
const KEY: &str = "key";

/// A journal that keeps a file per product until the results are written.
///
/// A run goes on from it only if the version, the model, the calibration data and the keys are the same.
pub(crate) struct FileJournal {
    folder: PathBuf,
    state: State,
}

/// What becomes of the folder when the journal ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is nothing in it that a run could go on from: it goes.
    Empty,
    /// It stays.
    Kept,
}

/// What results depend on of a configuration: its keys but those that are about the measurement.
pub(crate) fn config_key(config: &impl Serialize, except: &[&str]) -> String {
    let mut keys = serde_json::to_value(config).unwrap_or_default();
    if let Some(keys) = keys.as_object_mut() {
        keys.retain(|name, _| !except.contains(&name.as_str()));
    }
    keys.to_string()
}

impl FileJournal {
    /// The journal of a run with this configuration and these files, in the folder of its results.
    ///
    /// Without `resume` what an earlier run left is removed.
    ///
    /// # Errors
    /// A folder that cannot be written; with `resume`, nothing to go on from, or a run of another configuration or other files.
    pub(crate) fn open(
        out: &Path,
        resume: bool,
        config: &str,
        files: &[&Path],
        log: &InputLog,
    ) -> Result<Self, CliError> {
        let folder = out.join(FOLDER);
        let failed = |source| CliError::Write { path: folder.clone(), source };
        let key = key(config, files, log)?;
        let found = fs::read_to_string(folder.join(KEY)).ok();
        match (resume, found) {
            (true, Some(found)) if found == key => return Ok(Self { folder, state: State::Kept }),
            (true, Some(_)) => {
                return Err(CliError::Arguments(format!(
                    "{} is of a run with another model, other calibration data, other keys or another version: leave --resume out to begin anew",
                    folder.display()
                )));
            }
            (true, None) => {
                return Err(CliError::Arguments(format!(
                    "{} has nothing to go on from: leave --resume out",
                    folder.display()
                )));
            }
            (false, _) => {}
        }
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(failed)?;
        }
        fs::create_dir_all(&folder).map_err(failed)?;
        write(&folder.join(KEY), key.as_bytes()).map_err(failed)?;
        Ok(Self { folder, state: State::Empty })
    }

    /// The results are written: nothing is to be gone on from.
    pub(crate) fn finished(mut self) {
        self.state = State::Empty;
    }

    fn file(&self, algorithm: &str, product: &str) -> PathBuf {
        // Names of nodes may be anything.
        let name = Sha256::digest(format!("{algorithm}\0{product}"));
        self.folder.join(format!("{name:x}.safetensors"))
    }
}

/// A digest of all that the codes depend on.
fn key(config: &str, files: &[&Path], log: &InputLog) -> Result<String, CliError> {
    let mut hasher = Sha256::new();
    hasher.update(env!("CARGO_PKG_VERSION"));
    hasher.update(config);
    for input in log.hashes_of(|path| files.iter().any(|file| path.starts_with(file)))? {
        hasher.update(input.sha256());
    }
    Ok(format!("{:x}\n", hasher.finalize()))
}

/// Writes a file that is there whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut file, bytes)?;
    file.persist(path)?;
    Ok(())
}

fn bytes(array: &Array2<f32>) -> Vec<u8> {
    array.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// A tensor of a record.
fn array(tensors: &SafeTensors<'_>, name: &str) -> Option<Array2<f32>> {
    let view = tensors.tensor(name).ok()?;
    let [rows, columns] = *view.shape() else { return None };
    let floats = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Array2::from_shape_vec((rows, columns), floats.collect()).ok()
}

fn of_record(bytes: &[u8]) -> Option<Chosen> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).ok()?;
    let metadata = metadata.metadata().as_ref()?;
    let tensors = SafeTensors::deserialize(bytes).ok()?;
    Some(Chosen {
        values: array(&tensors, "values")?,
        scale: array(&tensors, "scale"),
        count: metadata.get("count")?.parse().ok()?,
        damping: f64::from_bits(metadata.get("damping")?.parse().ok()?),
    })
}

fn record(chosen: &Chosen) -> Option<Vec<u8>> {
    let arrays = [("values", Some(&chosen.values)), ("scale", chosen.scale.as_ref())];
    let arrays = arrays.into_iter().filter_map(|(name, array)| Some((name, array?)));
    let data: Vec<_> =
        arrays.map(|(name, a)| (name, vec![a.nrows(), a.ncols()], bytes(a))).collect();
    let views: Option<Vec<_>> = data
        .iter()
        .map(|(name, shape, data)| {
            Some((*name, TensorView::new(Dtype::F32, shape.clone(), data).ok()?))
        })
        .collect();
    let metadata = HashMap::from([
        ("count".to_owned(), chosen.count.to_string()),
        ("damping".to_owned(), chosen.damping.to_bits().to_string()),
    ]);
    safetensors::serialize(views?, Some(metadata)).ok()
}

impl Journal for FileJournal {
    fn chosen(&mut self, algorithm: &str, product: &str) -> Result<Option<Chosen>, PassError> {
        let path = self.file(algorithm, product);
        // A record that is damaged is one that is not there.
        Ok(fs::read(path).ok().and_then(|bytes| of_record(&bytes)))
    }

    fn keep(&mut self, algorithm: &str, product: &str, chosen: &Chosen) -> Result<(), PassError> {
        let path = self.file(algorithm, product);
        let failed = |problem: String| {
            PassError::Missing(format!("cannot write {}: {problem}", path.display()))
        };
        let bytes = record(chosen).ok_or_else(|| failed("no record can be made".into()))?;
        write(&path, &bytes).map_err(|error| failed(error.to_string()))?;
        self.state = State::Kept;
        Ok(())
    }
}

impl Drop for FileJournal {
    fn drop(&mut self) {
        if self.state == State::Kept {
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            output::warn(&format!("{} stays: {error}", self.folder.display()));
        }
        // The folder of the results as well, where there are none: one that is not empty stays.
        if let Some(out) = self.folder.parent() {
            let _ = fs::remove_dir(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn records_come_back_to_the_bit() {
        let values = array![[0.1f32, -0.0], [f32::MIN_POSITIVE, 3e38]];
        for scale in [None, Some(array![[0.3f32], [1e-4]])] {
            let chosen = Chosen { values: values.clone(), scale, count: 7, damping: 0.1 };
            let bytes = record(&chosen).expect("a record");
            assert_eq!(of_record(&bytes), Some(chosen));
            for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
                assert_eq!(of_record(&bytes[..length]), None);
            }
        }
    }
}
