//! Affine integer quantization of a network's weights and activations.
//!
//! ```text
//! code = clamp(round(x / scale) + zero, min, max)        x = scale * (code - zero)
//! ```
//!
//! Signed formats are symmetric: `zero = 0`, `scale = max|x| / max`. Unsigned formats cover `[min(x, 0), max(x, 0)]`.

use std::fmt;
use std::str::FromStr;

use fewbit_formats::{Format, FormatError};
use thiserror::Error;

/// Why a text is not a format that a sweep can use.
#[derive(Clone, Debug, PartialEq, Error)]
pub(crate) enum CodeFormatError {
    /// Not a format at all.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Not an integer format, or one too wide.
    #[error(
        "`{0}` cannot be swept: expected an integer format of 2 to 16 bits, as int4, int8n or uint8"
    )]
    Unsuitable(Format),
}

/// An integer format of 2 to 16 bits: its codes are the factors of an accumulator's products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodeFormat {
    format: Format,
    pub(crate) min: i64,
    pub(crate) max: i64,
}

impl FromStr for CodeFormat {
    type Err = CodeFormatError;

    fn from_str(text: &str) -> Result<Self, CodeFormatError> {
        let format: Format = text.parse()?;
        match format {
            Format::Int(int) if (2..=16).contains(&int.bits()) => {
                Ok(Self { format, min: int.min(), max: int.max() })
            }
            _ => Err(CodeFormatError::Unsuitable(format)),
        }
    }
}

impl fmt::Display for CodeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.format.fmt(f)
    }
}

/// The affine map between numbers and codes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine {
    format: CodeFormat,
    pub(crate) scale: f32,
    pub(crate) zero: i64,
}

impl Affine {
    /// The map whose codes cover all of `values`.
    pub(crate) fn covering<'a>(
        format: CodeFormat,
        values: impl IntoIterator<Item = &'a f32>,
    ) -> Self {
        let (low, high) =
            values.into_iter().fold((0.0f32, 0.0f32), |(low, high), &x| (low.min(x), high.max(x)));
        let scale = if format.min < 0 {
            high.max(-low) / format.max as f32
        } else {
            (high - low) / format.max as f32
        };
        let scale = if scale > 0.0 { scale } else { 1.0 };
        let zero = if format.min < 0 { 0 } else { (-low / scale).round_ties_even() as i64 };
        Self { format, scale, zero }
    }

    /// The code of a number.
    pub(crate) fn code(&self, x: f32) -> i64 {
        let code = (x / self.scale).round_ties_even() as i64;
        code.saturating_add(self.zero).clamp(self.format.min, self.format.max)
    }
}
