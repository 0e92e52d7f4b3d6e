//! A scheme, a scale rule and a policy: what turns numbers into codes.

use fewbit_formats::{Format, Policy};
use serde::{Deserialize, Serialize};

use crate::tensor::Granularity;

use super::parameters::Parameters;
use super::scale::ScaleSource;
use super::scheme::{TailPadding, ZeroPoint, ZeroPointRounding, ZeroPointSource};
use super::{QuantizeError, ScaleRule, Scheme};

/// Turns numbers into codes: a [`Scheme`], a [`ScaleRule`] and a [`Policy`].
///
/// ```text
/// code  = encode(x / scale + zero_point)      value = (decode(code) - zero_point) * scale
/// ```
/// Every operation is a single f32 operation; where scales are codes of a group format ([`Self::of_groups`]), they are that
/// format's and its policy's. Scale and zero point are computed from the tensor itself (dynamic), or
/// once from other data and then kept (static): see [`Self::with_parameters`].
///
/// ```
/// use fewbit::quantize::{Quantizer, ScaleRule, Scheme};
/// use fewbit_formats::{Format, Overflow, Policy, Rounding};
/// use ndarray::array;
///
/// let policy = Policy::new(Rounding::TiesEven, Overflow::Saturate);
/// let scheme = Scheme::new(Format::INT4N).per_channel(0);
/// let quantizer = Quantizer::new(scheme, ScaleRule::abs_max(), policy)?;
/// let q = quantizer.quantize(&array![[0.7f32, -0.35, 0.1], [14.0, 3.0, -1.0]].view())?;
/// assert_eq!(q.scale(), array![[0.1f32], [2.0]].into_dyn()); // 0.7 / 7 and 14 / 7
/// assert_eq!(q.ints()?, array![[7, -4, 1], [7, 2, 0]].into_dyn()); // -3.5 and 1.5 are ties: to even
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Description", into = "Description")]
pub struct Quantizer {
    pub(super) scheme: Scheme,
    pub(super) scale: ScaleRule,
    pub(super) policy: Policy,
    pub(super) seed: u64,
}

/// A quantizer as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    #[serde(with = "super::text")]
    format: Format,
    granularity: Granularity,
    #[serde(default, rename = "ragged")]
    tail_padding: TailPadding,
    #[serde(default)]
    zero_point: ZeroPoint,
    #[serde(default)]
    dead_zone: Option<f32>,
    scale: ScaleRule,
    #[serde(with = "super::text::policy")]
    policy: Policy,
    #[serde(default)]
    seed: u64,
}

impl From<Quantizer> for Description {
    fn from(quantizer: Quantizer) -> Self {
        let Quantizer { scheme, scale, policy, seed } = quantizer;
        let Scheme { format, granularity, tail_padding, zero_point, dead_zone } = scheme;
        Self { format, granularity, tail_padding, zero_point, dead_zone, scale, policy, seed }
    }
}

impl TryFrom<Description> for Quantizer {
    type Error = QuantizeError;

    fn try_from(description: Description) -> Result<Self, QuantizeError> {
        let Description {
            format,
            granularity,
            tail_padding,
            zero_point,
            dead_zone,
            scale,
            policy,
            seed,
        } = description;
        let scheme = Scheme { format, granularity, tail_padding, zero_point, dead_zone };
        Self { scheme, scale, policy, seed }.checked()
    }
}

impl Quantizer {
    /// The quantizer of these parts.
    ///
    /// # Errors
    /// A zero point in a format that is not an integer, a percentage outside 0 to 100, a floor or threshold that is
    /// not positive, a rounding mode that scales do not have.
    pub fn new(scheme: Scheme, scale: ScaleRule, policy: Policy) -> Result<Self, QuantizeError> {
        Self { scheme, scale, policy, seed: 0 }.checked()
    }

    fn checked(self) -> Result<Self, QuantizeError> {
        self.scheme.check()?;
        self.scale.check()?;
        if let Some(scales) = self.group_scales() {
            scales.check(&self.scheme, &self.scale, self.policy)?;
        }
        Ok(self)
    }

    /// What it makes.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// How it chooses scales.
    pub fn scale_rule(&self) -> &ScaleRule {
        &self.scale
    }

    /// How it encodes.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The same quantizer with another scheme.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_scheme(self, scheme: Scheme) -> Result<Self, QuantizeError> {
        Self { scheme, ..self }.checked()
    }

    /// The same quantizer with another scale rule.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_scale_rule(self, scale: ScaleRule) -> Result<Self, QuantizeError> {
        Self { scale, ..self }.checked()
    }

    /// The same quantizer with another policy.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_policy(self, policy: Policy) -> Result<Self, QuantizeError> {
        Self { policy, ..self }.checked()
    }

    /// The same quantizer with another seed for stochastic rounding. An element's random bits depend on the seed and
    /// on its row-major index alone.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The static quantizer that always uses these scales and zero points.
    ///
    /// # Errors
    /// As [`Self::new`]; whether the shapes fit is seen when a tensor comes.
    pub fn with_parameters(self, parameters: Parameters) -> Result<Self, QuantizeError> {
        let zero_point = match parameters.zero_point {
            None => ZeroPoint::Zero,
            Some(zero_point) => ZeroPoint::Shifted {
                source: ZeroPointSource::Given(zero_point),
                rounding: ZeroPointRounding::Float,
            },
        };
        let scale = ScaleRule { source: ScaleSource::Given(parameters.scale), ..self.scale };
        Self { scheme: self.scheme.with_zero_point(zero_point), scale, ..self }.checked()
    }
}
