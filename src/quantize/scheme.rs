//! What a quantizer makes: the format, who shares a scale, and whether there is a zero point.

use fewbit_formats::Format;
use ndarray::ArrayD;

use crate::tensor::Granularity;

use super::QuantizeError;

/// Where a zero point comes from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ZeroPointSource {
    /// The least element of the group, or 0 if that is positive.
    Minimum,
    /// The `ceil(0.01 q n)`-th smallest element of the group, or 0 if that is positive.
    Percentile {
        /// `q`, in percent.
        low: f64,
    },
    /// The zero points themselves, of the shape of the granularity, in the units of the codes; not rounded.
    Given(ArrayD<f32>),
}

/// Whether a zero point is one of the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ZeroPointRounding {
    /// Rounded and clamped as an element is.
    Code,
    /// Left as it is: values are then not a scale times an integer.
    Float,
}

/// Whether codes are shifted, and by what.
#[derive(Clone, Debug, PartialEq)]
pub enum ZeroPoint {
    /// Zero is code zero.
    Zero,
    /// `min / -scale + lowest code`, so that the source's value gets the lowest code.
    Shifted {
        /// The value that gets the lowest code.
        source: ZeroPointSource,
        /// Whether it is one of the codes.
        rounding: ZeroPointRounding,
    },
}

/// The description of a quantized tensor, before any number is known.
///
/// ```
/// use fewbit::quantize::Scheme;
/// use fewbit_formats::Format;
/// let weights = Scheme::new(Format::INT4N).per_channel(0);
/// let activations = Scheme::new(Format::UINT8).shifted();
/// # let _ = (weights, activations);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scheme {
    /// The format of an element.
    pub format: Format,
    /// Who shares a scale.
    pub granularity: Granularity,
    /// Whether codes are shifted.
    pub zero_point: ZeroPoint,
}

impl Scheme {
    /// Elements of this format with one scale for the whole tensor and no zero point.
    pub fn new(format: Format) -> Self {
        Self { format, granularity: Granularity::Tensor, zero_point: ZeroPoint::Zero }
    }

    /// With another granularity.
    #[must_use]
    pub fn with_granularity(self, granularity: Granularity) -> Self {
        Self { granularity, ..self }
    }

    /// With one scale per index of `axis`.
    #[must_use]
    pub fn per_channel(self, axis: isize) -> Self {
        self.with_granularity(Granularity::Channel { axis })
    }

    /// With one scale per row along the last axis.
    #[must_use]
    pub fn per_row(self) -> Self {
        self.with_granularity(Granularity::Row)
    }

    /// With one scale per `size` elements along `axis`.
    #[must_use]
    pub fn per_group(self, axis: isize, size: usize) -> Self {
        self.with_granularity(Granularity::Group { axis, size })
    }

    /// With a zero point, itself a code, that gives the least element the lowest code.
    #[must_use]
    pub fn shifted(self) -> Self {
        let (source, rounding) = (ZeroPointSource::Minimum, ZeroPointRounding::Code);
        self.with_zero_point(ZeroPoint::Shifted { source, rounding })
    }

    /// With another zero point.
    #[must_use]
    pub fn with_zero_point(self, zero_point: ZeroPoint) -> Self {
        Self { zero_point, ..self }
    }

    pub(crate) fn check(&self) -> Result<(), QuantizeError> {
        let ZeroPoint::Shifted { source, .. } = &self.zero_point else {
            return Ok(());
        };
        if !matches!(self.format, Format::Int(_)) {
            return Err(QuantizeError::ZeroPoint(self.format));
        }
        match source {
            ZeroPointSource::Percentile { low } if !(0.0..=100.0).contains(low) => {
                Err(QuantizeError::Number {
                    what: "the percentile of the zero point",
                    value: *low,
                    expected: "a percentage from 0 to 100",
                })
            }
            _ => Ok(()),
        }
    }
}
