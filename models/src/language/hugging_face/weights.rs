//! Weights in `.safetensors` files, read one at a time.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use half::{bf16, f16};
use ndarray::{ArcArray, IxDyn};
use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::language::LanguageError;
use crate::language::header::Header;
use crate::tensor::Tensor;

/// Bytes that are read at once, a whole number of elements.
const PIECE: usize = 1 << 20;

/// A file of weights: what is in it, and the open file.
#[derive(Debug)]
pub(super) struct WeightFile {
    path: PathBuf,
    file: Mutex<File>,
    metadata: Metadata,
    /// Where the data begin.
    start: u64,
}

impl WeightFile {
    /// Opens a file and reads what is in it.
    pub(super) fn open(path: &Path) -> Result<Self, LanguageError> {
        let Header { file, metadata, start } = Header::open(path)?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file), metadata, start })
    }

    /// The names of all weights, in the order of the file.
    pub(super) fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// A weight as `f32`, if it is there.
    pub(super) fn tensor(&self, name: &str) -> Result<Option<Tensor>, LanguageError> {
        let Some(info) = self.metadata.info(name) else { return Ok(None) };
        let wrong = |problem: String| LanguageError::Tensor { name: name.into(), problem };
        let mut values: Vec<f32> = Vec::new();
        let (from, to) = info.data_offsets;
        let pieces = |read: &mut dyn FnMut(&[u8])| {
            // Whoever panicked while holding the file has only moved its cursor.
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let mut piece = vec![0; PIECE.min(to - from)];
            file.seek(SeekFrom::Start(self.start + from as u64))?;
            for at in (from..to).step_by(PIECE) {
                let piece = &mut piece[..PIECE.min(to - at)];
                file.read_exact(piece)?;
                read(piece);
            }
            Ok(())
        };
        let read: Result<(), std::io::Error> = match info.dtype {
            Dtype::F32 => {
                values.reserve_exact((to - from) / 4);
                pieces(&mut |bytes| {
                    values.extend(bytes.as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)));
                })
            }
            Dtype::F16 => {
                values.reserve_exact((to - from) / 2);
                pieces(&mut |bytes| {
                    let halves = bytes.as_chunks().0.iter();
                    values.extend(halves.map(|&half| f16::from_le_bytes(half).to_f32()));
                })
            }
            Dtype::BF16 => {
                values.reserve_exact((to - from) / 2);
                pieces(&mut |bytes| {
                    let halves = bytes.as_chunks().0.iter();
                    values.extend(halves.map(|&half| bf16::from_le_bytes(half).to_f32()));
                })
            }
            other => return Err(wrong(format!("elements are {other}: expected F32, F16 or BF16"))),
        };
        read.map_err(|error| LanguageError::File {
            path: self.path.clone(),
            problem: error.to_string(),
        })?;
        let array = ArcArray::from_shape_vec(IxDyn(&info.shape), values);
        array.map(|array| Some(array.into())).map_err(|error| wrong(error.to_string()))
    }
}
