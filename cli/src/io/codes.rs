//! Codes of a format, as arrays hold them: unsigned integers.

use fewbit::convert::Code;
use fewbit::tensor::unravel;
use fewbit_formats::Format;

use super::npy::{self, Npy, Values};
use crate::error::CliError;

/// Codes in the smallest unsigned type that holds them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Codes {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

/// Runs one expression on the codes of whatever width.
macro_rules! each_width {
    ($codes:expr, $vector:ident => $body:expr) => {
        match $codes {
            $crate::io::codes::Codes::U8($vector) => $body,
            $crate::io::codes::Codes::U16($vector) => $body,
            $crate::io::codes::Codes::U32($vector) => $body,
        }
    };
}
pub(crate) use each_width;

impl Codes {
    /// The bytes of a `.npy` file of this shape.
    ///
    /// # Errors
    /// A number of codes that is not the shape's.
    pub(crate) fn encode(&self, shape: &[usize]) -> Result<Vec<u8>, std::io::Error> {
        each_width!(self, codes => npy::encode(shape, codes))
    }

    /// The codes of `format` that an array holds.
    ///
    /// # Errors
    /// An array of another type than uint8, uint16 or uint32; a number that is no code of the format.
    pub(crate) fn of(npy: Npy, format: Format) -> Result<Self, CliError> {
        let codes = match npy.values {
            Values::U8(codes) => Self::U8(codes),
            Values::U16(codes) => Self::U16(codes),
            Values::U32(codes) => Self::U32(codes),
            _ => {
                let dtype = npy.dtype();
                return Err(npy.wrong(format!(
                    "holds {dtype}; codes of {format} are unsigned integers (uint8 to uint32)"
                )));
            }
        };
        let beyond = each_width!(&codes, codes => {
            let bad = codes.iter().position(|code| u64::from(code.to_u32()) >= format.code_count());
            bad.map(|index| (index, codes[index].to_u32()))
        });
        match beyond {
            None => Ok(codes),
            Some((index, code)) => Err(CliError::Array {
                path: npy.name.into(),
                reason: format!(
                    "holds {code} at {:?}; the codes of {format} are 0 to {}",
                    unravel(index, &npy.shape),
                    format.code_count() - 1
                ),
            }),
        }
    }
}
