//! What a step did, and where it stands.

use fewbit_formats::Status;

use super::{Addend, Value};
use crate::accumulate::Turn;
use crate::reference::Dyadic;

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The register's next value.
    pub after: Value,
    /// Register and inputs summed exactly.
    pub exact: Value,
    /// What was rounded, wrapped or saturated; `exact`, unless addends were cut or rounded before.
    pub sum: Value,
    /// The flags of the step: overflow (an event), underflow, inexact (`after` is not `exact`).
    pub status: Status,
    /// How addends were aligned, where they were.
    pub alignment: Option<Alignment>,
}

impl Step {
    /// Whether the register became a NaN that neither it nor an input was before: an invalid operation, such as infinity
    /// minus infinity.
    pub fn is_invalid(&self, before: &Value, inputs: &[Addend]) -> bool {
        self.after == Value::Nan
            && *before != Value::Nan
            && inputs.iter().all(|input| input.value != Value::Nan)
    }
}

/// How the addends of a step were aligned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alignment {
    /// The largest exponent.
    pub exponent: i32,
    /// Addends were cut to multiples of 2 to this power.
    pub position: i32,
    /// The addends after the cut, the register first.
    pub addends: Vec<Dyadic>,
}

/// A step and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct StepRecord<'a> {
    /// The stage, from 0.
    pub stage: usize,
    /// The first product that entered.
    pub first_k: u64,
    /// The last product that entered.
    pub last_k: u64,
    /// Which register took what.
    pub turn: Turn,
    /// The register before.
    pub before: &'a Value,
    /// What entered.
    pub inputs: &'a [Addend],
    /// What came of it.
    pub step: &'a Step,
}
