//! One step, as it is shown.

use serde::Serialize;

use super::number::ExactNumber;
use crate::accumulate::{Stage, Turn};

/// One step of one register.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TraceStep {
    /// From 0, the innermost.
    pub stage: usize,
    /// Its part of the accumulator.
    pub spec: String,
    /// The first and the last product that entered.
    pub k: [u64; 2],
    /// Of several registers that take turns, the one that took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub register: Option<TraceRegister>,
    /// The register before.
    pub before: ExactNumber,
    /// What entered.
    pub inputs: Vec<TraceInput>,
    /// Register and inputs summed exactly.
    pub exact: ExactNumber,
    /// How the addends were aligned, where they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignment: Option<TraceAlignment>,
    /// What was rounded, wrapped or saturated.
    pub sum: ExactNumber,
    /// The register after.
    pub after: ExactNumber,
    /// What happened: overflow, underflow, inexact, absorbed, invalid.
    pub events: Vec<&'static str>,
}

/// A register of several that take turns.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TraceRegister {
    /// From 0.
    pub index: u32,
    /// The register whose value it took at the end of a tile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub takes: Option<u32>,
}

impl TraceRegister {
    /// `None` where the stage has one.
    pub(super) fn new(stage: &Stage, turn: Turn) -> Option<Self> {
        let register = match turn {
            Turn::Fold(register) => Self { index: 0, takes: Some(register) },
            Turn::Inputs(index) => Self { index, takes: None },
        };
        stage.is_interleaved().then_some(register)
    }

    fn text(&self) -> String {
        match self.takes {
            Some(register) => format!(" [{} + {register}]", self.index),
            None => format!(" [{}]", self.index),
        }
    }
}

/// What entered.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TraceInput {
    /// The factors, where it is a product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factors: Option<[ExactNumber; 2]>,
    /// Its value.
    pub value: ExactNumber,
}

/// How addends were aligned.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TraceAlignment {
    /// The largest exponent.
    pub exponent: i32,
    /// Addends were cut to multiples of 2 to this power.
    pub position: i32,
    /// The register first.
    pub addends: Vec<TraceAddend>,
    /// Their exact sum.
    pub sum: ExactNumber,
}

/// An addend of an aligned step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TraceAddend {
    /// `register`, `product` or, where several products are one addend, `sum`.
    pub what: &'static str,
    /// As it entered, where it did so by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<ExactNumber>,
    /// As it was summed.
    pub after: ExactNumber,
    /// What was cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<ExactNumber>,
}

impl TraceStep {
    /// The titles of the columns that [`Self::rows`] fills.
    pub const TITLES: [&str; 7] = ["stage", "k", "input", "before", "exact sum", "after", "event"];

    /// The lines of a table: the step, then what entered where that is more than one number.
    pub fn rows(&self, mut add: impl FnMut([String; 7])) {
        let [first, last] = self.k;
        let range = if first == last { first.to_string() } else { format!("{first}..{last}") };
        let several = self.inputs.len() > 1 || self.alignment.is_some();
        let input = match &self.inputs[..] {
            [input] if !several => input.text(),
            inputs => format!("{} inputs", inputs.len()),
        };
        add([
            self.spec.clone() + &self.register.as_ref().map_or(String::new(), TraceRegister::text),
            range,
            input,
            self.before.to_string(),
            self.exact.to_string(),
            self.after.to_string(),
            self.events.join(", "),
        ]);
        let mut line = |what: String, before: String, after: String, note: String| {
            add([String::new(), String::new(), what, before, String::new(), after, note]);
        };
        match &self.alignment {
            None if several => {
                for input in &self.inputs {
                    line(input.text(), String::new(), String::new(), String::new());
                }
            }
            None => {}
            Some(aligned) => {
                let mut inputs = self.inputs.iter();
                for addend in &aligned.addends {
                    let what = match addend.what {
                        "product" => inputs.next().map_or(String::new(), TraceInput::text),
                        other => other.into(),
                    };
                    let before =
                        addend.before.as_ref().map_or(String::new(), ExactNumber::to_string);
                    let lost = addend.lost.as_ref().map_or(String::new(), |x| format!("lost {x}"));
                    line(what, before, addend.after.to_string(), lost);
                }
                let note = format!("emax {}, cut at 2^{}", aligned.exponent, aligned.position);
                line("sum of addends".into(), String::new(), aligned.sum.to_string(), note);
            }
        }
    }
}

impl TraceInput {
    fn text(&self) -> String {
        match &self.factors {
            Some([a, b]) => format!("{a} * {b} = {}", self.value),
            None => self.value.to_string(),
        }
    }
}
