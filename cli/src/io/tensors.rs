//! `.safetensors` files.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::error::CliError;

/// The key under which the metadata of a file are.
const KEY: &str = "fewbit";

/// A tensor with the bytes that a file holds.
pub(crate) struct Stored {
    name: &'static str,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Stored {
    /// Numbers of 32 bits.
    pub(crate) fn f32<'a>(
        name: &'static str,
        shape: &[usize],
        values: impl IntoIterator<Item = &'a f32>,
    ) -> Self {
        let bytes = values.into_iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name, dtype: Dtype::F32, shape: shape.to_vec(), bytes }
    }

    /// Codes in the smallest unsigned type that holds `bits`.
    pub(crate) fn codes<'a>(
        name: &'static str,
        bits: u32,
        shape: &[usize],
        codes: impl IntoIterator<Item = &'a u32>,
    ) -> Self {
        let (dtype, size) = match bits {
            ..=8 => (Dtype::U8, 1),
            9..=16 => (Dtype::U16, 2),
            _ => (Dtype::U32, 4),
        };
        let bytes = codes.into_iter().flat_map(|code| code.to_le_bytes().into_iter().take(size));
        Self { name, dtype, shape: shape.to_vec(), bytes: bytes.collect() }
    }

    /// Bytes as they are.
    pub(crate) fn bytes<'a>(
        name: &'static str,
        shape: &[usize],
        bytes: impl IntoIterator<Item = &'a u8>,
    ) -> Self {
        let bytes = bytes.into_iter().copied().collect();
        Self { name, dtype: Dtype::U8, shape: shape.to_vec(), bytes }
    }
}

/// The bytes of a file of these tensors, with these metadata.
pub(crate) fn encode(
    path: &Path,
    tensors: &[Stored],
    metadata: String,
) -> Result<Vec<u8>, CliError> {
    let failed = |reason: String| CliError::Array { path: path.to_owned(), reason };
    let views = tensors
        .iter()
        .map(|t| Ok((t.name, TensorView::new(t.dtype, t.shape.clone(), &t.bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| failed(format!("cannot be written: {error}")))?;
    let metadata = HashMap::from([(KEY.to_owned(), metadata)]);
    safetensors::serialize(views, Some(metadata))
        .map_err(|error| failed(format!("cannot be written: {error}")))
}

/// A file in memory.
pub(crate) struct File {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl File {
    pub(crate) fn read(path: &Path) -> Result<Self, CliError> {
        let bytes =
            fs::read(path).map_err(|source| CliError::Read { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), bytes })
    }

    /// Its tensors and its metadata.
    ///
    /// # Errors
    /// What is not a whole `.safetensors` file with metadata under `fewbit`.
    pub(crate) fn contents(&self) -> Result<Contents<'_>, CliError> {
        let wrong = |reason: String| CliError::Array { path: self.path.clone(), reason };
        let not_one = |error: safetensors::SafeTensorError| {
            wrong(format!("not a .safetensors file: {error}"))
        };
        let tensors = SafeTensors::deserialize(&self.bytes).map_err(not_one)?;
        let (_, header) = SafeTensors::read_metadata(&self.bytes).map_err(not_one)?;
        let metadata = header.metadata().as_ref().and_then(|all| all.get(KEY)).cloned();
        let metadata = metadata.ok_or_else(|| {
            wrong(format!(
                "its __metadata__ has no `{KEY}`: it was not written by `fewbit quantize`"
            ))
        })?;
        Ok(Contents { path: &self.path, tensors, metadata })
    }
}

/// What a file holds.
pub(crate) struct Contents<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
    /// The text under `fewbit`.
    pub(crate) metadata: String,
}

impl Contents<'_> {
    /// An error about the file.
    pub(crate) fn wrong(&self, reason: impl Into<String>) -> CliError {
        CliError::Array { path: self.path.to_owned(), reason: reason.into() }
    }

    /// Whether there is a tensor of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    fn tensor(&self, name: &str) -> Result<TensorView<'_>, CliError> {
        self.tensors.tensor(name).map_err(|_| self.wrong(format!("it has no tensor `{name}`")))
    }

    /// The shape and the numbers of a float tensor.
    pub(crate) fn f32(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), CliError> {
        let tensor = self.tensor(name)?;
        if tensor.dtype() != Dtype::F32 {
            return Err(self.wrong(format!("`{name}` is {}; F32 is needed", tensor.dtype())));
        }
        let (words, _) = tensor.data().as_chunks::<4>();
        let values = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        Ok((tensor.shape().to_vec(), values))
    }

    /// The shape and the codes of an unsigned tensor.
    pub(crate) fn codes(&self, name: &str) -> Result<(Vec<usize>, Vec<u32>), CliError> {
        let tensor = self.tensor(name)?;
        let data = tensor.data();
        let codes = match tensor.dtype() {
            Dtype::U8 => data.iter().map(|byte| u32::from(*byte)).collect(),
            Dtype::U16 => {
                let (words, _) = data.as_chunks::<2>();
                words.iter().map(|word| u32::from(u16::from_le_bytes(*word))).collect()
            }
            Dtype::U32 => {
                let (words, _) = data.as_chunks::<4>();
                words.iter().map(|word| u32::from_le_bytes(*word)).collect()
            }
            other => {
                return Err(self.wrong(format!("`{name}` is {other}; U8, U16 or U32 is needed")));
            }
        };
        Ok((tensor.shape().to_vec(), codes))
    }

    /// The shape and the bytes of a tensor of bytes.
    pub(crate) fn bytes(&self, name: &str) -> Result<(Vec<usize>, Vec<u8>), CliError> {
        let tensor = self.tensor(name)?;
        if tensor.dtype() != Dtype::U8 {
            return Err(self.wrong(format!("`{name}` is {}; U8 is needed", tensor.dtype())));
        }
        Ok((tensor.shape().to_vec(), tensor.data().to_vec()))
    }
}
