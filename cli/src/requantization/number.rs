//! Arguments that are a number, or name an array of one number or of one per place of the last axis.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fewbit::requantize::PerChannel;

use crate::error::CliError;
use crate::io::log::InputLog;
use crate::io::npy;
use crate::io::numbers::Integers;

/// A number as it was written, or the path of an array. What the number becomes is not known yet: a decimal is rounded
/// once, to the type that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NumberArg {
    /// A number.
    Text(String),
    /// An array.
    File(PathBuf),
}

impl FromStr for NumberArg {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text.parse::<f64>().is_ok() {
            Self::Text(text.into())
        } else {
            Self::File(text.into())
        })
    }
}

/// What decimals are rounded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    /// float32.
    Single,
    /// float64.
    Double,
}

impl NumberArg {
    /// Integers of `flag`, for a last axis of `last` places.
    ///
    /// # Errors
    /// A number that is no integer of 64 bits; a file that does not hold integers, or not as many.
    pub(super) fn integers(
        &self,
        flag: &str,
        last: usize,
        log: &InputLog,
    ) -> Result<PerChannel<i64>, CliError> {
        match self {
            Self::Text(text) => match text.parse() {
                Ok(number) => Ok(PerChannel::Tensor(number)),
                Err(_) => Err(CliError::Arguments(format!(
                    "{flag} is {text}: expected an integer of 64 bits, or the name of a .npy file of integers"
                ))),
            },
            Self::File(path) => {
                let (shape, integers) = Integers::of(npy::read(path, log)?)?;
                places(path, &shape, integers.into_wide(), last)
            }
        }
    }

    /// As [`Self::integers`], of 32 bits.
    ///
    /// # Errors
    /// Likewise; an integer beyond 32 bits.
    pub(super) fn integers_32(
        &self,
        flag: &str,
        last: usize,
        log: &InputLog,
    ) -> Result<PerChannel<i32>, CliError> {
        self.integers(flag, last, log)?.try_map(|place, &number| {
            i32::try_from(number).map_err(|_| {
                CliError::Arguments(format!(
                    "{flag} is {number} at place {place}: expected an integer of 32 bits, {} to {}",
                    i32::MIN,
                    i32::MAX
                ))
            })
        })
    }

    /// Real numbers for a last axis of `last` places. The numbers of a file are float64, rounded further by who takes less.
    ///
    /// # Errors
    /// A file that does not hold numbers, or not as many.
    pub(super) fn reals(
        &self,
        precision: Precision,
        last: usize,
        log: &InputLog,
    ) -> Result<PerChannel<f64>, CliError> {
        match self {
            Self::Text(text) => {
                let number = match precision {
                    Precision::Single => text.parse::<f32>().map(f64::from),
                    Precision::Double => text.parse::<f64>(),
                };
                // A text that was taken for a number is one.
                Ok(PerChannel::Tensor(number.unwrap_or(f64::NAN)))
            }
            Self::File(path) => {
                let npy = npy::read(path, log)?;
                places(path, &npy.shape, npy.f64_values()?, last)
            }
        }
    }
}

/// One number for all, or one for each place of the last axis.
fn places<T: Clone>(
    path: &Path,
    shape: &[usize],
    values: Vec<T>,
    last: usize,
) -> Result<PerChannel<T>, CliError> {
    match (shape, &values[..]) {
        ([] | [1], [one]) => Ok(PerChannel::Tensor(one.clone())),
        ([n], _) if *n == last => Ok(PerChannel::Channels(values)),
        _ => Err(CliError::Array {
            path: path.to_owned(),
            reason: format!(
                "has shape {shape:?}; one number, [] or [1], or one for each place of the last axis, [{last}], is needed"
            ),
        }),
    }
}
