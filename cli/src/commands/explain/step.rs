//! One step, as it is printed.

use fewbit::accumulate::{Stage, Turn};
use serde::Serialize;

use crate::output::Exact;

/// One step of one register.
#[derive(Serialize)]
pub(super) struct Step {
    /// From 0, the innermost.
    pub(super) stage: usize,
    /// Its part of the accumulator.
    pub(super) spec: String,
    /// The first and the last product that entered.
    pub(super) k: [u64; 2],
    /// Of several registers that take turns, the one that took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) register: Option<Register>,
    pub(super) before: Exact,
    pub(super) inputs: Vec<Input>,
    /// Register and inputs summed exactly.
    pub(super) exact: Exact,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alignment: Option<Aligned>,
    /// What was rounded, wrapped or saturated.
    pub(super) sum: Exact,
    pub(super) after: Exact,
    /// What happened: overflow, underflow, inexact, absorbed, invalid.
    pub(super) events: Vec<&'static str>,
}

/// A register of several that take turns.
#[derive(Serialize)]
pub(super) struct Register {
    /// From 0.
    index: u32,
    /// The register whose value it took at the end of a tile.
    #[serde(skip_serializing_if = "Option::is_none")]
    takes: Option<u32>,
}

impl Register {
    /// `None` where the stage has one.
    pub(super) fn new(stage: &Stage, turn: Turn) -> Option<Self> {
        let register = match turn {
            Turn::Fold(register) => Self { index: 0, takes: Some(register) },
            Turn::Inputs(index) => Self { index, takes: None },
            _ => return None,
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
#[derive(Serialize)]
pub(super) struct Input {
    /// The factors, where it is a product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) factors: Option<[Exact; 2]>,
    pub(super) value: Exact,
}

/// How addends were aligned.
#[derive(Serialize)]
pub(super) struct Aligned {
    /// The largest exponent.
    pub(super) exponent: i32,
    /// Addends were cut to multiples of 2 to this power.
    pub(super) position: i32,
    /// The register first.
    pub(super) addends: Vec<Addend>,
    /// Their exact sum.
    pub(super) sum: Exact,
}

/// An addend of an aligned step.
#[derive(Serialize)]
pub(super) struct Addend {
    /// `register`, `product` or, where several products are one addend, `sum`.
    pub(super) what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<Exact>,
    pub(super) after: Exact,
    /// What was cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lost: Option<Exact>,
}

impl Step {
    /// The lines of the table.
    pub(super) fn rows(&self, mut add: impl FnMut([String; 7])) {
        let [first, last] = self.k;
        let range = if first == last { first.to_string() } else { format!("{first}..{last}") };
        let several = self.inputs.len() > 1 || self.alignment.is_some();
        let input = match &self.inputs[..] {
            [input] if !several => input.text(),
            inputs => format!("{} inputs", inputs.len()),
        };
        add([
            self.spec.clone() + &self.register.as_ref().map_or(String::new(), Register::text),
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
                        "product" => inputs.next().map_or(String::new(), Input::text),
                        other => other.into(),
                    };
                    let before = addend.before.as_ref().map_or(String::new(), Exact::to_string);
                    let lost = addend.lost.as_ref().map_or(String::new(), |x| format!("lost {x}"));
                    line(what, before, addend.after.to_string(), lost);
                }
                let note = format!("emax {}, cut at 2^{}", aligned.exponent, aligned.position);
                line("sum of addends".into(), String::new(), aligned.sum.to_string(), note);
            }
        }
    }
}

impl Input {
    fn text(&self) -> String {
        match &self.factors {
            Some([a, b]) => format!("{a} * {b} = {}", self.value),
            None => self.value.to_string(),
        }
    }
}
