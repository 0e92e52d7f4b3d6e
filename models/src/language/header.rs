//! The header of a `.safetensors` file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use safetensors::tensor::Metadata;

use super::LanguageError;

/// The largest header that the format allows, in bytes.
const LARGEST_HEADER: u64 = 100_000_000;

/// An open file, what its header says, and where the data begin; the data are as long as the header says.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) file: File,
    pub(super) metadata: Metadata,
    pub(super) start: u64,
}

impl Header {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// A file that cannot be read, is none of this kind, or has another length than its header says.
    pub(super) fn open(path: &Path) -> Result<Self, LanguageError> {
        let wrong = |problem: String| LanguageError::File { path: path.to_owned(), problem };
        let failed = |error: std::io::Error| wrong(error.to_string());
        let mut file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut size = [0; 8];
        if length < 8 {
            return Err(wrong(format!("has {length} bytes, and is no .safetensors file")));
        }
        file.read_exact(&mut size).map_err(failed)?;
        let size = u64::from_le_bytes(size);
        if size > LARGEST_HEADER.min(length - 8) {
            return Err(wrong(format!(
                "its header is to have {size} bytes, and the file has {length}: it is cut off, or no .safetensors file"
            )));
        }
        let mut header = vec![0; size as usize];
        file.read_exact(&mut header).map_err(failed)?;
        let metadata: Metadata = serde_json::from_slice(&header)
            .map_err(|error| wrong(format!("its header cannot be read: {error}")))?;
        let (start, data) = (8 + size, metadata.data_len() as u64);
        if start.checked_add(data) != Some(length) {
            return Err(wrong(format!(
                "its header tells of {data} bytes of data, and there are {}: it is cut off or damaged",
                length - start
            )));
        }
        Ok(Self { file, metadata, start })
    }
}
