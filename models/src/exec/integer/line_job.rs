//! A product of lines as data.

use fewbit::accumulate::Register;
use fewbit::{Accumulator, ReportLevel};

use super::lines::Lines;
use super::report::Reported;
use super::right::Right;

/// A product of lines.
pub(super) struct LineProduct<'a> {
    pub(super) x: &'a Lines,
    pub(super) w: &'a Right,
    pub(super) accumulator: &'a Accumulator,
    pub(super) report: ReportLevel,
    /// Of one element per column.
    pub(super) bias: Option<&'a [f32]>,
}

/// The outputs, row by row, and what accumulators did.
#[derive(Debug, Default)]
pub(super) struct LineDone {
    pub(super) values: Vec<f32>,
    pub(super) reported: Reported,
}

/// What becomes of a product of lines.
pub(super) enum Outcome {
    /// It ran.
    Done(LineDone),
    /// No accumulator of this kind takes these codes, for this reason.
    InFloats(String),
}

/// Whether every register holds every sum.
pub(super) fn is_exact(accumulator: &Accumulator) -> bool {
    accumulator.stages().iter().all(|stage| matches!(stage.register, Register::Exact))
}
