//! Files that appear whole or not at all.

use std::fs;
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::CliError;

/// Files to be written together: everything is first written beside its target, and only when all of it stands is
/// each file renamed to its name.
#[derive(Default)]
pub(crate) struct Outputs {
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Outputs {
    /// Adds a file.
    pub(crate) fn add(&mut self, path: &Path, bytes: Vec<u8>) {
        self.files.push((path.to_owned(), bytes));
    }

    /// Writes every file.
    pub(crate) fn write(self) -> Result<(), CliError> {
        let mut ready = Vec::with_capacity(self.files.len());
        for (path, bytes) in self.files {
            let staged = Staged::new(&path, &bytes);
            ready.push((
                staged.map_err(|source| CliError::Write { path: path.clone(), source })?,
                path,
            ));
        }
        for (index, (staged, path)) in ready.iter().enumerate() {
            if ready[..index].iter().any(|(other, _)| other.target == staged.target) {
                return Err(CliError::SameOutput(path.clone()));
            }
        }
        for (staged, path) in ready {
            staged.publish().map_err(|source| CliError::Write { path, source })?;
        }
        Ok(())
    }
}

/// A file that is complete, but not yet under its name.
struct Staged {
    target: PathBuf,
    content: Content,
}

enum Content {
    /// Beside a regular file or a free name: to be renamed.
    Beside(NamedTempFile),
    /// For a device or a pipe, which cannot be replaced: to be written through.
    Through(Vec<u8>),
}

impl Staged {
    fn new(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let existing = match fs::metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if existing.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(ErrorKind::IsADirectory.into());
        }
        if existing.as_ref().is_some_and(|m| !m.is_file()) {
            let content = Content::Through(bytes.to_vec());
            return Ok(Self { target: path.to_owned(), content });
        }
        // A link is followed, so that it stays a link.
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let target = match (&existing, path.file_name()) {
            (Some(_), _) => fs::canonicalize(path)?,
            (None, Some(name)) => fs::canonicalize(folder)?.join(name),
            (None, None) => return Err(ErrorKind::InvalidFilename.into()),
        };
        let mut file = temporary_beside(&target)?;
        file.write_all(bytes)?;
        file.flush()?;
        Ok(Self { target, content: Content::Beside(file) })
    }

    fn publish(self) -> Result<(), Error> {
        match self.content {
            Content::Beside(file) => file.persist(&self.target).map(drop).map_err(|e| e.error),
            Content::Through(bytes) => {
                fs::OpenOptions::new().write(true).open(&self.target)?.write_all(&bytes)
            }
        }
    }
}

fn temporary_beside(target: &Path) -> Result<NamedTempFile, Error> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".fewbit-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any newly created file; the umask takes its share.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(target.parent().unwrap_or(Path::new(".")))
}
