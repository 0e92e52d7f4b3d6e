//! What the arguments choose from, under the names and with the help that the command line has for it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use fewbit::Accumulator;
use fewbit::accumulate::AccumulatorError;
use fewbit::algorithms::layer::{AccumulatorConstraint, LayerSolver, WeightScale};
use fewbit::algorithms::{
    BeaconParams, Effort, GpfqParams, GptaqParams, GptqParams, Precision, QronosParams, RtnParams,
};
use fewbit::quantize::{Centring, CodeFormat};
use fewbit::sweep::{AccumulatorTemplate, TemplateError};

use crate::quantized::Target;
use crate::spelling::code_format;

/// How channels are equalized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EqualizeChoice {
    /// s = max|X|^alpha / max|W|^(1-alpha)
    Smoothquant,
}

impl fmt::Display for EqualizeChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&name(self))
    }
}

/// How codes are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Algorithm {
    /// Round-to-nearest
    Rtn,
    /// GPTQ, or OPTQ
    Gptq,
    /// Greedy path following
    Gpfq,
    /// Qronos
    Qronos,
    /// GPTQ with asymmetric calibration
    Gptaq,
    /// Direction first, scales from it
    Beacon,
    /// Projection onto the L1 ball of the accumulator's first stage
    A2q,
    /// The same, zero-centred
    A2qPlus,
}

/// The name that the command line has for a value.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

impl Algorithm {
    /// With the parameters of its paper.
    pub(super) fn solver(self) -> LayerSolver {
        match self {
            Self::Rtn => LayerSolver::Rtn(RtnParams::default()),
            Self::Gptq => LayerSolver::Gptq(GptqParams::default()),
            Self::Gpfq => LayerSolver::Gpfq(GpfqParams::default()),
            Self::Qronos => LayerSolver::Qronos(QronosParams::default()),
            Self::Gptaq => LayerSolver::Gptaq(GptaqParams::default()),
            Self::Beacon => LayerSolver::Beacon(BeaconParams::default()),
            Self::A2q => LayerSolver::A2q(Centring::None),
            Self::A2qPlus => LayerSolver::A2q(Centring::Mean),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&name(self))
    }
}

/// How a solver keeps an accumulator from overflowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keeping {
    /// Scales and codes together within AXE's budgets, by the error of the outputs
    Joint,
    /// AXE with its soft threshold, as published
    Axe,
    /// AXE's strict budgets alone
    AxeStrict,
    /// Not at all: overflows are counted
    None,
}

impl From<Keeping> for AccumulatorConstraint {
    fn from(keeping: Keeping) -> Self {
        match keeping {
            Keeping::Joint => Self::Joint,
            Keeping::Axe => Self::Axe,
            Keeping::AxeStrict => Self::AxeStrict,
            Keeping::None => Self::None,
        }
    }
}

/// The names of what loops compute in.
pub(super) fn precision() -> impl TypedValueParser<Value = Precision> {
    let names = [("single", "f32"), ("double", "f64")];
    PossibleValuesParser::new(names.map(|(name, help)| PossibleValue::new(name).help(help)))
        .map(|name| if name == "double" { Precision::Double } else { Precision::Single })
}

/// What the weights become.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum WeightChoice {
    /// What leaves the least error.
    Auto,
    Target(Target),
}

impl FromStr for WeightChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => text
                .parse()
                .map(Self::Target)
                .map_err(|error: <Target as FromStr>::Err| error.to_string()),
        }
    }
}

impl fmt::Display for WeightChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Target(target) => target.fmt(f),
        }
    }
}

/// What the activations become.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ActChoice {
    /// What leaves the least error.
    Auto,
    Format(CodeFormat),
}

impl FromStr for ActChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => code_format(text).map(Self::Format).map_err(|error| error.to_string()),
        }
    }
}

impl fmt::Display for ActChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Format(format) => format.fmt(f),
        }
    }
}

/// One accumulator or many.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AccChoice {
    Accumulator(Accumulator),
    Template(AccumulatorTemplate),
}

impl FromStr for AccChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.contains("{P}") {
            true => {
                text.parse().map(Self::Template).map_err(|error: TemplateError| error.to_string())
            }
            false => text
                .parse()
                .map(Self::Accumulator)
                .map_err(|error: AccumulatorError| error.to_string()),
        }
    }
}

impl fmt::Display for AccChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accumulator(acc) => acc.fmt(f),
            Self::Template(template) => template.fmt(f),
        }
    }
}

/// An effort by its number.
pub(super) fn effort(text: &str) -> Result<Effort, String> {
    let level = text.parse().map_err(|_| "expected a number from 0 to 4".to_owned())?;
    Effort::new(level).map_err(|error| error.to_string())
}

/// Where scales come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ScaleChoice {
    Rule(WeightScale),
    File(PathBuf),
}

impl FromStr for ScaleChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(rule) => Ok(Self::Rule(rule)),
            Err(_) if text.ends_with(".npy") => Ok(Self::File(text.into())),
            Err(error) => Err(format!("{error}, nor the name of a .npy file")),
        }
    }
}

impl fmt::Display for ScaleChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(rule) => rule.fmt(f),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
