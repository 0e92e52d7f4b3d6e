//! Files that are not under their names yet, and what becomes of them when the process is interrupted.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Error;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

/// The temporary files of this process. A signal concerns the process as a whole, so that this is one list for all.
static PENDING: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The list; who has it keeps an interrupt waiting.
fn hold() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    // A set of names has no half-done state.
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary file that goes away with this value, or when the process is interrupted.
pub(super) struct Pending(Option<NamedTempFile>);

impl Pending {
    /// Takes over the file that `create` makes; an interrupt waits until it is on the list.
    pub(super) fn new(
        create: impl FnOnce() -> Result<NamedTempFile, Error>,
    ) -> Result<Self, Error> {
        let mut list = hold();
        let file = create()?;
        list.insert(file.path().to_owned());
        Ok(Self(Some(file)))
    }

    /// The open file.
    ///
    /// # Errors
    /// None before the file has its name.
    pub(super) fn file(&mut self) -> Result<&mut File, Error> {
        let file = self.0.as_mut().ok_or_else(|| Error::other("the file has its name already"))?;
        Ok(file.as_file_mut())
    }

    /// Gives all files their names, in one piece as far as an interrupt is concerned.
    ///
    /// # Errors
    /// The first that cannot have it; those after it go away.
    pub(super) fn name_all(mut files: Vec<(Self, PathBuf)>) -> Result<(), (PathBuf, Error)> {
        let mut list = hold();
        let named = files.iter_mut().try_for_each(|(file, name)| {
            let Some(file) = file.0.take() else { return Ok(()) };
            list.remove(file.path());
            match file.persist(&*name) {
                Ok(_) => Ok(()),
                Err(error) => Err((name.clone(), error.error)),
            }
        });
        // Before the files, which take themselves off the list.
        drop(list);
        named
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            let mut list = hold();
            list.remove(file.path());
            drop(file);
        }
    }
}

/// From now on SIGINT and SIGTERM remove the temporary files and end the process with 128 and the signal's number.
///
/// # Errors
/// A system that does not take the handlers.
#[cfg(unix)]
pub(crate) fn watch_signals() -> Result<(), Error> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            // Held until the process has ended, so that no file is made or named any more.
            let list = hold();
            for path in list.iter() {
                // What is gone need not be removed.
                let _ = std::fs::remove_file(path);
            }
            std::process::exit(128 + signal);
        }
    })?;
    Ok(())
}

/// Elsewhere the system's way of ending a process stays.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub(crate) fn watch_signals() -> Result<(), Error> {
    Ok(())
}
