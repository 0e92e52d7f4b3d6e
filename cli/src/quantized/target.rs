//! What an array is quantized to.

use std::fmt;
use std::str::FromStr;

use fewbit_formats::ggml::GgmlType;
use fewbit_formats::{Format, GroupFormat, GroupFormatError};

/// What stands before the name of a block of GGUF files.
const GGUF: &str = "gguf:";

/// A group format, a scalar format with one scale, or a kind of block of GGUF files.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    /// Groups that share scales.
    Groups(GroupFormat),
    /// One scale for all.
    Tensor(Format),
    /// GGUF's blocks.
    Blocks(GgmlType),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(kind) = text.strip_prefix(GGUF) {
            return kind
                .parse()
                .map(Self::Blocks)
                .map_err(|e: fewbit_formats::UnknownName| e.to_string());
        }
        match text.parse::<GroupFormat>() {
            Ok(format) => Ok(Self::Groups(format)),
            Err(GroupFormatError::Unknown(_)) => text.parse().map(Self::Tensor).map_err(|_| {
                format!(
                    "`{text}` is neither a group format (mxfp8e4m3, mxfp4, mxint8, nvfp4, hif4, mx(int4,f16,32) ...), nor a \
                     scalar format for one scale (int8, e4m3fn ...), nor gguf:q4_0, gguf:q4_1, gguf:q8_0, gguf:mxfp4 \
                     or gguf:tq2_0"
                )
            }),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Groups(format) => format.fmt(f),
            Self::Tensor(format) => format.fmt(f),
            Self::Blocks(kind) => write!(f, "{GGUF}{kind}"),
        }
    }
}
