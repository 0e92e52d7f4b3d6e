//! A table applied to an array.

use std::path::Path;

use fewbit::functions::table::Table;
use fewbit::reference::functions::look_up_slice;
use fewbit::tensor::unravel;
use fewbit_formats::Format;

use super::export;
use crate::error::CliError;
use crate::io::codes::{Codes, each_width};
use crate::io::log::InputLog;
use crate::io::npy;
use crate::io::numbers::Integers;
use crate::memory;

/// What came out.
pub(super) struct Applied {
    /// The bytes of the file.
    pub(super) file: Result<Vec<u8>, std::io::Error>,
    /// How many elements there were.
    pub(super) elements: usize,
}

/// Looks up every element of a file.
///
/// # Errors
/// A file that holds no codes of the input's format; an element that has no entry.
pub(super) fn apply(table: &Table, path: &Path, log: &InputLog) -> Result<Applied, CliError> {
    let wrong = |reason: String| CliError::Array { path: path.to_owned(), reason };
    let npy = npy::read(path, log)?;
    let shape = npy.shape.clone();
    let elements = shape.iter().product::<usize>();
    memory::check(
        elements as u128 * 24,
        &format!("{elements} elements"),
        "apply it to a part of the array",
    )?;
    let format = table.spec().input().format();
    let codes: Vec<u32> = match format {
        Format::Int(int) => {
            let (_, integers) = Integers::of(npy)?;
            let code = |(index, value): (usize, i64)| {
                if (int.min()..=int.max()).contains(&value) {
                    return Ok(int.code(value));
                }
                let place = unravel(index, &shape);
                let (least, most) = (int.min(), int.max());
                Err(wrong(format!(
                    "holds {value} at {place:?}; integers from {least} to {most} ({format}) are needed"
                )))
            };
            integers.into_wide().into_iter().enumerate().map(code).collect::<Result<_, _>>()?
        }
        _ => each_width!(Codes::of(npy, format)?, codes => wide(&codes)),
    };
    let found = look_up_slice(table, &codes).map_err(|(index, error)| {
        wrong(format!("the element at {:?} cannot be looked up: {error}", unravel(index, &shape)))
    })?;
    Ok(Applied { file: export::array(table.spec().output().format(), &shape, &found), elements })
}

/// Codes of any width as 32 bits.
fn wide<T: Into<u32> + Copy>(codes: &[T]) -> Vec<u32> {
    codes.iter().map(|&code| code.into()).collect()
}
