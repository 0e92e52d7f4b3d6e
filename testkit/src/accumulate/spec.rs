//! Integer accumulators as the oracle sees them, and their text form.

use std::fmt;

/// What a register does with a value it cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Modulo `2^P`.
    Wrap,
    /// To the nearest end of the range.
    Saturate,
}

/// One stage: `int<P>-wrap`, `int<P>-sat` or `exact`, with its width and its count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageSpec {
    /// Width and overflow of an integer register; `None` for `exact`.
    pub register: Option<(u32, Overflow)>,
    /// Inputs of one step.
    pub width: usize,
    /// Registers that take turns.
    pub interleave: usize,
    /// Inputs of one tile; `None` for the last stage.
    pub count: Option<usize>,
}

/// A list of stages, innermost first; prints as the text that an accumulator is parsed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec(pub Vec<StageSpec>);

impl fmt::Display for StageSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.register {
            None => f.write_str("exact")?,
            Some((bits, Overflow::Wrap)) => write!(f, "int{bits}-wrap")?,
            Some((bits, Overflow::Saturate)) => write!(f, "int{bits}-sat")?,
        }
        if self.width != 1 {
            write!(f, "*{}", self.width)?;
        }
        if self.interleave != 1 {
            write!(f, "%{}", self.interleave)?;
        }
        if let Some(count) = self.count {
            write!(f, "/{count}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stages: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&stages.join(","))
    }
}
