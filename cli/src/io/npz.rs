//! NumPy's archives of named arrays, and single arrays as archives of one.

use std::path::Path;

use super::input::Input;
use super::log::InputLog;
use super::npy::{self, Npy};
use super::zip;
use crate::error::CliError;

/// The named arrays of a `.npz` file, in its order; of a `.npy` file, that one, without a name.
///
/// # Errors
/// A file that cannot be read or is neither; an array that is none of numbers.
pub(crate) fn read(path: &Path, log: &InputLog) -> Result<Vec<(String, Npy)>, CliError> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy")) {
        return Ok(vec![(String::new(), npy::read(path, log)?)]);
    }
    let mut input = Input::open(path, log)?;
    let (mut bytes, length) = (Vec::new(), input.length);
    input.check_memory(length)?;
    input.read(length, &mut bytes)?;
    let members = zip::members(&bytes).map_err(|reason| input.wrong(reason))?;
    if members.is_empty() {
        return Err(input.wrong("has no arrays".into()));
    }
    let name = path.display().to_string();
    let array = |member: zip::Found<'_>| {
        member.check().map_err(|reason| input.wrong(reason))?;
        let named = member.name.strip_suffix(".npy").unwrap_or(&member.name).to_owned();
        let array = npy::of_bytes(&name, &member.data);
        let array = array.map_err(|reason| input.wrong(format!("`{named}` {reason}")))?;
        Ok((named, array))
    };
    members.into_iter().map(array).collect()
}

/// An archive of named arrays, each the bytes of a `.npy` file.
///
/// # Errors
/// More than 4 GiB.
pub(crate) fn archive(arrays: Vec<(String, Vec<u8>)>) -> Result<Vec<u8>, CliError> {
    let members: Vec<zip::Member> =
        arrays.into_iter().map(|(name, bytes)| (format!("{name}.npy"), bytes)).collect();
    zip::archive(&members).map_err(CliError::Arguments)
}
