//! What is to be done with a layer.

use std::fmt;
use std::str::FromStr;

use super::name::LayerNameError;
use super::rotation::LayerRotation;
use super::solver::LayerSolver;
use super::weights::LayerWeights;
use crate::accumulate::Accumulator;
use crate::algorithms::Effort;
use crate::algorithms::equalize::SmoothParams;
use crate::quantize::CodeFormat;

/// What is to be done with a layer.
///
/// ```
/// use fewbit::algorithms::layer::{LayerActivations, LayerJob};
/// use fewbit::formats::Format;
/// let job = LayerJob {
///     activations: Some(LayerActivations::new("uint8".parse()?).into_accumulator("int16-sat".parse()?)),
///     ..LayerJob::new(Format::INT4, "gptq".parse()?)
/// };
/// assert_eq!(job.weights.format_name(), "int4");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LayerJob {
    /// What the weights may become.
    pub weights: LayerWeights,
    /// The algorithms that choose codes, each for itself on the same statistics and the same grid.
    pub solvers: Vec<LayerSolver>,
    /// Scales of the inputs' channels against those of the weights, before anything else.
    pub equalization: Option<Equalization>,
    /// A rotation of inputs and weights alike, after the equalization.
    pub rotation: Option<LayerRotation>,
    /// The codes that an accumulator multiplies with those of the weights.
    pub activations: Option<LayerActivations>,
    /// How much work choosing codes may be besides the algorithms themselves. `None`: the default effort under
    /// [`AccumulatorConstraint::Joint`]; else none, so that published algorithms are what was published.
    pub effort: Option<Effort>,
    /// Of everything random: [`Self::rotation`].
    pub seed: u64,
}

/// How the inputs' channels are scaled against those of the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Equalization {
    /// `smoothquant`: `s = max|X|^alpha / max|W|^(1 - alpha)`.
    SmoothQuant(SmoothParams),
}

/// The codes of a layer's inputs: one scale for all of X̃, which covers every value of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerActivations {
    /// Their format.
    pub format: CodeFormat,
    /// What they are for besides the accumulator.
    pub input_values: InputValues,
    /// The accumulator that sums their products with the codes of the weights; an exact one where there is none.
    pub accumulator: Option<LayerAccumulator>,
}

/// What the inputs X̃ are that algorithms see and errors are taken of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputValues {
    /// What is given.
    #[default]
    AsGiven,
    /// The values of the activations' codes.
    OfCodes,
}

/// An accumulator, and what solvers do about it.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerAccumulator {
    /// Of integer and exact stages.
    pub accumulator: Accumulator,
    /// What solvers do about it.
    pub constraint: AccumulatorConstraint,
}

/// How solvers that round input after input keep an accumulator from overflowing, whatever the activations.
///
/// A2Q and A2Q+ project instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccumulatorConstraint {
    /// `joint`: AXE's budgets for scales and codes that are chosen together: [`joint`](crate::algorithms::joint()).
    #[default]
    Joint,
    /// `axe`: AXE's budgets with its soft threshold, as published.
    Axe,
    /// `axe-strict`: AXE's budgets alone.
    AxeStrict,
    /// `none`: not at all; overflows are counted.
    None,
}

impl LayerJob {
    /// One algorithm, on weights and inputs as they are.
    #[must_use]
    pub fn new(weights: impl Into<LayerWeights>, solver: LayerSolver) -> Self {
        Self {
            weights: weights.into(),
            solvers: vec![solver],
            equalization: None,
            rotation: None,
            activations: None,
            effort: None,
            seed: 0,
        }
    }

    /// The accumulator, where there is one.
    #[must_use]
    pub fn accumulator(&self) -> Option<&LayerAccumulator> {
        self.activations.as_ref()?.accumulator.as_ref()
    }
}

impl LayerActivations {
    /// Codes that an exact accumulator sums; X̃ is what is given.
    #[must_use]
    pub fn new(format: CodeFormat) -> Self {
        Self { format, input_values: InputValues::default(), accumulator: None }
    }

    /// The same through this accumulator, which no input overflows: scales and codes are chosen together.
    #[must_use]
    pub fn into_accumulator(self, accumulator: Accumulator) -> Self {
        let constraint = AccumulatorConstraint::default();
        Self { accumulator: Some(LayerAccumulator { accumulator, constraint }), ..self }
    }
}

impl AccumulatorConstraint {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Joint => "joint",
            Self::Axe => "axe",
            Self::AxeStrict => "axe-strict",
            Self::None => "none",
        }
    }
}

impl FromStr for AccumulatorConstraint {
    type Err = LayerNameError;

    fn from_str(text: &str) -> Result<Self, LayerNameError> {
        let all = [Self::Joint, Self::Axe, Self::AxeStrict, Self::None];
        let constraint = all.into_iter().find(|constraint| constraint.name() == text);
        constraint.ok_or_else(|| LayerNameError::new(text, "joint, axe, axe-strict, none"))
    }
}

impl fmt::Display for AccumulatorConstraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
