//! Accumulators with a hole for the number of bits.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

use crate::accumulate::{Accumulator, AccumulatorError, Register, RegisterOverflow};

/// What stands for the number of bits.
const HOLE: &str = "{P}";

/// Why a text is not a template or a range of bits.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// Nothing to vary.
    #[error(
        "`{0}` has no {{P}}: expected an accumulator with {{P}} for the number of bits, as int{{P}}-sat"
    )]
    NoHole(String),
    /// Not an accumulator, whatever the number of bits.
    #[error("`{text}` with 16 for {{P}}: {error}")]
    Accumulator {
        /// The template.
        text: String,
        /// What is wrong with it.
        error: AccumulatorError,
    },
    /// A stage that integers cannot be summed through.
    #[error(
        "`{0}` has a floating-point stage; a sweep sums integers: int{{P}}-wrap, int{{P}}-sat and exact stages"
    )]
    NotInteger(String),
    /// Not a range.
    #[error("`{0}` is not a range of bits: expected a..b, both included, as 8..24")]
    Range(String),
    /// A range out of range.
    #[error("`{0}` must rise and lie within the supported 2 to 64 bits")]
    Bits(String),
}

/// An accumulator with `{P}` for the number of bits.
///
/// ```
/// use fewbit::sweep::{AccumulatorTemplate, TemplateKind};
/// let template: AccumulatorTemplate = "int{P}-sat/32,int32-wrap".parse()?;
/// assert_eq!(template.kind(), TemplateKind::TwoStage);
/// assert_eq!(template.at(12)?, "int12-sat/32,int32-wrap".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccumulatorTemplate {
    text: String,
    kind: TemplateKind,
}

/// What kind of accumulator a template makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TemplateKind {
    /// `wrap`: one register that wraps.
    Wrap,
    /// `saturate`: one register that saturates.
    Saturate,
    /// `one-stage`: another one alone.
    OneStage,
    /// `two-stage`
    TwoStage,
    /// `multi-stage`: three or more.
    MultiStage,
}

impl TemplateKind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wrap => "wrap",
            Self::Saturate => "saturate",
            Self::OneStage => "one-stage",
            Self::TwoStage => "two-stage",
            Self::MultiStage => "multi-stage",
        }
    }

    fn of(acc: &Accumulator) -> Self {
        match acc.stages() {
            [stage] => match stage.register {
                Register::Int { overflow: RegisterOverflow::Wrap, .. } => Self::Wrap,
                Register::Int { overflow: RegisterOverflow::Saturate, .. } => Self::Saturate,
                _ => Self::OneStage,
            },
            [_, _] => Self::TwoStage,
            _ => Self::MultiStage,
        }
    }
}

impl fmt::Display for TemplateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl AccumulatorTemplate {
    /// The accumulator at `bits`.
    ///
    /// # Errors
    /// Where this many bits are not supported.
    pub fn at(&self, bits: u32) -> Result<Accumulator, AccumulatorError> {
        self.text.replace(HOLE, &bits.to_string()).parse()
    }

    /// What kind of accumulator it is.
    #[must_use]
    pub fn kind(&self) -> TemplateKind {
        self.kind
    }

    /// `int{P}-wrap`, `int{P}-sat`, and `int{P}-sat/32,int32-wrap`: tiles of 32 products that saturate under a wide outer
    /// register.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        ["int{P}-wrap", "int{P}-sat", "int{P}-sat/32,int32-wrap"]
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect()
    }
}

impl FromStr for AccumulatorTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if !text.contains(HOLE) {
            return Err(TemplateError::NoHole(text.into()));
        }
        let mut template = Self { text: text.trim().into(), kind: TemplateKind::OneStage };
        let acc = template
            .at(16)
            .map_err(|error| TemplateError::Accumulator { text: text.into(), error })?;
        if !acc.is_integer() {
            return Err(TemplateError::NotInteger(text.into()));
        }
        template.kind = TemplateKind::of(&acc);
        Ok(template)
    }
}

impl fmt::Display for AccumulatorTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
