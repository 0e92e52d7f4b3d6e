//! Files that appear whole or not at all.

use std::fs::{self, File, Metadata};
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::pending::Pending;
use crate::error::CliError;
use crate::output;

/// Files to be written together: everything is first written beside its target, then the result is printed, and only
/// when all of it stands is each file renamed to its name. A command that cannot print leaves no file.
#[derive(Default)]
pub(crate) struct Outputs {
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Outputs {
    /// Adds a file.
    pub(crate) fn add(&mut self, path: &Path, bytes: Vec<u8>) {
        self.files.push((path.to_owned(), bytes));
    }

    /// Prints `shown` and writes every file.
    pub(crate) fn write(self, shown: &str) -> Result<(), CliError> {
        let failed = |path: &Path, source| CliError::Write { path: path.to_owned(), source };
        let mut targets: Vec<PathBuf> = Vec::with_capacity(self.files.len());
        let (mut beside, mut through) = (Vec::new(), Vec::new());
        for (path, bytes) in self.files {
            let target = match Staged::new(&path, bytes).map_err(|source| failed(&path, source))? {
                Staged::Beside(file, target) => {
                    beside.push((file, target.clone()));
                    target
                }
                Staged::Through(bytes) => {
                    through.push((path.clone(), bytes));
                    path.clone()
                }
            };
            if targets.contains(&target) {
                return Err(CliError::SameOutput(path));
            }
            targets.push(target);
        }
        output::print(shown)?;
        // What can fail half-way comes before what cannot.
        for (path, bytes) in through {
            let opened = fs::OpenOptions::new().write(true).open(&path);
            let written = opened.and_then(|mut file| file.write_all(&bytes));
            written.map_err(|source| failed(&path, source))?;
        }
        Pending::name_all(beside).map_err(|(path, source)| CliError::Write { path, source })
    }
}

/// A file that is complete, but not yet under its name.
enum Staged {
    /// Beside a regular file or a free name, which it is to be renamed to.
    Beside(Pending, PathBuf),
    /// For a device or a pipe, which cannot be replaced: to be written through.
    Through(Vec<u8>),
}

impl Staged {
    fn new(path: &Path, bytes: Vec<u8>) -> Result<Self, Error> {
        let existing = match fs::metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if existing.as_ref().is_some_and(Metadata::is_dir) {
            return Err(ErrorKind::IsADirectory.into());
        }
        if existing.as_ref().is_some_and(|m| !m.is_file()) {
            return Ok(Self::Through(bytes));
        }
        // A link is followed, so that it stays a link.
        let target = if existing.is_some() { fs::canonicalize(path)? } else { free_name(path)? };
        let mut pending = Pending::new(|| temporary_beside(&target))?;
        let file = pending.file()?;
        if let Some(existing) = existing {
            as_before(file, &existing)?;
        }
        file.write_all(&bytes)?;
        file.flush()?;
        Ok(Self::Beside(pending, target))
    }
}

/// Where the file that `path` names will be: a link to nothing is followed, so that it stays a link.
fn free_name(path: &Path) -> Result<PathBuf, Error> {
    /// As many links as Linux follows.
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
        let name = fs::canonicalize(folder)?.join(name);
        match fs::read_link(&name) {
            Ok(next) => path = name.parent().unwrap_or(Path::new("/")).join(next),
            Err(_) => return Ok(name),
        }
    }
    Err(Error::other("too many symbolic links"))
}

/// The mode, and as far as this user may the owner, of the file that is replaced.
fn as_before(file: &File, existing: &Metadata) -> Result<(), Error> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let new = file.metadata()?;
        let of = |old: u32, new: u32| (old != new).then_some(old);
        // Only a privileged user may give a file away; for others it is theirs, as any file that they write.
        let _ = fchown(file, of(existing.uid(), new.uid()), of(existing.gid(), new.gid()));
    }
    file.set_permissions(existing.permissions())
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
