//! Files to be read: what and how large they are is known before memory is taken for them.

use std::fs::{self, File, FileType};
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};

use fewbit::advise_large_pages;

use super::log::InputLog;
use crate::error::CliError;
use crate::memory;

/// More than any description of a quantizer, and than any list.
const LONGEST_TEXT: u64 = 1 << 20;

/// A regular file that is open, and its length.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    pub(crate) length: u64,
}

impl Input {
    /// Opens a file, and logs it; what is read later is that file's, whatever its name stands for by then.
    ///
    /// # Errors
    /// What cannot be opened; a folder, a pipe or a device, whose length is not known before they end.
    pub(crate) fn open(path: &Path, log: &InputLog) -> Result<Self, CliError> {
        let failed = |source| CliError::Read { path: path.to_owned(), source };
        // Asked before it is opened: to open a pipe is to wait for its writer.
        refuse_unless_regular(fs::metadata(path).map_err(failed)?.file_type()).map_err(failed)?;
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        refuse_unless_regular(metadata.file_type()).map_err(failed)?;
        log.add(path, &file, metadata.len()).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, length: metadata.len() })
    }

    /// Appends the next `count` bytes to `bytes`.
    ///
    /// # Errors
    /// A file that ends before; memory that there is not.
    pub(crate) fn read(&mut self, count: u64, bytes: &mut Vec<u8>) -> Result<(), CliError> {
        let place = usize::try_from(count).ok();
        if place.is_none_or(|count| bytes.try_reserve_exact(count).is_err()) {
            return Err(self.too_large(count));
        }
        advise_large_pages(bytes.spare_capacity_mut());
        let read = (&mut self.file).take(count).read_to_end(bytes);
        match read.map_err(|source| self.failed(source))? {
            found if found as u64 == count => Ok(()),
            _ => Err(self.failed(ErrorKind::UnexpectedEof.into())),
        }
    }

    /// Refuses what memory cannot hold.
    ///
    /// # Errors
    /// More bytes than are free.
    pub(crate) fn check_memory(&self, count: u64) -> Result<(), CliError> {
        if memory::is_beyond(count.into()).is_some() {
            return Err(self.too_large(count));
        }
        Ok(())
    }

    fn too_large(&self, count: u64) -> CliError {
        self.wrong(format!("{count} bytes of it are needed at once, more than memory can hold"))
    }

    pub(crate) fn failed(&self, source: Error) -> CliError {
        CliError::Read { path: self.path.clone(), source }
    }

    pub(crate) fn wrong(&self, reason: String) -> CliError {
        CliError::Array { path: self.path.clone(), reason }
    }
}

/// The text of a small file: a description, not data.
///
/// # Errors
/// As [`Input::open`]; more than a mebibyte; what is not UTF-8.
pub(crate) fn read_text(path: &Path, log: &InputLog) -> Result<String, CliError> {
    let mut input = Input::open(path, log)?;
    if input.length > LONGEST_TEXT {
        return Err(input.wrong(format!(
            "has {} bytes; a description or a list has at most {LONGEST_TEXT}",
            input.length
        )));
    }
    let (mut bytes, length) = (Vec::new(), input.length);
    input.read(length, &mut bytes)?;
    String::from_utf8(bytes).map_err(|_| input.wrong("is no text: it is not UTF-8".into()))
}

fn refuse_unless_regular(kind: FileType) -> Result<(), Error> {
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        "it is a pipe or a device, whose length is not known before it ends: a regular file is needed",
    ))
}
