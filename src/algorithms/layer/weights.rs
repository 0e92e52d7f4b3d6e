//! What the weights may become: their format, who shares a scale, and how it is chosen.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use fewbit_formats::{Format, GroupFormat};
use ndarray::ArrayD;

use super::name::LayerNameError;

/// What the weights of a layer may become.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LayerWeights {
    /// A scalar format with scales that are free numbers.
    Scalar(ScalarWeights),
    /// A group format, which says who shares a scale and what the scale may be; elements are rounded to nearest, ties to
    /// even.
    Groups(GroupWeights),
}

/// A group format, and how its scales are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupWeights {
    /// The format.
    pub format: GroupFormat,
    /// How scales are chosen.
    pub scale: GroupScale,
}

/// How the scales of a group format are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupScale {
    /// As OCP MX 1.0 has it: the exponent of the greatest magnitude, cut down.
    #[default]
    OfFormat,
    /// As [`WeightScale::Loss`], among the scales that have codes.
    Loss,
    /// As [`WeightScale::Constrained`], among the scales that have codes.
    Constrained,
}

/// A scalar format, who shares a scale, and how it is chosen.
///
/// Unsigned integers have zero points, all other formats are symmetric.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalarWeights {
    /// Of the codes.
    pub format: Format,
    /// Who shares a scale.
    pub sharing: ScaleSharing,
    /// How it is chosen.
    pub scale: WeightScale,
}

/// Who shares a scale of weights `[out, in]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScaleSharing {
    /// `tensor`: all weights.
    Tensor,
    /// `channel`: the weights of an output.
    #[default]
    Channel,
    /// `group:N`: N consecutive inputs of an output; the last group may be shorter.
    Group(NonZeroUsize),
}

/// How the scales of a scalar format are chosen.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum WeightScale {
    /// `absmax`: the greatest magnitude over that of the lowest code of signed integers, of the largest one of other
    /// formats; with zero points the range over the largest code.
    #[default]
    AbsMax,
    /// `mse`: the one of 19 below `absmax` with the least squared error of the weights.
    Mse,
    /// `hqo`: half-quadratic optimisation, each scale for itself.
    Hqo,
    /// `piso`: exactly the least squared error of the weights.
    Piso,
    /// `piso-diagonal`: the same, weighted with the diagonal of H.
    PisoDiagonal,
    /// `piso-full`: the least error of the outputs.
    PisoFull,
    /// `loss`: each row's by the error of the outputs that the algorithm leaves.
    Loss,
    /// `constrained`: the same under the accumulator's constraint, which wants larger scales.
    Constrained,
    /// These: `[]`, `[out]` or `[out, groups]`, as they are shared; axes of one element do not matter.
    Given(ArrayD<f32>),
}

impl LayerWeights {
    /// The name of the format.
    #[must_use]
    pub fn format_name(&self) -> String {
        match self {
            Self::Scalar(weights) => weights.format.to_string(),
            Self::Groups(groups) => groups.format.to_string(),
        }
    }
}

impl LayerWeights {
    /// The same with scales chosen by another rule; group formats have `loss` and `constrained`, and keep their own for all
    /// others.
    #[must_use]
    pub fn with_scale(self, scale: WeightScale) -> Self {
        match self {
            Self::Scalar(weights) => Self::Scalar(ScalarWeights { scale, ..weights }),
            Self::Groups(weights) => {
                let scale = match scale {
                    WeightScale::Loss => GroupScale::Loss,
                    WeightScale::Constrained => GroupScale::Constrained,
                    _ => GroupScale::OfFormat,
                };
                Self::Groups(GroupWeights { scale, ..weights })
            }
        }
    }

    /// The rule that chooses scales; the default where the format brings its own.
    #[must_use]
    pub fn scale(&self) -> WeightScale {
        match self {
            Self::Scalar(weights) => weights.scale.clone(),
            Self::Groups(weights) => match weights.scale {
                GroupScale::OfFormat => WeightScale::default(),
                GroupScale::Loss => WeightScale::Loss,
                GroupScale::Constrained => WeightScale::Constrained,
            },
        }
    }

    /// The name of the rule that chooses scales.
    #[must_use]
    pub fn scale_name(&self) -> &'static str {
        match self {
            Self::Scalar(weights) => weights.scale.name(),
            Self::Groups(GroupWeights { scale: GroupScale::OfFormat, .. }) => "of the format",
            Self::Groups(GroupWeights { scale: GroupScale::Loss, .. }) => WeightScale::Loss.name(),
            Self::Groups(_) => WeightScale::Constrained.name(),
        }
    }
}

impl ScalarWeights {
    /// A scale per output, from the greatest magnitude.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { format, sharing: ScaleSharing::default(), scale: WeightScale::default() }
    }

    /// Whether zero is another code than 0: in unsigned integers.
    #[must_use]
    pub fn has_zero_points(&self) -> bool {
        matches!(self.format, Format::Int(int) if !int.is_signed())
    }
}

impl From<Format> for LayerWeights {
    fn from(format: Format) -> Self {
        Self::Scalar(ScalarWeights::new(format))
    }
}

impl From<ScalarWeights> for LayerWeights {
    fn from(weights: ScalarWeights) -> Self {
        Self::Scalar(weights)
    }
}

impl From<GroupFormat> for LayerWeights {
    fn from(format: GroupFormat) -> Self {
        Self::Groups(GroupWeights { format, scale: GroupScale::default() })
    }
}

impl FromStr for ScaleSharing {
    type Err = LayerNameError;

    fn from_str(text: &str) -> Result<Self, LayerNameError> {
        let group = || text.strip_prefix("group:")?.parse().ok().map(Self::Group);
        match text {
            "tensor" => Ok(Self::Tensor),
            "channel" => Ok(Self::Channel),
            _ => group().ok_or_else(|| {
                LayerNameError::new(text, "tensor, channel, group:N with N at least 1")
            }),
        }
    }
}

impl fmt::Display for ScaleSharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tensor => f.pad("tensor"),
            Self::Channel => f.pad("channel"),
            Self::Group(size) => write!(f, "group:{size}"),
        }
    }
}

impl WeightScale {
    /// The names of all rules.
    pub const NAMES: &'static str =
        "absmax, mse, hqo, piso, piso-diagonal, piso-full, loss, constrained";

    /// Whether scales are chosen by what an algorithm makes of them, row by row.
    #[must_use]
    pub fn is_by_loss(&self) -> bool {
        matches!(self, Self::Loss | Self::Constrained)
    }

    /// Its name; `given` for scales from elsewhere, which no text stands for.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AbsMax => "absmax",
            Self::Mse => "mse",
            Self::Hqo => "hqo",
            Self::Piso => "piso",
            Self::PisoDiagonal => "piso-diagonal",
            Self::PisoFull => "piso-full",
            Self::Loss => "loss",
            Self::Constrained => "constrained",
            Self::Given(_) => "given",
        }
    }
}

impl FromStr for WeightScale {
    type Err = LayerNameError;

    fn from_str(text: &str) -> Result<Self, LayerNameError> {
        let rules = [
            Self::AbsMax,
            Self::Mse,
            Self::Hqo,
            Self::Piso,
            Self::PisoDiagonal,
            Self::PisoFull,
            Self::Loss,
            Self::Constrained,
        ];
        let rule = rules.into_iter().find(|rule| rule.name() == text);
        rule.ok_or_else(|| LayerNameError::new(text, Self::NAMES))
    }
}

impl fmt::Display for WeightScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
