//! Accumulators with a hole for the number of bits.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use fewbit::Accumulator;
use fewbit::accumulate::{AccumulatorError, Register, RegisterOverflow};
use thiserror::Error;

/// What stands for the number of bits.
const HOLE: &str = "{P}";

/// Why a text is not a template or a range of bits.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum TemplateError {
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    text: String,
    policy: &'static str,
}

impl Template {
    /// The accumulator at `bits`.
    ///
    /// # Errors
    /// Where this many bits are not supported.
    pub(crate) fn at(&self, bits: u32) -> Result<Accumulator, AccumulatorError> {
        self.text.replace(HOLE, &bits.to_string()).parse()
    }

    /// What kind of accumulator it is: `wrap`, `saturate`, `two-stage`, or how many stages.
    pub(crate) fn policy(&self) -> &'static str {
        self.policy
    }

    /// One saturating and one wrapping register, and 32-product tiles that saturate under a wide outer register.
    pub(crate) fn defaults() -> Vec<Self> {
        ["int{P}-wrap", "int{P}-sat", "int{P}-sat/32,int32-wrap"]
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect()
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if !text.contains(HOLE) {
            return Err(TemplateError::NoHole(text.into()));
        }
        let mut template = Self { text: text.trim().into(), policy: "" };
        let acc = template
            .at(16)
            .map_err(|error| TemplateError::Accumulator { text: text.into(), error })?;
        if !acc.is_integer() {
            return Err(TemplateError::NotInteger(text.into()));
        }
        template.policy = match acc.stages() {
            [stage] => match stage.register {
                Register::Int { overflow: RegisterOverflow::Wrap, .. } => "wrap",
                Register::Int { overflow: RegisterOverflow::Saturate, .. } => "saturate",
                _ => "one-stage",
            },
            [_, _] => "two-stage",
            _ => "multi-stage",
        };
        Ok(template)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// Numbers of bits, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BitRange(pub(crate) RangeInclusive<u32>);

impl FromStr for BitRange {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let unreadable = || TemplateError::Range(text.into());
        let number = |part: &str| part.trim().parse::<u32>().map_err(|_| unreadable());
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (number(first)?, number(last.trim_start_matches('='))?),
            None => (number(text)?, number(text)?),
        };
        if first > last || !(2..=64).contains(&first) || last > 64 {
            return Err(TemplateError::Bits(text.into()));
        }
        Ok(Self(first..=last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_include_both_ends() {
        let range = |text: &str| text.parse::<BitRange>().map(|r| r.0);
        assert_eq!(range("8..24"), Ok(8..=24));
        assert_eq!(range("16"), Ok(16..=16));
        for wrong in ["", "8..", "..8", "a..b", "24..8", "1..8", "8..65", "8...12", "-2..8"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn templates_name_their_policy() {
        let policy = |text: &str| text.parse::<Template>().map(|t| t.policy());
        assert_eq!(policy("int{P}-wrap"), Ok("wrap"));
        assert_eq!(policy("int{P}-sat*8"), Ok("saturate"));
        assert_eq!(policy("exact/8,int{P}-sat"), Ok("two-stage"));
        assert_eq!(Template::defaults().len(), 3);
        for wrong in ["int16-sat", "int{P}", "int{P}-sat/8", "{P}", ""] {
            assert!(policy(wrong).is_err(), "{wrong}");
        }
    }
}
