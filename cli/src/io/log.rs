//! Which files a command has read, so that its results can say what they were made from.

use std::fs::File;
use std::io::{Error, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::CliError;
use crate::output::LateProgress;

/// Every file that one command has opened, in the order of their first opening. Clones share the list.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputLog(Arc<Mutex<Vec<Entry>>>);

/// Bytes that a command works on, and their digest once it was asked for.
#[derive(Debug)]
struct Entry {
    logged: Logged,
    hash: Option<HashedInput>,
}

/// Bytes that a command works on.
#[derive(Debug)]
enum Logged {
    /// An open file and its length; what its name stands for later does not matter.
    File { path: PathBuf, file: File, length: u64 },
    /// A file that this program carries, under its name in the sources.
    Carried { path: &'static Path, bytes: &'static [u8] },
}

/// A file that was read, and the digest of all its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct HashedInput {
    /// Its name as the arguments have it.
    file: PathBuf,
    /// SHA-256 in hexadecimal.
    sha256: String,
}

impl HashedInput {
    /// SHA-256 in hexadecimal.
    #[cfg(feature = "networks")]
    pub(crate) fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// Bytes that are read at once.
const PIECE: u64 = 1 << 22;

impl InputLog {
    /// Adds a file that was opened.
    ///
    /// # Errors
    /// A file that the system opens no second time.
    pub(super) fn add(&self, path: &Path, file: &File, length: u64) -> Result<(), Error> {
        // A thread that panicked while it held the list has left it whole: it is only pushed to.
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if files.iter().all(|entry| entry.logged.path() != path) {
            let file = file.try_clone()?;
            files.push(Entry::new(Logged::File { path: path.to_owned(), file, length }));
        }
        Ok(())
    }

    /// Adds a file that this program carries.
    pub(crate) fn add_carried(&self, path: &'static str, bytes: &'static [u8]) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.push(Entry::new(Logged::Carried { path: Path::new(path), bytes }));
    }

    /// The digests of all files, each computed once. Moves their cursors: whoever still reads from one seeks first.
    ///
    /// # Errors
    /// A file that can be read no more.
    pub(crate) fn hashes(&self) -> Result<Vec<HashedInput>, CliError> {
        self.hashes_of(|_| true)
    }

    /// The same of those files whose names are wanted.
    ///
    /// # Errors
    /// As [`Self::hashes`].
    pub(crate) fn hashes_of(
        &self,
        wanted: impl Fn(&Path) -> bool,
    ) -> Result<Vec<HashedInput>, CliError> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let files = files.iter_mut().filter(|entry| wanted(entry.logged.path()));
        let files: Vec<&mut Entry> = files.collect();
        let pieces = files.iter().map(|entry| entry.logged.length().div_ceil(PIECE)).sum();
        let progress = LateProgress::new("hashing inputs", pieces);
        files.into_iter().map(|entry| entry.hash(&progress)).collect()
    }
}

impl Entry {
    fn new(logged: Logged) -> Self {
        Self { logged, hash: None }
    }

    fn hash(&mut self, progress: &LateProgress) -> Result<HashedInput, CliError> {
        if let Some(hash) = &self.hash {
            return Ok(hash.clone());
        }
        Ok(self.hash.insert(self.logged.hash(progress)?).clone())
    }
}

impl Logged {
    fn path(&self) -> &Path {
        match self {
            Self::File { path, .. } => path,
            Self::Carried { path, .. } => path,
        }
    }

    fn length(&self) -> u64 {
        match self {
            Self::File { length, .. } => *length,
            Self::Carried { bytes, .. } => bytes.len() as u64,
        }
    }

    fn hash(&mut self, progress: &LateProgress) -> Result<HashedInput, CliError> {
        let hash = match self {
            Self::File { path, file, length } => hash_file(file, *length, progress)
                .map_err(|source| CliError::Read { path: path.clone(), source })?,
            Self::Carried { bytes, .. } => Sha256::digest(bytes),
        };
        Ok(HashedInput { file: self.path().to_owned(), sha256: format!("{hash:x}") })
    }
}

/// The digest of the first `length` bytes of a file.
fn hash_file(
    file: &mut File,
    length: u64,
    progress: &LateProgress,
) -> Result<sha2::digest::Output<Sha256>, Error> {
    let (mut hasher, mut bytes) = (Sha256::new(), Vec::new());
    file.rewind()?;
    let mut rest = file.take(length);
    loop {
        bytes.clear();
        if (&mut rest).take(PIECE).read_to_end(&mut bytes)? == 0 {
            return Ok(hasher.finalize());
        }
        hasher.update(&bytes);
        progress.step();
    }
}
