//! Tensors whose elements lie in files of their own.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use super::super::OnnxError;
use super::super::proto::TensorProto;

/// What the system says about a file.
pub(super) fn file(path: &Path, error: &std::io::Error) -> OnnxError {
    OnnxError::File { path: path.to_owned(), problem: error.to_string() }
}

/// Where the elements of a tensor are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExternalTensor {
    /// The tensor's name.
    pub(crate) name: String,
    /// The file, within the model's folder.
    pub(crate) location: String,
    /// Its first byte there.
    pub(crate) offset: u64,
    /// Its bytes; all that there are, if the model does not say.
    pub(crate) length: Option<u64>,
}

impl ExternalTensor {
    /// What a model says of a tensor.
    pub(super) fn of(tensor: &TensorProto) -> Result<Self, OnnxError> {
        let name = tensor.name.as_deref().unwrap_or("without a name");
        let wrong = |problem: String| OnnxError::Tensor { name: name.to_owned(), problem };
        let entry = |key: &str| {
            let found = tensor.external_data.iter().find(|entry| entry.key.as_deref() == Some(key));
            found.and_then(|entry| entry.value.as_deref())
        };
        let number = |key: &str| {
            let parse = |text: &str| {
                text.parse::<u64>().map_err(|_| wrong(format!("`{text}` is no {key} in a file")))
            };
            entry(key).map(parse).transpose()
        };
        let location = entry("location").ok_or_else(|| wrong("it names no file".into()))?;
        Ok(Self {
            name: name.to_owned(),
            location: location.to_owned(),
            offset: number("offset")?.unwrap_or(0),
            length: number("length")?,
        })
    }
}

/// The elements' bytes, as many as expected.
pub(super) fn read(
    tensor: &TensorProto,
    name: &str,
    folder: Option<&Path>,
    expected: usize,
) -> Result<Vec<u8>, OnnxError> {
    let wrong = |problem: String| OnnxError::Tensor { name: name.to_owned(), problem };
    let ExternalTensor { location, offset, length, .. } = ExternalTensor::of(tensor)?;
    let folder =
        folder.ok_or_else(|| wrong(format!("it lies in `{location}`, and there is no folder")))?;
    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    let outside = || wrong(format!("`{location}` is not inside the model's folder"));
    if !Path::new(&location).components().all(inside) {
        return Err(outside());
    }
    let path = folder.join(&location);
    let real = |path: &Path| path.canonicalize().map_err(|error| file(path, &error));
    if !real(&path)?.starts_with(real(folder)?) {
        return Err(outside());
    }
    let mut source = File::open(&path).map_err(|error| file(&path, &error))?;
    let size = source.metadata().map_err(|error| file(&path, &error))?.len();
    let length = length.unwrap_or(size.saturating_sub(offset));
    if length != expected as u64 || offset.checked_add(length).is_none_or(|end| end > size) {
        return Err(wrong(format!(
            "{expected} bytes were expected, and `{location}` has {size}, of which it takes {length} from {offset} on"
        )));
    }
    source.seek(SeekFrom::Start(offset)).map_err(|error| file(&path, &error))?;
    let mut bytes = vec![0; expected];
    source.read_exact(&mut bytes).map_err(|error| file(&path, &error))?;
    Ok(bytes)
}
