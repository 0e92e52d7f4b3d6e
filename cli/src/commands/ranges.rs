//! The ranges of inputs, as arguments and files say them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use fewbit::accumulate::bounds::{BoundsError, InputRange, Inputs};
use fewbit_formats::Format;

use crate::error::CliError;
use crate::io::log::InputLog;
use crate::io::npy;

/// `LO,HI`, or the path of an array with two columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RangeArg {
    /// One range for all channels.
    Same(InputRange),
    /// A file of one range per channel.
    File(PathBuf),
}

impl FromStr for RangeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((low, high)) = text.split_once(',') else {
            return match text.parse::<i64>() {
                Ok(one) => Err(format!("a range has two ends, as {one},{one}")),
                Err(_) => Ok(Self::File(text.into())),
            };
        };
        match (low.trim().parse(), high.trim().parse()) {
            (Ok(low), Ok(high)) => Ok(Self::Same(InputRange::new(low, high))),
            _ if text.ends_with(".npy") => Ok(Self::File(text.into())),
            _ => Err("expected two integers, as -3,12, or a .npy file [inputs, 2]".into()),
        }
    }
}

/// The ranges of all channels, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ranges {
    /// One for all.
    Same(InputRange),
    /// One per channel.
    PerChannel(Vec<InputRange>),
}

impl RangeArg {
    /// The ranges.
    ///
    /// # Errors
    /// A file that cannot be read or is no integer matrix of two columns.
    pub(super) fn read(&self, log: &InputLog) -> Result<Ranges, CliError> {
        let path = match self {
            Self::Same(range) => return Ok(Ranges::Same(*range)),
            Self::File(path) => path,
        };
        let ends = npy::read(path, log)?.into_int64_matrix()?;
        if ends.ncols() != 2 {
            return Err(CliError::Array {
                path: path.clone(),
                reason: format!(
                    "has shape [{}, {}]; a low and a high end per input channel are needed, [inputs, 2]",
                    ends.nrows(),
                    ends.ncols()
                ),
            });
        }
        let range = |row: ndarray::ArrayView1<'_, i64>| InputRange::new(row[0], row[1]);
        Ok(Ranges::PerChannel(ends.outer_iter().map(range).collect()))
    }
}

impl Ranges {
    /// All codes of `format`, in every channel.
    ///
    /// # Errors
    /// A format without integer codes.
    pub(super) fn of(format: Format) -> Result<Self, BoundsError> {
        Ok(Self::Same(InputRange::try_from(format)?))
    }

    /// As the library takes them.
    pub(super) fn inputs(&self) -> Inputs<'_> {
        match self {
            Self::Same(range) => Inputs::Same(*range),
            Self::PerChannel(ranges) => Inputs::PerChannel(ranges),
        }
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(InputRange { low, high }) => write!(f, "[{low}, {high}]"),
            Self::PerChannel(_) => f.write_str("per-channel"),
        }
    }
}
