//! From bytes to metadata, a list of tensors, and each tensor.

mod bounded;
mod header;
mod metadata;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ndarray::{ArcArray, IxDyn};

use crate::tensor::Tensor;

use super::{GgufError, Metadata, TensorInfo};
use bounded::Bounded;
use header::Header;

/// A GGUF file: its metadata and its list of tensors in memory, the tensors where they are.
///
/// ```
/// use fewbit_models::gguf::{Gguf, GgufWriter, Metadata, TensorInfo, TensorType, encode};
/// use fewbit_models::tensor::Tensor;
/// use ndarray::Array2;
/// let info = TensorInfo { name: "x".into(), shape: vec![2, 32], kind: TensorType::Q8_0 };
/// let x = Array2::from_shape_fn((2, 32), |(i, j)| (127 * i + j) as f32);
/// let mut writer = GgufWriter::new(Vec::new(), &Metadata::default(), &[info])?;
/// writer.write(&encode(TensorType::Q8_0, &x.view().into_dyn())?)?;
///
/// let file = Gguf::from_bytes(writer.finish()?)?;
/// assert_eq!(file.tensor("x")?.shape(), [2, 32]);
/// assert!(file.tensor("y").is_err());
/// # Ok::<(), fewbit_models::gguf::GgufError>(())
/// ```
#[derive(Debug)]
pub struct Gguf {
    header: Header,
    places: HashMap<String, usize>,
    source: Source,
}

/// Where the bytes are.
#[derive(Debug)]
enum Source {
    File(PathBuf, Mutex<File>),
    Memory(Vec<u8>),
}

impl Gguf {
    /// Reads a file's metadata and list of tensors.
    ///
    /// # Errors
    /// A file that cannot be read, is no GGUF file, ends too early, or whose counts, lengths, types or offsets cannot be.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let failed = |error: std::io::Error| GgufError::File {
            path: path.to_owned(),
            problem: error.to_string(),
        };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            let problem = "it is no regular file".to_owned();
            return Err(GgufError::File { path: path.to_owned(), problem });
        }
        let header = Header::read(Bounded::new(BufReader::new(&file), metadata.len()))?;
        Ok(Self::new(header, Source::File(path.to_owned(), Mutex::new(file))))
    }

    /// The file that these bytes are.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, GgufError> {
        let header = Header::read(Bounded::new(Cursor::new(&bytes), bytes.len() as u64))?;
        Ok(Self::new(header, Source::Memory(bytes)))
    }

    fn new(header: Header, source: Source) -> Self {
        let names = header.tensors.iter().enumerate();
        let places = names.map(|(place, (info, _))| (info.name.clone(), place)).collect();
        Self { header, places, source }
    }

    /// The metadata.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.header.metadata
    }

    /// The tensors, in the file's order.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = &TensorInfo> {
        self.header.tensors.iter().map(|(info, _)| info)
    }

    fn place(&self, name: &str) -> Result<&(TensorInfo, u64), GgufError> {
        let place = self.places.get(name).map(|&place| &self.header.tensors[place]);
        place.ok_or_else(|| GgufError::tensor(name, "the file has none of this name"))
    }

    /// What the file says of a tensor; `None` where there is none of this name.
    #[must_use]
    pub fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.place(name).ok().map(|(info, _)| info)
    }

    /// A tensor's blocks, as the file has them.
    ///
    /// # Errors
    /// A name that there is not; a file that cannot be read any more.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, GgufError> {
        let (info, offset) = self.place(name)?;
        let mut bytes = vec![0; info.bytes()?];
        match &self.source {
            Source::File(path, file) => {
                // A thread that panicked elsewhere has left no state: every read seeks first.
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let read =
                    file.seek(SeekFrom::Start(*offset)).and_then(|_| file.read_exact(&mut bytes));
                read.map_err(|error| GgufError::File {
                    path: path.clone(),
                    problem: format!("tensor `{name}` cannot be read: {error}"),
                })?;
            }
            Source::Memory(all) => {
                let start = usize::try_from(*offset).unwrap_or(usize::MAX);
                let found = all.get(start..).and_then(|rest| rest.get(..bytes.len()));
                let found =
                    found.ok_or_else(|| GgufError::tensor(name, "it is not in the file"))?;
                bytes.copy_from_slice(found);
            }
        }
        Ok(bytes)
    }

    /// A tensor's values.
    ///
    /// # Errors
    /// As [`Self::bytes`]; a type of elements that is not decoded.
    pub fn tensor(&self, name: &str) -> Result<Tensor, GgufError> {
        let (info, _) = self.place(name)?;
        let wrong = |problem: String| GgufError::tensor(name, problem);
        let decoded = info.kind.decode(&self.bytes(name)?);
        let values = decoded.map_err(|error| match error {
            GgufError::Encode { kind, problem } => wrong(format!("{kind}: {problem}")),
            other => other,
        })?;
        let array = ArcArray::from_shape_vec(IxDyn(&info.shape), values);
        Ok(array.map_err(|error| wrong(error.to_string()))?.into())
    }
}
