//! The integer formats whose codes are the factors of an accumulator's products, and their quantizers.
//!
//! ```text
//! code = clamp(round(x / scale) + zero, min, max)        x = scale * (code - zero)
//! ```
//!
//! Signed formats are symmetric: `zero = 0`, `scale = max|x| / max`. Unsigned formats cover `[min(x, 0), max(x, 0)]`.

use std::fmt;
use std::str::FromStr;

use fewbit_formats::{Format, FormatError, IntFormat, Overflow, Policy, Rounding};
use thiserror::Error;

use super::{QuantizeError, Quantizer, ScaleRule, Scheme, Threshold};
use crate::accumulate::bounds::InputRange;

/// Why something is no [`CodeFormat`].
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum CodeFormatError {
    /// Not a format at all.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Not an integer format, or one too wide.
    #[error(
        "`{0}` is no format of codes for an accumulator: expected an integer format of 2 to 16 bits, as int4, int8n or uint8"
    )]
    Unsuitable(Format),
}

/// An integer format of 2 to 16 bits: its codes are the factors of an accumulator's products.
///
/// ```
/// use fewbit::accumulate::bounds::InputRange;
/// use fewbit::quantize::CodeFormat;
/// use ndarray::array;
/// let uint8: CodeFormat = "uint8".parse()?;
/// assert_eq!(uint8.range(), InputRange::new(0, 255));
/// // -64 to 191 in 255 steps of 1: zero has the code 64.
/// let tensor = uint8.quantizer()?.quantize(&array![-64.0f32, 0.0, 191.0].view())?;
/// assert_eq!(tensor.ints()?, array![0, 64, 255].into_dyn());
/// assert!("e4m3fn".parse::<CodeFormat>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeFormat(IntFormat);

impl CodeFormat {
    /// All codes as integers, `min..=max`.
    #[must_use]
    pub fn range(self) -> InputRange {
        InputRange::new(self.0.min(), self.0.max())
    }

    /// A quantizer with one scale for everything that covers all of what it is given; to nearest, ties to even.
    ///
    /// # Errors
    /// None for a format of 2 to 16 bits; what [`Quantizer::new`] refuses.
    pub fn quantizer(self) -> Result<Quantizer, QuantizeError> {
        let (scheme, rule) = self.scheme();
        Quantizer::new(scheme, rule, ROUNDED)
    }

    /// The same with one scale per row of a matrix, `[outputs, inputs]`.
    ///
    /// # Errors
    /// As [`Self::quantizer`].
    pub fn row_quantizer(self) -> Result<Quantizer, QuantizeError> {
        let (scheme, rule) = self.scheme();
        Quantizer::new(scheme.per_channel(0), rule, ROUNDED)
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

/// How a quotient becomes a code.
const ROUNDED: Policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);

impl TryFrom<Format> for CodeFormat {
    type Error = CodeFormatError;

    fn try_from(format: Format) -> Result<Self, CodeFormatError> {
        match format {
            Format::Int(int) if (2..=16).contains(&int.bits()) => Ok(Self(int)),
            _ => Err(CodeFormatError::Unsuitable(format)),
        }
    }
}

impl From<CodeFormat> for Format {
    fn from(format: CodeFormat) -> Self {
        Self::Int(format.0)
    }
}

impl FromStr for CodeFormat {
    type Err = CodeFormatError;

    fn from_str(text: &str) -> Result<Self, CodeFormatError> {
        text.parse::<Format>()?.try_into()
    }
}

impl fmt::Display for CodeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
