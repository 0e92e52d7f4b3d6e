//! The integer formats that a sweep quantizes to, and their quantizers.
//!
//! ```text
//! code = clamp(round(x / scale) + zero, min, max)        x = scale * (code - zero)
//! ```
//!
//! Signed formats are symmetric: `zero = 0`, `scale = max|x| / max`. Unsigned formats cover `[min(x, 0), max(x, 0)]`.

use std::fmt;
use std::str::FromStr;

use fewbit::accumulate::bounds::InputRange;
use fewbit::quantize::{QuantizeError, Quantizer, ScaleRule, Scheme, Threshold};
use fewbit_formats::{Format, FormatError, IntFormat, Overflow, Policy, Rounding};
use thiserror::Error;

use crate::spelling;

/// Why a text is not a format that a sweep can use.
#[derive(Clone, Debug, PartialEq, Error)]
pub(crate) enum CodeFormatError {
    /// Not a format at all.
    #[error(transparent)]
    Format(FormatError),
    /// Not an integer format, or one too wide.
    #[error(
        "`{0}` is no format of codes for an accumulator: expected an integer format of 2 to 16 bits, as int4, int8n or uint8"
    )]
    Unsuitable(Format),
    /// No scalar format, but one of another kind.
    #[error(
        "{0}: an integer format of 2 to 16 bits, as int4, int8n or uint8, whose codes an accumulator sums"
    )]
    Other(String),
}

/// An integer format of 2 to 16 bits: its codes are the factors of an accumulator's products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodeFormat(IntFormat);

impl CodeFormat {
    /// Its codes.
    pub(crate) fn range(self) -> InputRange {
        InputRange::new(self.0.min(), self.0.max())
    }

    /// A quantizer with one scale for everything that covers all of what it is given.
    pub(crate) fn quantizer(self) -> Result<Quantizer, QuantizeError> {
        let (scheme, rule) = self.scheme();
        Quantizer::new(scheme, rule, Policy::new(Rounding::TiesEven, Overflow::Saturate))
    }

    /// The same with one scale per row.
    pub(crate) fn row_quantizer(self) -> Result<Quantizer, QuantizeError> {
        let (scheme, rule) = self.scheme();
        Quantizer::new(
            scheme.per_channel(0),
            rule,
            Policy::new(Rounding::TiesEven, Overflow::Saturate),
        )
    }

    fn scheme(self) -> (Scheme, ScaleRule) {
        let scheme = Scheme::new(Format::Int(self.0));
        if self.0.is_signed() {
            let largest = Threshold::Value(self.0.max() as f32);
            (scheme, ScaleRule::abs_max().with_threshold(largest))
        } else {
            (scheme.shifted(), ScaleRule::range())
        }
    }
}

impl FromStr for CodeFormat {
    type Err = CodeFormatError;

    fn from_str(text: &str) -> Result<Self, CodeFormatError> {
        let format: Format = text.parse().map_err(|error| match spelling::instead(text) {
            Some(instead) => CodeFormatError::Other(instead),
            None => CodeFormatError::Format(error),
        })?;
        match format {
            Format::Int(int) if (2..=16).contains(&int.bits()) => Ok(Self(int)),
            _ => Err(CodeFormatError::Unsuitable(format)),
        }
    }
}

impl fmt::Display for CodeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
