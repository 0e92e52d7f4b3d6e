//! What a quantizer makes: the format, who shares a scale, and whether there is a zero point.

use fewbit_formats::Format;
use ndarray::ArrayD;
use serde::{Deserialize, Serialize};

use crate::reference::quantize::ElementTarget;
use crate::tensor::Granularity;

use super::search::{HqoZeroPoint, MseSearch};
use super::{QuantizeError, Quantizer};

/// Where a zero point comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum ZeroPointSource {
    /// The least element of the group, or 0 if that is positive.
    Minimum,
    /// The `ceil(0.01 q n)`-th smallest element of the group, or 0 if that is positive.
    Percentile {
        /// `q`, in percent.
        low: f64,
    },
    /// The magnitudes of the values that get the lowest code, of the shape of the granularity: a learned parameter, or
    /// what a calibration has collected.
    Offset(#[serde(with = "super::text::array")] ArrayD<f32>),
    /// The zero points themselves, of the shape of the granularity, in the units of the codes; not rounded.
    Given(#[serde(with = "super::text::array")] ArrayD<f32>),
    /// The fraction of the least element (or 0) with the least squared error.
    Mse(MseSearch),
    /// Half-quadratic optimisation from the least element (or 0).
    Hqo(HqoZeroPoint),
}

/// Whether a zero point is one of the codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ZeroPointRounding {
    /// Rounded and clamped as an element is.
    Code,
    /// Left as it is: values are then not a scale times an integer.
    Float,
    /// The magnitude of the value that gets the lowest code is first quantized, as a tensor of the scales' shape, by
    /// this quantizer; the quotient by the scale is left as it is.
    Quantized(Box<Quantizer>),
}

/// What stands in a group that is shorter than the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ragged {
    /// Nothing: it has fewer elements.
    #[default]
    Short,
    /// Zeros, which take part in statistics and searches and are then cut off again, as in Brevitas.
    Zeros,
}

/// Whether codes are shifted, and by what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ZeroPoint {
    /// Zero is code zero.
    #[default]
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
    /// What stands in a shorter group.
    pub ragged: Ragged,
    /// Whether codes are shifted.
    pub zero_point: ZeroPoint,
    /// For `ternary`: elements of at most this many scales become 0, all others plus or minus one scale. Without it they
    /// are rounded as the policy says.
    pub dead_zone: Option<f32>,
}

impl Scheme {
    /// Elements of this format with one scale for the whole tensor and no zero point.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            granularity: Granularity::Tensor,
            ragged: Ragged::Short,
            zero_point: ZeroPoint::Zero,
            dead_zone: None,
        }
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

    /// With other contents of a shorter group.
    #[must_use]
    pub fn with_ragged(self, ragged: Ragged) -> Self {
        Self { ragged, ..self }
    }

    /// Ternary elements of at most this many scales become 0, all others plus or minus one scale.
    #[must_use]
    pub fn with_dead_zone(self, scales: f32) -> Self {
        Self { dead_zone: Some(scales), ..self }
    }

    /// With another zero point.
    #[must_use]
    pub fn with_zero_point(self, zero_point: ZeroPoint) -> Self {
        Self { zero_point, ..self }
    }

    /// What an element becomes, without what it shares with others.
    pub(crate) fn target(&self) -> ElementTarget {
        ElementTarget { format: self.format, dead_zone: self.dead_zone }
    }

    pub(crate) fn check(&self) -> Result<(), QuantizeError> {
        if let Some(scales) = self.dead_zone {
            if self.format != Format::Ternary {
                return Err(QuantizeError::DeadZone(self.format));
            }
            if !(scales >= 0.0 && scales.is_finite()) {
                return Err(QuantizeError::Number {
                    what: "the dead zone",
                    value: f64::from(scales),
                    expected: "a number of scales, at least 0",
                });
            }
        }
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
            ZeroPointSource::Mse(search) => search.check(),
            ZeroPointSource::Hqo(search) => search.check(),
            _ => Ok(()),
        }
    }
}
